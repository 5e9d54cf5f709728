package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/crest-go/crest"
)

// flaky answers 503 a number of times, and then well.
func flaky(failures int) fakeServer {
	return func(w http.ResponseWriter, req *http.Request) {
		if failures--; failures >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		answering(200, `["Dune"]`)(w, req)
	}
}

// A failure that may pass is followed by another attempt, three times at most, where repeating does no harm.
func ExampleRetry() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(flaky(2)))
	books, err := crest.Get[crest.Empty, []string]("/books").Call(context.Background(), c, crest.Empty{})
	fmt.Println(books, err)

	// A POST may have been executed: it is not sent twice.
	c, _ = crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(flaky(1)))
	_, err = crest.Post[crest.Empty, []string]("/books").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	// Output:
	// [Dune] <nil>
	// crest: POST /books: 503 Service Unavailable
}

// The option holds for a client, an endpoint or a call; each zero field inherits.
func ExampleWithRetry() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(flaky(9)),
		crest.WithRetry(crest.Retry{Backoff: func(n int, _ error) time.Duration { return time.Millisecond }}))
	list := crest.Get[crest.Empty, []string]("/books")

	_, err := list.Call(context.Background(), c, crest.Empty{}, crest.WithRetry(crest.Retry{Max: 1}))
	fmt.Println(err)
	if failed, ok := errors.AsType[*crest.CallError](err); ok {
		fmt.Println(failed.Attempts[1].StatusCode, "after a wait of", failed.Attempts[1].Wait)
	}
	_, err = list.Call(context.Background(), c, crest.Empty{}, crest.WithRetry(crest.Retry{Max: -1})) // none
	fmt.Println(err)
	// Output:
	// crest: GET /books: 503 Service Unavailable (2 attempts)
	// 503 after a wait of 1ms
	// crest: GET /books: 503 Service Unavailable
}

// Before changes the request of a retry. It passes the middleware and gets its credentials after that.
func ExampleRetry_before() {
	server := fakeServer(func(w http.ResponseWriter, req *http.Request) {
		fmt.Printf("try %q\n", req.Header.Get("X-Retry"))
		w.WriteHeader(http.StatusBadGateway)
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithRetry(crest.Retry{
		Max:    1,
		Before: func(n int, req *http.Request, _ error) { req.Header.Set("X-Retry", fmt.Sprint(n)) },
	}))
	_, err := crest.Get[crest.Empty, crest.Empty]("/books").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	// Output:
	// try ""
	// try "1"
	// crest: GET /books: 502 Bad Gateway (2 attempts)
}

// If adds failures to those that are followed by another attempt: here an object that is not there yet.
func ExampleRetry_if() {
	answers := []int{404, 404, 200}
	server := fakeServer(func(w http.ResponseWriter, req *http.Request) {
		answering(answers[0], `["Dune"]`)(w, req)
		answers = answers[1:]
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))
	books, err := crest.Get[crest.Empty, []string]("/books", crest.WithRetry(crest.Retry{
		If: func(err error) bool { return errors.Is(err, crest.Status(404)) },
	})).Call(context.Background(), c, crest.Empty{})
	fmt.Println(books, err)
	// Output:
	// [Dune] <nil>
}

// A search by POST changes nothing: it may be repeated as a GET may.
func ExampleWithIdempotent() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(flaky(1)))
	search := crest.Post[crest.Empty, []string]("/search", crest.WithIdempotent())
	fmt.Println(search.Call(context.Background(), c, crest.Empty{}))
	// Output:
	// [Dune] <nil>
}

// A PUT that counts how often it is called is not what the standard says a PUT is: it is not repeated.
func ExampleWithoutIdempotent() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(flaky(1)))
	visit := crest.Put[crest.Empty, []string]("/visits", crest.WithoutIdempotent())
	fmt.Println(visit.Call(context.Background(), c, crest.Empty{}))
	// Output:
	// [] crest: PUT /visits: 503 Service Unavailable
}

// With a key the server knows a repetition, so that POST can be repeated. Each call has a key of its own, and all of its
// attempts have the same.
func ExampleWithIdempotencyKey() {
	seen := map[string]int{}
	server := flaky(1)
	counting := fakeServer(func(w http.ResponseWriter, req *http.Request) {
		seen[req.Header.Get("Idempotency-Key")]++
		server(w, req)
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(counting),
		crest.WithIdempotencyKey(crest.IdempotencyKey{}))
	pay := crest.Post[crest.Empty, []string]("/payments")
	_, err := pay.Call(context.Background(), c, crest.Empty{})
	for key, n := range seen {
		fmt.Println(len(key), "characters,", n, "requests,", err)
	}
	// Output:
	// 36 characters, 2 requests, <nil>
}

// A key of the caller's own is a header like any other.
func ExampleIdempotencyKey() {
	type payment struct {
		Key    string `header:"Idempotency-Key"`
		Amount int    `json:"amount"`
	}
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(flaky(1)))
	pay := crest.Post[payment, []string]("/payments")
	fmt.Println(pay.Call(context.Background(), c, payment{Key: "order-42", Amount: 5}))
	// Output:
	// [Dune] <nil>
}

// Each phase has a timeout of its own.
func ExampleWithTimeouts() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(hanging{}),
		crest.WithTimeouts(crest.Timeouts{Total: time.Minute, Attempt: 100 * time.Millisecond}),
		crest.WithRetry(crest.Retry{Max: 1}))

	_, err := crest.Get[crest.Empty, any]("/books").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	fmt.Println(errors.Is(err, crest.KindTimeoutAttempt), errors.Is(err, crest.KindTimeout))
	// Output:
	// crest: GET /books: transport: timeout(attempt): the attempt took longer than its timeout of 100ms (the request may have been received) (2 attempts)
	// true true
}
