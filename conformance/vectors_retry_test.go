package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/crest-go/crest"
)

// retryPolicies are the settings of Retry under which other clients' cases were recorded.
var retryPolicies = map[string]crest.Retry{
	"": {},
	"retry=restfly": {
		Max: 3, Statuses: []int{420, 429, 501, 502, 503, 504}, Backoff: linear(time.Second),
	},
	"retry=yadisk": {
		Statuses: []int{500, 502, 503, 504}, Backoff: immediately,
	},
}

// retry reads how a row is tried again: its policy, and what it says on top of it.
func (r *row) retry() crest.Retry {
	rules, ok := retryPolicies[r.policy]
	if !ok {
		panic("no setting for the policy " + r.policy)
	}
	in := r.in
	rules.Max = in.retries("retries", in.retries("n_retries", rules.Max))
	if in.get("mount_retry") != nil {
		mount := newObject(asObject(in.get("mount_retry")))
		rules.Max = mount.retries("total", 0)
		rules.Statuses = asStatuses(mount.get("statuses"))
		if unknown := mount.unread(); unknown != nil {
			panic(fmt.Sprintf("mount_retry has %q", unknown))
		}
	}
	if in.get("backoff") != nil {
		rules.Backoff = linear(in.seconds("backoff"))
	}
	if in.get("retry_on") != nil {
		rules.If = isOneOf(asList(in.get("retry_on")))
	}
	switch words := in.text("retry_request"); words {
	case "":
	case "adds header X-Retry: <n>":
		rules.Before = func(n int, req *http.Request, _ error) { req.Header.Set("X-Retry", fmt.Sprint(n)) }
	default:
		panic("no change of a retry's request that " + words)
	}
	return rules
}

// retries reads a number of retries; 0 is none, which Retry says with a negative number.
func (o *object) retries(key string, otherwise int) int {
	if o.get(key) == nil {
		return otherwise
	}
	if n := o.number(key, 0); n > 0 {
		return n
	}
	return -1
}

// seconds reads a duration, 0 when it is absent or null.
func (o *object) seconds(key string) time.Duration {
	return time.Duration(orZero[float64](o.get(key), key) * float64(time.Second))
}

func asStatuses(v any) []int {
	codes := []int{}
	for _, code := range asList(v) {
		codes = append(codes, int(code.(float64)))
	}
	return codes
}

// isOneOf matches errors by their status, or by their word.
func isOneOf(list []any) func(error) bool {
	return func(err error) bool {
		return slices.ContainsFunc(list, func(entry any) bool {
			if status, ok := entry.(float64); ok {
				return errors.Is(err, crest.Status(int(status)))
			}
			means, ok := errorWords[entry.(string)]
			if !ok {
				panic("no error is called " + entry.(string))
			}
			return means(err)
		})
	}
}

// retryFacts are the keys that look at the attempts of a call: as the server saw them, and as the call tells.
func (x *trip) retryFacts(f facts, s *wire, resp *crest.Response[any], err error) {
	var told []crest.Attempt
	if resp != nil {
		told = resp.Attempts
	}
	if call, ok := errors.AsType[*crest.CallError](err); ok {
		told = call.Attempts
	}
	f["attempts"] = check(func(want any) error {
		if n := int(want.(float64)); s.count() != n || len(told) != n {
			return fmt.Errorf("the server saw %d and the call tells of %d, not %d", s.count(), len(told), n)
		}
		return nil
	})
	f["requests_sent"] = f["attempts"]
	f["sent"] = check(func(want any) error { return eachRequest(s.all(), asList(want)) })
	f["also_is"] = check(func(want any) error {
		for _, word := range asTexts(want) {
			means, ok := errorWords[word]
			if !ok || !means(err) {
				return fmt.Errorf("%v is not %s", err, word)
			}
		}
		return nil
	})
}

// eachRequest holds the requests that a server saw to what is said of each.
func eachRequest(requests []*wireRequest, want []any) error {
	if len(requests) != len(want) {
		return fmt.Errorf("%d requests were sent instead of %d", len(requests), len(want))
	}
	for i, q := range requests {
		known := headerFacts(q.header())
		for key, value := range asObject(want[i]) {
			fact, ok := known[key]
			if !ok {
				return fmt.Errorf("the driver does not know the key %q of request %d", key, i+1)
			}
			if err := compare(value, fact); err != nil {
				return fmt.Errorf("request %d: %w", i+1, err)
			}
		}
	}
	return nil
}

// retryDelay: the wait before a retry, between two requests as the server sees them.
func retryDelay(r *row) (facts, error) {
	n := r.in.number("retry_number", 0)
	answers := slices.Repeat([][]byte{reply{status: 503}.bytes()}, n)
	if wish := r.in.text("retry_after"); wish != "" {
		answers[n-1] = reply{status: 503, header: []string{"Retry-After: " + wish}}.bytes()
	}
	s := r.serve(append(answers, reply{}.bytes())...)
	p := &plan{method: "GET", clientOpts: []crest.ClientOption{crest.WithRetry(r.retry())}}
	_, err := p.do(r, s.url())
	return facts{"delay_s": check(func(want any) error {
		gaps := s.gaps()
		if len(gaps) != n {
			return fmt.Errorf("there were %d retries instead of %d", len(gaps), n)
		}
		return within(gaps[n-1].Seconds(), want)
	})}, err
}

// within compares a number with another, or with the two ends of a range.
func within(got float64, want any) error {
	ends, ranged := want.([]any)
	if !ranged {
		ends = []any{want, want}
	}
	if low, high := ends[0].(float64), ends[1].(float64); got < low || got > high {
		return fmt.Errorf("%v instead of %v", got, want)
	}
	return nil
}

// errCustom is an error of a Middleware, which crest knows nothing about.
var errCustom = errors.New("the middleware refuses")

// mishaps are what an attempt can meet, in the words of the data.
var mishaps = map[string]func(req *http.Request) (*http.Response, error){
	"":                succeeding(http.StatusOK),
	"internal_server": succeeding(http.StatusInternalServerError),
	"retriable":       succeeding(http.StatusServiceUnavailable),
	"request":         failing(errors.New("something is wrong with the network")),
	"connection":      failing(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}),
}

func failing(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func succeeding(status int) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
	}
}

// autoRetry: a call whose attempts meet one mishap after the other, and then none.
func autoRetry(r *row) (facts, error) {
	p := &plan{method: "GET", clientOpts: []crest.ClientOption{crest.WithRetry(r.retry())}}
	plot := r.in.texts("errors")
	for i, word := range plot {
		if word, final := strings.CutSuffix(word, "(disable_retry)"); final {
			plot[i] = word
			p.callOpts = append(p.callOpts, crest.WithRetry(crest.Retry{Max: -1}))
		}
	}
	attempts, now := 0, ""
	play := func(req *http.Request) (*http.Response, error) {
		mishap, ok := mishaps[now]
		if !ok {
			panic("no mishap is called " + now)
		}
		return mishap(req)
	}
	before := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			now = ""
			if attempts < len(plot) {
				now = plot[attempts]
			}
			attempts++
			if now == "custom" {
				return nil, errCustom
			}
			return next.RoundTrip(req)
		})
	}
	p.clientOpts = append(p.clientOpts, crest.WithTransport(roundTripper(play)), crest.WithMiddleware(before))
	prepared, err := p.prepare(r, "http://api.test")
	if err != nil {
		return nil, err
	}
	_, err = prepared.Send(context.Background())
	return facts{"attempts": attempts}, err
}

// upload: a body that is a stream, to a server that fails.
func upload(r *row) (facts, error) {
	x := &trip{r: r, plan: plan{method: "PUT"}}
	x.sent = bodyOf(r, &x.request)
	x.readAnswer()
	s := r.serve(x.answers...)
	_, err := x.do(r, s.url())
	if !errors.Is(err, crest.ErrStatus) {
		return nil, fmt.Errorf("the server refused, and the call ended with %w", err)
	}
	return facts{"payload_retries": s.count() - 1}, nil
}
