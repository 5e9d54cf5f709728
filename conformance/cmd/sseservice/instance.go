package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/crest-go/crest"
)

// params is what the suite says of a stream.
type params struct {
	StreamURL      string            `json:"streamUrl"`
	CallbackURL    string            `json:"callbackUrl"`
	InitialDelayMS *int64            `json:"initialDelayMs"`
	ReadTimeoutMS  *int64            `json:"readTimeoutMs"`
	LastEventID    string            `json:"lastEventId"`
	Headers        map[string]string `json:"headers"`
	Method         string            `json:"method"`
	Body           string            `json:"body"`
}

// watchRequest has whatever body the suite wants.
type watchRequest struct{ Body []byte }

type (
	watch  = crest.Stream[watchRequest, string]
	client = crest.Client[*crest.Problem]
)

// instance is one stream of the suite.
type instance struct {
	params
	client *client
	watch  *watch
	tell   *teller

	mu      sync.Mutex
	current context.CancelFunc // of the loop that runs
	ended   bool
	lastID  string
}

func newInstance(p params) (*instance, error) {
	u, err := url.Parse(p.StreamURL)
	if err != nil {
		return nil, err
	}
	c, err := crest.New[*crest.Problem](u.Scheme + "://" + u.Host)
	if err != nil {
		return nil, err
	}
	if p.Method == "" {
		p.Method = http.MethodGet
	}
	i := &instance{params: p, client: c, lastID: p.LastEventID, tell: newTeller(p.CallbackURL)}
	i.watch = crest.NewStream[watchRequest, string](p.Method, "/", i.options()...)
	return i, nil
}

// options are those of the stream. A reconnect is told to the suite, which counts some of them as errors.
func (i *instance) options() []crest.EndpointOption {
	retry := crest.Retry{Max: 20, Backoff: func(_ int, last error) time.Duration {
		i.tell.failure(last)
		if i.InitialDelayMS != nil {
			return time.Duration(*i.InitialDelayMS) * time.Millisecond
		}
		return time.Second
	}}
	options := []crest.EndpointOption{
		crest.WithReconnect(), crest.WithIdempotent(), crest.WithGetBody(), crest.WithRetry(retry), crest.WithMiddleware(i.tell.comments),
	}
	if i.ReadTimeoutMS != nil {
		options = append(options, crest.WithTimeouts(crest.Timeouts{Idle: time.Duration(*i.ReadTimeoutMS) * time.Millisecond}))
	}
	for name, value := range i.Headers {
		options = append(options, crest.WithHeader(name, value))
	}
	return options
}

// run loops over the stream, and once more after each restart.
func (i *instance) run() {
	defer i.client.Close()
	defer i.tell.client.Close()
	for {
		ctx, cancel := i.begin()
		if ctx == nil {
			return
		}
		err := i.loop(ctx)
		cancel()
		if !errors.Is(err, errRestarted) {
			return
		}
	}
}

var errRestarted = errors.New("restarted")

func (i *instance) begin() (context.Context, context.CancelFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended {
		return nil, nil
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	i.current = func() { cancel(errRestarted) }
	return ctx, i.current
}

func (i *instance) loop(ctx context.Context) error {
	options := []crest.CallOption{crest.WithURL(i.StreamURL)}
	if i.lastID != "" {
		options = append(options, crest.WithHeader("Last-Event-ID", i.lastID))
	}
	var req watchRequest
	if i.Body != "" {
		req.Body = []byte(i.Body)
	}
	for e, err := range i.watch.Events(ctx, i.client, req, options...) {
		if err != nil {
			if ctx.Err() == nil {
				i.tell.failure(err)
			}
			return err
		}
		i.lastID = e.ID
		i.tell.event(e)
	}
	return nil
}

// restart leaves the connection and makes another.
func (i *instance) restart() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.current()
}

func (i *instance) stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ended = true
	if i.current != nil {
		i.current()
	}
}

// tellRequest is a message to the suite.
type tellRequest struct {
	N       int           `path:"n"`
	Kind    string        `json:"kind"`
	Event   *eventMessage `json:"event,omitempty"`
	Comment string        `json:"comment,omitempty"`
	Error   string        `json:"error,omitempty"`
}

type eventMessage struct {
	Type string `json:"type"`
	Data string `json:"data"`
	ID   string `json:"id"`
}

var tell = crest.Post[tellRequest, crest.Empty]("/{n}")

// teller tells the suite what arrives, in order.
type teller struct {
	client *client
	n      int
}

func newTeller(callbackURL string) *teller {
	c, err := crest.New[*crest.Problem](callbackURL)
	if err != nil {
		panic(err)
	}
	return &teller{client: c}
}

func (t *teller) send(req tellRequest) {
	t.n++
	req.N = t.n
	if _, err := tell.Call(context.Background(), t.client, req); err != nil {
		fmt.Println(err) // the suite has closed the stream
	}
}

func (t *teller) event(e crest.Event[string]) {
	t.send(tellRequest{Kind: "event", Event: &eventMessage{e.Type, e.Data, e.ID}})
}

func (t *teller) failure(err error) { t.send(tellRequest{Kind: "error", Error: err.Error()}) }
