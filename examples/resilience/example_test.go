package resilience

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/hedgepolicy"

	"github.com/crest-go/crest"
)

type searchRequest struct {
	Text string `query:"q"`
}

// A client whose server fails: after two failures the breaker is open, and the third call does not reach the server.
func Example_resilience() {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests++
		w.WriteHeader(http.StatusNotImplemented)
	}))
	defer server.Close()
	// recipe: resilience-use
	breaker := circuitbreaker.NewBuilder[any]().
		WithFailureThreshold(2).     // in a row; WithFailureRateThreshold counts shares
		WithDelay(10 * time.Second). // then it lets one through to see
		Build()
	c, err := crest.New[*crest.Problem](server.URL, crest.WithRateLimit(100, time.Second), crest.WithMiddleware(
		Bulkhead(bulkhead.New[any](20), time.Second),
		Breaker(breaker),
	))
	// Once for each endpoint that is worth two requests.
	search := crest.Get[searchRequest, []string]("/books",
		crest.WithMiddleware(Hedge(hedgepolicy.NewWithDelay[*http.Response](2*time.Second))))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	for range 3 {
		_, err = search.Call(context.Background(), c, searchRequest{"tea"})
		fmt.Println(err)
	}
	fmt.Println(errors.Is(err, circuitbreaker.ErrOpen), requests)
	// Output:
	// crest: GET /books: 501 Not Implemented
	// crest: GET /books: 501 Not Implemented
	// crest: GET /books: transport: circuit breaker open
	// true 2
}
