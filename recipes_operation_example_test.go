package crest_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/crest-go/crest"
)

// recipe: operation

// await polls an operation until ended says that it has, as often as the server asks for, or else every so often. at is the operation's
// URL: kept somewhere, it is what another process needs to go on waiting. When ctx ends, the server is told that nobody waits any more.
func await[Res, T any](ctx context.Context, c crest.Caller, poll *crest.Endpoint[crest.Empty, Res], at string, every time.Duration, ended func(*crest.Response[Res]) (T, bool, error)) (T, error) {
	for {
		answer, err := poll.Do(ctx, c, crest.Empty{}, crest.WithURL(at))
		if err != nil {
			if ctx.Err() != nil {
				_, cancelled := cancelOperation.Call(context.WithoutCancel(ctx), c, crest.Empty{}, crest.WithURL(at), crest.WithTimeout(5*time.Second))
				err = errors.Join(err, cancelled)
			}
			return *new(T), err
		}
		if result, over, err := ended(answer); over || err != nil {
			return result, err
		}
		select {
		case <-time.After(cmp.Or(answer.RetryAfter(), every)):
		case <-ctx.Done(): // which the next call says
		}
	}
}

var cancelOperation = crest.Delete[crest.Empty, crest.Empty]("/") // always sent to an operation's own URL

// end of recipe

// recipe: operation-body

// job is the state of something that takes the server a while.
type job struct {
	Status string    `json:"status" validate:"oneof=running succeeded failed"`
	Result *report   `json:"result" validate:"required_if=Status succeeded"`
	Error  *jobError `json:"error" validate:"required_if=Status failed"`
	At     string    `header:"Operation-Location,omitzero"`
}

type report struct{ Pages int }

type jobError struct{ Message string }

func (e *jobError) Error() string { return "the operation failed: " + e.Message }

var (
	startReport = crest.Post[crest.Empty, job]("/reports", crest.WithSuccess(200, 201, 202))
	pollBody    = crest.Get[crest.Empty, job]("/")
)

func endedByBody(answer *crest.Response[job]) (*report, bool, error) {
	switch now := answer.Model; now.Status {
	case "succeeded":
		return now.Result, true, nil
	case "failed":
		return nil, true, now.Error
	}
	return nil, false, nil
}

// end of recipe

// recipe: operation-status

// pollStatus is for servers that answer 202, with a body or without, and then with the result or a redirect to it.
var pollStatus = crest.Get[crest.Empty, *report]("/", crest.WithSuccess(200, 202))

func endedByStatus(answer *crest.Response[*report]) (*report, bool, error) {
	return answer.Model, answer.StatusCode != http.StatusAccepted, nil
}

// end of recipe

// recipe: operation-header

// state is told by a header; the body is the result as soon as there is one.
type state struct {
	Now  string  `header:"X-Operation-Status" validate:"oneof=running succeeded"`
	Body *report // nil as long as the body is empty
}

var pollHeader = crest.Get[crest.Empty, state]("/")

func endedByHeader(answer *crest.Response[state]) (*report, bool, error) {
	return answer.Model.Body, answer.Model.Now == "succeeded", nil
}

// end of recipe

// operations is a server of operations that end with their third poll, each of which says so in another place. They ask to be asked again
// after retry, if that is not "".
func operations(retry string) fakeServer {
	polls := 0
	return func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Retry-After", retry)
		switch req.Method + " " + req.URL.Path {
		case "POST /reports":
			polls = 0
			w.Header().Set("Operation-Location", "https://api.example.com/operations/body")
			answering(202, `{"status":"running"}`)(w, req)
		case "DELETE /operations/body":
			fmt.Println("cancelled")
			w.WriteHeader(http.StatusNoContent)
		case "GET /reports/7":
			answering(200, `{"Pages":12}`)(w, req)
		default:
			polls++
			poll(w, req, polls >= 3)
		}
	}
}

func poll(w http.ResponseWriter, req *http.Request, over bool) {
	switch {
	case req.URL.Path == "/operations/status" && over:
		http.Redirect(w, req, "/reports/7", http.StatusSeeOther)
	case req.URL.Path == "/operations/status":
		w.WriteHeader(http.StatusAccepted)
	case req.URL.Path == "/operations/header" && over:
		w.Header().Set("X-Operation-Status", "succeeded")
		answering(200, `{"Pages":12}`)(w, req)
	case req.URL.Path == "/operations/header":
		w.Header().Set("X-Operation-Status", "running")
	case over:
		answering(200, `{"status":"succeeded","result":{"Pages":12}}`)(w, req)
	default:
		answering(200, `{"status":"running"}`)(w, req)
	}
}

func Example_operation() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(operations("")))
	every := time.Millisecond
	// recipe: operation-use
	started, err := startReport.Do(context.Background(), c, crest.Empty{})
	if err != nil {
		fmt.Println(err)
		return
	}
	at := cmp.Or(started.Model.At, started.Location()) // some APIs name the one, some the other
	result, err := await(context.Background(), c, pollBody, at, every, endedByBody)
	// end of recipe
	fmt.Println(at, result.Pages, err)

	// Whoever does not want to wait any longer says so to the server as well.
	c, _ = crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(operations("3600")))
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err = await(ctx, c, pollBody, at, every, endedByBody)
	fmt.Println(err)
	// Output:
	// https://api.example.com/operations/body 12 <nil>
	// cancelled
	// crest: GET /: request: context deadline exceeded
}

func Example_operationByStatus() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(operations("")))
	result, err := await(context.Background(), c, pollStatus, "https://api.example.com/operations/status", time.Millisecond, endedByStatus)
	fmt.Println(result.Pages, err)
	// Output: 12 <nil>
}

func Example_operationByHeader() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(operations("")))
	result, err := await(context.Background(), c, pollHeader, "https://api.example.com/operations/header", time.Millisecond, endedByHeader)
	fmt.Println(result.Pages, err)
	// Output: 12 <nil>
}

// recipe: concurrently

// concurrently calls f for each element, at most n at a time. Results stand in the order of the elements, errors are joined. A context
// that ends keeps the rest from being begun.
func concurrently[In, Out any](ctx context.Context, n int, in []In, f func(context.Context, In) (Out, error)) ([]Out, error) {
	out, errs, running := make([]Out, len(in)), make([]error, len(in)), make(chan struct{}, n)
	var wg sync.WaitGroup
	for i, v := range in {
		select {
		case running <- struct{}{}:
		case <-ctx.Done():
			wg.Wait()
			return out, errors.Join(append(errs, context.Cause(ctx))...)
		}
		wg.Go(func() {
			defer func() { <-running }()
			out[i], errs[i] = f(ctx, v)
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

// end of recipe

func Example_concurrently() {
	server := fakeServer(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/3") {
			answering(404, `{"title":"no such pet"}`)(w, req)
			return
		}
		answering(200, "pet "+req.URL.Path[len("/pets/"):])(w, req)
	})
	type request struct {
		ID int `path:"id"`
	}
	getName := crest.Get[request, string]("/pets/{id}")
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	// recipe: concurrently-use
	names, err := concurrently(context.Background(), 2, []int{1, 2, 3, 4}, func(ctx context.Context, id int) (string, error) {
		return getName.Call(ctx, c, request{id})
	})
	// end of recipe
	fmt.Printf("%q\n%v\n", names, err)
	// Output:
	// ["pet 1" "pet 2" "" "pet 4"]
	// crest: GET /pets/{id}: 404 Not Found: no such pet
}
