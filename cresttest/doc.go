// Package cresttest makes a fake server out of the endpoints that an SDK declares, so that the SDK can be tested without its API:
//
//	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
//	cresttest.Handle(srv, getPet, func(ctx context.Context, req GetPetRequest) (Pet, error) {
//		if req.ID != 7 {
//			return Pet{}, &NotFound{Message: "no such pet"}
//		}
//		return Pet{ID: 7, Name: "Rex"}, nil
//	})
//	store, err := petstore.New("token", crest.WithTransport(srv.Transport()))
//
// A handler gets the request as the model that was sent and returns the answer's model, or an error that the endpoint declares: the
// plans that the client sends and reads with are read and written the other way, so nothing is described twice. Requests and
// answers are real HTTP/1.1, over connections in memory ([Server.Transport]) or a socket ([Server.URL]).
//
// [Server.Fail] makes requests fail: late, with a status, with Retry-After, with a connection that is cut. [Calls] gives what was
// called, typed. [HandleStream] answers streams; pages are calls of their pager's Endpoint. [ReplyOf] says what a model cannot:
// a status, a header.
//
// What nobody declared fails the test: a request that no endpoint takes, one that cannot be decoded or breaks its model's rules, a
// handler's error that the endpoint does not declare.
//
// [Cassette] records what a real API says into a file of readable HTTP, without what is secret, and plays it back.
//
// Everything a server starts lies in the goroutine group of its creator, so it works inside a testing/synctest bubble, where
// latencies take no time.
package cresttest
