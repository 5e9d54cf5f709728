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

// job is the state of something that takes the server a while.
type job struct {
	Status string    `json:"status" validate:"oneof=running succeeded failed"`
	Result *report   `json:"result" validate:"required_if=Status succeeded"`
	Error  *jobError `json:"error" validate:"required_if=Status failed"`
	At     string    `header:"Operation-Location,omitzero"`
}

type jobError struct{ Message string }

func (e *jobError) Error() string { return "the operation failed: " + e.Message }

type report struct{ Pages int }

var (
	startReport  = crest.Post[crest.Empty, job]("/reports", crest.WithSuccess(200, 201, 202))
	pollReport   = crest.Get[crest.Empty, job]("/") // always sent to an operation's own URL
	cancelReport = crest.Delete[crest.Empty, crest.Empty]("/")
)

// await polls until the operation has ended. at is its URL: kept somewhere, it is what another process needs to go on waiting.
func await(ctx context.Context, c crest.Caller, at string) (*report, error) {
	for {
		poll, err := pollReport.Do(ctx, c, crest.Empty{}, crest.WithURL(at))
		if err != nil {
			return nil, err
		}
		switch now := poll.Model; now.Status {
		case "succeeded":
			return now.Result, nil
		case "failed":
			return nil, now.Error
		}
		select {
		case <-time.After(cmp.Or(poll.RetryAfter(), 10*time.Millisecond)):
		case <-ctx.Done():
			_, cancelled := cancelReport.Call(context.WithoutCancel(ctx), c, crest.Empty{}, crest.WithURL(at), crest.WithTimeout(5*time.Second))
			return nil, errors.Join(context.Cause(ctx), cancelled)
		}
	}
}

// end of recipe

// operations runs a report: the server says running twice, then succeeded. It asks to be asked again after retry, if that is not "".
func operations(retry string) fakeServer {
	polls := 0
	return func(w http.ResponseWriter, req *http.Request) {
		switch {
		case req.Method == http.MethodPost:
			w.Header().Set("Operation-Location", "https://api.example.com/operations/7")
			answering(202, `{"status":"running"}`)(w, req)
		case req.Method == http.MethodDelete:
			fmt.Println("cancelled")
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Retry-After", retry)
			if polls++; polls <= 2 {
				answering(200, `{"status":"running"}`)(w, req)
				return
			}
			answering(200, `{"status":"succeeded","result":{"Pages":12}}`)(w, req)
		}
	}
}

func Example_operation() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(operations("")))
	// recipe: operation-use
	started, err := startReport.Do(context.Background(), c, crest.Empty{})
	if err != nil {
		fmt.Println(err)
		return
	}
	at := cmp.Or(started.Model.At, started.Location()) // some APIs name the one, some the other
	result, err := await(context.Background(), c, at)
	// end of recipe
	fmt.Println(at, result.Pages, err)

	// Whoever does not want to wait any longer says so to the server as well.
	c, _ = crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(operations("3600")))
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err = await(ctx, c, at)
	fmt.Println(err)
	// Output:
	// https://api.example.com/operations/7 12 <nil>
	// cancelled
	// context deadline exceeded
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
