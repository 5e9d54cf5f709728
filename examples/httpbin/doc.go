// Package httpbin is an SDK for httpbin (https://httpbingo.org), written the way SDKs are written with crest:
//
//   - client.go has the client: a struct that embeds [*crest.Client], and New with the options that every user of the
//     API needs.
//   - endpoints.go has the table of endpoints and the methods that call them.
//   - models.go has the request and response models; their tags say where each field goes.
//   - errors.go has the error models, one for each kind of answer that a caller may want to tell apart.
//
// A program uses it without knowing crest:
//
//	bin, err := httpbin.New("https://httpbingo.org")
//	…
//	echo, err := bin.Get(ctx, httpbin.GetRequest{Name: "crest"})
package httpbin
