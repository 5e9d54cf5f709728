package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/crest-go/crest"
)

// recipe: backoff
// linear waits n times d before retry n, constant always d.
func linear(d time.Duration) func(int, error) time.Duration {
	return func(n int, _ error) time.Duration { return time.Duration(n) * d }
}

func constant(d time.Duration) func(int, error) time.Duration {
	return func(int, error) time.Duration { return d }
}

// end of recipe

// recipe: retry-rules
// restfly's rules, and yadisk's with n retries. Their lists of statuses hold here as well; what crest does besides is not to repeat
// a POST that may have been executed.
func restflyRules() crest.Retry {
	return crest.Retry{Max: 3, Statuses: []int{420, 429, 501, 502, 503, 504}, Backoff: linear(time.Second)}
}

func yadiskRules(n int) crest.Retry {
	if n == 0 {
		n = -1 // in crest 0 is the default
	}
	return crest.Retry{Max: n, Statuses: []int{500, 502, 503, 504}, Backoff: constant(0)}
}

// end of recipe

// recipe: retry-after-ms
// retryAfterMs is a Backoff for APIs that say how long to wait in milliseconds, in a header of their own.
func retryAfterMs(header string, otherwise time.Duration) func(int, error) time.Duration {
	return func(_ int, last error) time.Duration {
		if answer, ok := errors.AsType[*crest.Error](last); ok {
			if ms, err := strconv.ParseUint(answer.Header.Get(header), 10, 16); err == nil {
				return time.Duration(ms) * time.Millisecond
			}
		}
		return otherwise
	}
}

// end of recipe

func Example_retryRules() {
	for _, rules := range []crest.Retry{restflyRules(), yadiskRules(0), yadiskRules(2)} {
		rules.Backoff = constant(0)
		for _, status := range []int{429, 500, 501} {
			c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(answering(status, ``)), crest.WithRetry(rules))
			_, err := crest.Get[crest.Empty, crest.Empty]("/x").Call(context.Background(), c, crest.Empty{})
			if answer, ok := errors.AsType[*crest.Error](err); ok {
				fmt.Printf("%d: %d ", answer.StatusCode, answer.Attempts)
			}
		}
		fmt.Println("requests")
	}
	// Output:
	// 429: 4 500: 1 501: 4 requests
	// 429: 1 500: 1 501: 1 requests
	// 429: 1 500: 3 501: 1 requests
}

func Example_retryAfterMs() {
	times := []time.Time{}
	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		times = append(times, time.Now())
		w.Header().Set("Retry-After-Ms", "20")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	// recipe: retry-after-ms-use
	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server),
		crest.WithRetry(crest.Retry{Max: 1, Backoff: retryAfterMs("Retry-After-Ms", time.Second)}))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = crest.Get[crest.Empty, crest.Empty]("/x").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err, times[1].Sub(times[0]) >= 20*time.Millisecond)
	// Output:
	// crest: GET /x: 429 Too Many Requests (2 attempts) true
}
