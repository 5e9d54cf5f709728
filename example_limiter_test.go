package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crest-go/crest"
)

// quota is a limiter: it lets a number of requests through, and no more. golang.org/x/time/rate's fits as well.
type quota struct{ left chan struct{} }

func (q quota) Wait(context.Context) error {
	select {
	case <-q.left:
		return nil
	default:
		return errors.New("the quota is used up")
	}
}

// Every request waits for the client's limiter. What it refuses was not sent.
func ExampleWithLimiter() {
	left := make(chan struct{}, 1)
	left <- struct{}{}
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `[]`)), crest.WithLimiter(quota{left}))
	list := crest.Get[crest.Empty, []string]("/books")

	_, err := list.Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	_, err = list.Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	fmt.Println(errors.Is(err, crest.ErrLimited))
	// Output:
	// <nil>
	// crest: GET /books: limited: the quota is used up
	// true
}

// Five requests a minute, whoever of the client's users sends them. The sixth would have to wait for most of a minute, and its context
// does not: it fails at once, unsent.
func ExampleWithRateLimit() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `[]`)), crest.WithRateLimit(5, time.Minute))
	list := crest.Get[crest.Empty, []string]("/books")

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for range 5 {
		_, err := list.Call(ctx, c, crest.Empty{})
		fmt.Println(err)
	}
	_, err := list.Call(ctx, c, crest.Empty{})
	if limited, ok := errors.AsType[*crest.CallError](err); ok && errors.Is(err, crest.ErrLimited) {
		fmt.Println("try again in", limited.Wait.Round(time.Minute), "- sent:", limited.Sent)
	}
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// <nil>
	// <nil>
	// try again in 1m0s - sent: no
}

// One limit for two clients, as where two API versions share a quota. The SDK keeps the limiter and can say what it is.
func ExampleNewLimiter() {
	quota := crest.NewLimiter(2, time.Hour)
	v1, _ := crest.New[*crest.Problem]("https://api.example.com/v1", crest.WithTransport(answering(200, `[]`)), crest.WithLimiter(quota))
	v2, _ := crest.New[*crest.Problem]("https://api.example.com/v2", crest.WithTransport(answering(200, `[]`)), crest.WithLimiter(quota))
	list := crest.Get[crest.Empty, []string]("/books")

	for _, c := range []crest.Caller{v1, v2, v1} {
		_, err := list.Call(context.Background(), c, crest.Empty{})
		fmt.Println(errors.Is(err, crest.ErrLimited))
	}
	fmt.Println(quota.Limit())
	// Output:
	// false
	// false
	// true
	// 2 1h0m0s
}

// An endpoint can have a limit of its own beside the client's.
func ExampleWithRateLimit_endpoint() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `[]`)), crest.WithRateLimit(100, time.Minute))
	search := crest.Get[crest.Empty, []string]("/search", crest.WithRateLimit(1, time.Hour))
	list := crest.Get[crest.Empty, []string]("/books")

	for _, e := range []*crest.Endpoint[crest.Empty, []string]{search, search, list} {
		_, err := e.Call(context.Background(), c, crest.Empty{})
		fmt.Println(e, errors.Is(err, crest.ErrLimited))
	}
	// Output:
	// GET /search false
	// GET /search true
	// GET /books false
}

// Fifty in a second, but not all in its first moment.
func ExampleSmooth() {
	l := crest.NewLimiter(50, time.Second, crest.Smooth())
	start := time.Now()
	for range 3 {
		_ = l.Wait(context.Background())
	}
	fmt.Println(time.Since(start) >= 40*time.Millisecond)
	// Output: true
}

// A server that counts strictly, at the end of a line whose delay varies by up to 200 ms.
func ExampleMargin() {
	_, err := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithRateLimit(100, time.Minute, crest.Margin(200*time.Millisecond)))
	fmt.Println(err)
	// Output: <nil>
}

// Better no answer than a late one: what cannot go now fails.
func ExampleMaxQueue() {
	l := crest.NewLimiter(1, time.Minute, crest.MaxQueue(0))
	fmt.Println(l.Wait(context.Background()))
	fmt.Println(errors.Is(l.Wait(context.Background()), crest.ErrLimited))
	// Output:
	// <nil>
	// true
}

// GitHub says in X-RateLimit-Remaining what is left, and in X-RateLimit-Reset when that ends, as seconds since 1970. The limiter
// was guessed too high; it learns, and the call that could not be served is not sent.
func ExampleXRateLimit() {
	left := 2
	github := fakeServer(func(w http.ResponseWriter, req *http.Request) {
		left--
		w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(left))
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10))
		answering(200, `[]`)(w, req)
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(github),
		crest.WithRateLimit(5000, time.Hour, crest.XRateLimit(crest.DialectGitHub)))
	list := crest.Get[crest.Empty, []string]("/books")

	for range 3 {
		_, err := list.Call(context.Background(), c, crest.Empty{})
		fmt.Println("left:", left, "- refused:", errors.Is(err, crest.ErrLimited))
	}
	// Output:
	// left: 1 - refused: false
	// left: 0 - refused: false
	// left: 0 - refused: true
}

// The API allows 10 points a minute; an export is 8 of them, and a large one is 10.
func ExampleWithCost() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `[]`)), crest.WithRateLimit(10, time.Hour))
	export := crest.Get[crest.Empty, []string]("/export", crest.WithCost(8))
	list := crest.Get[crest.Empty, []string]("/books")

	_, err := export.Call(context.Background(), c, crest.Empty{})
	fmt.Println("export:", errors.Is(err, crest.ErrLimited))
	_, err = list.Call(context.Background(), c, crest.Empty{})
	fmt.Println("list:", errors.Is(err, crest.ErrLimited))
	_, err = export.Call(context.Background(), c, crest.Empty{}, crest.WithCost(10))
	fmt.Println("large export:", errors.Is(err, crest.ErrLimited))
	// Output:
	// export: false
	// list: false
	// large export: true
}

// perTenant keeps one limiter for each of a known set of tenants, so that it cannot grow without end.
type perTenant struct {
	mu       sync.Mutex
	limiters map[string]*crest.RateLimiter
}

func (p *perTenant) of(req *http.Request) crest.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	tenant := req.Header.Get("X-Tenant")
	if tenant != "ann" && tenant != "bob" {
		return nil // no limit
	}
	if p.limiters[tenant] == nil {
		p.limiters[tenant] = crest.NewLimiter(1, time.Hour)
	}
	return p.limiters[tenant]
}

// Every tenant has a limit of its own. req.URL.Host would make it one per host.
func ExampleLimitBy() {
	tenants := &perTenant{limiters: map[string]*crest.RateLimiter{}}
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `[]`)), crest.WithLimiter(crest.LimitBy(tenants.of)))
	list := crest.Get[crest.Empty, []string]("/books")

	for _, tenant := range strings.Fields("ann bob ann") {
		_, err := list.Call(context.Background(), c, crest.Empty{}, crest.WithHeader("X-Tenant", tenant))
		fmt.Println(tenant, errors.Is(err, crest.ErrLimited))
	}
	// Output:
	// ann false
	// bob false
	// ann true
}

// budget is a limiter of another kind: so many requests in all. What was not sent is not spent.
type budget struct{ left atomic.Int64 }

func (b *budget) Wait(context.Context) error { return errors.New("a budget counts by slots") }

func (b *budget) Slot(_ context.Context, _ *http.Request, cost int) (crest.Slot, error) {
	if b.left.Add(-int64(cost)) < 0 {
		b.left.Add(int64(cost))
		return nil, errors.New("the budget is spent")
	}
	return expense{b, cost}, nil
}

// expense is a slot of a budget. It learns from the answers as well.
type expense struct {
	budget *budget
	cost   int
}

func (e expense) Sent()   {}
func (e expense) Cancel() { e.budget.left.Add(int64(e.cost)) }

func (e expense) Observe(resp *http.Response) {
	if resp.StatusCode == http.StatusPaymentRequired {
		e.budget.left.Store(0)
	}
}

// A limiter with slots is told which requests were written, which were not, and what was answered.
func ExampleSlotLimiter() {
	b := new(budget)
	b.left.Store(10)
	down, _ := crest.New[*crest.Problem]("http://127.0.0.1:1", crest.WithLimiter(b), crest.WithRetry(crest.Retry{Max: -1})) // nobody listens there
	up, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(answering(200, `[]`)), crest.WithLimiter(b))
	list := crest.Get[crest.Empty, []string]("/books")

	for _, c := range []crest.Caller{down, up} {
		_, _ = list.Call(context.Background(), c, crest.Empty{})
		fmt.Println(b.left.Load())
	}
	// Output:
	// 10
	// 9
}
