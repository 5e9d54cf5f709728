package crest_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

const uuid = `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`

// keyed sends one POST at a server that always fails, and returns the keys that arrived.
func keyed(t *testing.T, k crest.IdempotencyKey, header string) []string {
	t.Helper()
	server := play(gives(503))
	_, err := others["POST"]().Call(t.Context(), retried(t, server, crest.WithIdempotencyKey(k)), crest.Empty{})
	require.ErrorIs(t, err, crest.Status(503))
	return server.headers(header)
}

// A key is made once per call and is the same on all of its attempts; the next call has another.
func TestRetryKeyPerCall(t *testing.T) {
	for name, tt := range map[string]struct {
		key           crest.IdempotencyKey
		header, match string
	}{
		"default":      {crest.IdempotencyKey{}, "Idempotency-Key", uuid},
		"quoted":       {crest.IdempotencyKey{Quoted: true}, "Idempotency-Key", `^"` + uuid[1:len(uuid)-1] + `"$`},
		"other header": {crest.IdempotencyKey{Header: "paypal-request-id"}, "Paypal-Request-Id", uuid},
		"both":         {crest.IdempotencyKey{Header: "X-Key", Quoted: true}, "X-Key", `^"[0-9a-f-]{36}"$`},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := keyed(t, tt.key, tt.header), keyed(t, tt.key, tt.header)
			require.Len(t, first, 4)
			require.Regexp(t, tt.match, first[0])
			for _, key := range first {
				require.Equal(t, first[0], key)
			}
			require.NotEqual(t, first[0], second[0])
			if tt.header != "Idempotency-Key" {
				require.Equal(t, []string{"", "", "", ""}, keyed(t, tt.key, "Idempotency-Key"))
			}
		})
	}
}

// Methods that are idempotent by themselves have none.
func TestRetryKeyIsForOtherMethodsOnly(t *testing.T) {
	for name, make := range repeatable {
		if strings.Contains(name, " ") {
			continue
		}
		server := play(gives(503))
		_, err := make().Call(t.Context(), retried(t, server, crest.WithIdempotencyKey(crest.IdempotencyKey{})), crest.Empty{})
		require.Error(t, err)
		require.Equal(t, []string{"", "", "", ""}, server.headers("Idempotency-Key"), name)
	}
	server := play(gives(503))
	_, err := of("PATCH")().Call(t.Context(), retried(t, server, crest.WithIdempotencyKey(crest.IdempotencyKey{})), crest.Empty{})
	require.Error(t, err)
	require.Len(t, server.headers("Idempotency-Key"), 4)
}

// The nearest level says which header; the caller's own key wins over the made one, from wherever it comes.
func TestRetryKeyOfTheCaller(t *testing.T) {
	type model struct {
		Key string `header:"Idempotency-Key"`
	}
	type optional struct {
		Key string `header:"Idempotency-Key,omitempty"`
	}
	made := crest.WithIdempotencyKey(crest.IdempotencyKey{})
	for name, tt := range map[string]struct {
		call func(c crest.Caller) error
		want string
		sent int
	}{
		"header of the call": {func(c crest.Caller) error {
			_, err := others["POST"]().Call(t.Context(), c, crest.Empty{}, crest.WithHeader("Idempotency-Key", "mine"))
			return err
		}, "^mine$", 4},
		"header of the endpoint": {func(c crest.Caller) error {
			_, err := others["POST"](crest.WithHeader("Idempotency-Key", "mine")).Call(t.Context(), c, crest.Empty{})
			return err
		}, "^mine$", 4},
		"field of the model": {func(c crest.Caller) error {
			_, err := crest.Post[model, crest.Empty]("/x").Call(t.Context(), c, model{"mine"})
			return err
		}, "^mine$", 4},
		"a field that is not sent": {func(c crest.Caller) error {
			_, err := crest.Post[optional, crest.Empty]("/x").Call(t.Context(), c, optional{})
			return err
		}, uuid, 4},
		"removed": {func(c crest.Caller) error {
			_, err := others["POST"]().Call(t.Context(), c, crest.Empty{}, crest.WithoutHeader("Idempotency-Key"))
			return err
		}, "^$", 1},
		"exactly 255 characters": {func(c crest.Caller) error {
			_, err := others["POST"]().Call(t.Context(), c, crest.Empty{}, crest.WithHeader("Idempotency-Key", strings.Repeat("k", 255)))
			return err
		}, "^k{255}$", 4},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(gives(503))
			require.ErrorIs(t, tt.call(retried(t, server, made)), crest.Status(503))
			require.Len(t, server.all, tt.sent)
			for _, one := range server.all {
				require.Regexp(t, tt.want, one.Header.Get("Idempotency-Key"))
				require.LessOrEqual(t, len(one.Header.Values("Idempotency-Key")), 1)
			}
		})
	}
}

func TestRetryKeyMistakes(t *testing.T) {
	for name, header := range map[string]string{"standard": "Idempotency-Key", "its older name": "X-Idempotency-Key", "its own": "X-Request-Key"} {
		t.Run(name, func(t *testing.T) {
			server := play(gives(204))
			_, err := others["POST"](crest.WithIdempotencyKey(crest.IdempotencyKey{Header: "X-Request-Key"})).Call(t.Context(), retried(t, server), crest.Empty{}, crest.WithHeader(header, strings.Repeat("k", 256)))
			fails(t, err, crest.ErrRequest, "", crest.SentNo)
			require.ErrorContains(t, err, "the header "+header+" has more than 255 characters")
			require.Zero(t, server.sent())
		})
	}
	_, err := crest.New[*failure]("https://x.example", crest.WithIdempotencyKey(crest.IdempotencyKey{Header: "my key"}))
	require.ErrorContains(t, err, `WithIdempotencyKey: "my key" is not a header name`)
}

// The key is the client's: a call that leaves its origin has none and is not repeated, unless the call itself says so.
func TestRetryKeyStaysHome(t *testing.T) {
	made := crest.WithIdempotencyKey(crest.IdempotencyKey{})
	post := others["POST"](crest.WithIdempotencyKey(crest.IdempotencyKey{}))
	away := crest.WithURL("https://other.example/y")
	server := play(gives(503))
	c := retried(t, server, made)
	_, err := post.Call(t.Context(), c, crest.Empty{}, away)
	require.Error(t, err)
	require.Equal(t, []string{""}, server.headers("Idempotency-Key"))
	server.all = nil
	_, err = post.Call(t.Context(), c, crest.Empty{}, crest.WithURL("https://api.example.com/y"))
	require.Error(t, err)
	require.Len(t, server.all, 4, "its own origin by another way")
	require.Regexp(t, uuid, server.headers("Idempotency-Key")[0])
	server.all = nil
	_, err = post.Call(t.Context(), c, crest.Empty{}, away, made)
	require.Error(t, err)
	require.Len(t, server.all, 4)
	require.Regexp(t, uuid, server.headers("Idempotency-Key")[0])
}

// A redirect to another origin leaves it behind, on every attempt.
func TestRetryKeyStaysHomeAtRedirects(t *testing.T) {
	server := play()
	server.steps = []step{func(req *http.Request) (*http.Response, error) {
		if req.URL.Host == "other.example" {
			return response(req, 503, ""), nil
		}
		return response(req, 307, "", "Location", "https://other.example/x"), nil
	}}
	_, err := others["POST"]().Call(t.Context(), retried(t, server, crest.WithIdempotencyKey(crest.IdempotencyKey{})), crest.Empty{})
	require.ErrorIs(t, err, crest.Status(503))
	require.Len(t, server.all, 8)
	for i, key := range server.headers("Idempotency-Key") {
		require.Equal(t, i%2 == 1, key == "", "request %d", i)
	}
}

// Prepared shows the key that will be sent.
func TestRetryKeyOfPrepared(t *testing.T) {
	server := play(gives(503))
	p, err := others["POST"]().Prepare(t.Context(), retried(t, server, crest.WithIdempotencyKey(crest.IdempotencyKey{})), crest.Empty{})
	require.NoError(t, err)
	key := p.Header().Get("Idempotency-Key")
	require.Regexp(t, uuid, key)
	_, err = p.Send(t.Context())
	require.Error(t, err)
	require.Equal(t, []string{key, key, key, key}, server.headers("Idempotency-Key"))
}

// accounts is a server that does what it is asked once for each key, and often loses its answer.
type accounts struct {
	mu      sync.Mutex
	effects map[string]int // by the payment that was asked for
	keys    map[string]bool
	n       int
}

func (l *accounts) serve(conn net.Conn, in *bufio.Reader) {
	for {
		req := readRequest(in)
		if req == nil || !l.execute(req) {
			return
		}
		if _, err := io.WriteString(conn, noContent); err != nil {
			return
		}
	}
}

// execute reports whether the answer is sent.
func (l *accounts) execute(req *http.Request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n++; l.n%7 == 3 {
		return false // lost on the way there
	}
	if key := req.Header.Get("Idempotency-Key"); key == "" || !l.keys[key] {
		l.keys[key] = true
		l.effects[req.URL.Query().Get("id")]++
	}
	return l.n%3 != 0 // lost on the way back
}

// One effect per call, however often the answers are lost: by its key the server knows a repetition, net/http's own included.
func TestRetryKeyOneEffectPerCall(t *testing.T) {
	type payment struct {
		ID int `query:"id"`
	}
	books := &accounts{effects: map[string]int{}, keys: map[string]bool{}}
	c, _ := onWire(t, listen(t, books.serve), nil, crest.WithIdempotencyKey(crest.IdempotencyKey{}), crest.WithRetry(crest.Retry{Max: 40}))
	pay := crest.Post[payment, crest.Empty]("/payments")
	const goroutines, each = 8, 25
	errs := make([]error, goroutines)
	var running sync.WaitGroup
	for g := range goroutines {
		running.Go(func() {
			for i := range each {
				if _, err := pay.Call(context.Background(), c, payment{g*each + i}); err != nil {
					errs[g] = err
				}
			}
		})
	}
	running.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Len(t, books.effects, goroutines*each)
	for id, n := range books.effects {
		require.Equal(t, 1, n, "payment %s", id)
	}
	require.Greater(t, books.n, goroutines*each, "answers were lost")
}

// A Secret is a key as well: it wins over the made one, and alone it makes the call repeatable.
func TestRetryKeyThatIsASecret(t *testing.T) {
	type model struct {
		Key crest.Secret `header:"Idempotency-Key"`
	}
	for name, opts := range map[string][]crest.ClientOption{"beside a made one": {crest.WithIdempotencyKey(crest.IdempotencyKey{})}, "alone": nil} {
		t.Run(name, func(t *testing.T) {
			server := play(gives(503))
			_, err := crest.Post[model, crest.Empty]("/x").Call(t.Context(), retried(t, server, opts...), model{crest.NewSecret("mine")})
			require.ErrorIs(t, err, crest.Status(503))
			require.Len(t, server.all, 4)
			for _, one := range server.all {
				require.Equal(t, []string{"mine"}, one.Header.Values("Idempotency-Key"))
			}
		})
	}
}

// staleServer answers the first request of its first connection, and reads the second; the others get their answers.
func staleServer(t *testing.T) (url string, seen func() []string) {
	var mu sync.Mutex
	var all []string
	url = listen(t, func(conn net.Conn, in *bufio.Reader) {
		for {
			req := readRequest(in)
			if req == nil {
				return
			}
			mu.Lock()
			all = append(all, req.Method+" "+strings.Join(req.Header["Idempotency-Key"], "|"))
			count := len(all)
			mu.Unlock()
			if count == 2 {
				return
			}
			_, _ = io.WriteString(conn, noContent)
		}
	})
	return url, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// R55: net/http repeats a request by its method, or for a key that is empty. What may not be executed twice is not sent twice.
func TestR55ReplaysOfWhatIsNotIdempotent(t *testing.T) {
	type keyField struct {
		Key  string `header:"Idempotency-Key"`
		Text string `json:"text"`
	}
	type secretKey struct {
		Key  crest.Secret `header:"Idempotency-Key"`
		Text string       `json:"text"`
	}
	once := func(opts ...crest.EndpointOption) func(ctx context.Context, c crest.Caller) error {
		e := crest.Get[crest.Empty, crest.Empty]("/x", opts...)
		return func(ctx context.Context, c crest.Caller) error {
			_, err := e.Call(ctx, c, crest.Empty{})
			return err
		}
	}
	for name, tt := range map[string]struct {
		call func(ctx context.Context, c crest.Caller) error
		opts []crest.ClientOption
		seen []string
	}{
		"GET":                         {once(), nil, []string{"GET ", "GET ", "GET "}},
		"GET that changes something":  {once(crest.WithoutIdempotent()), nil, []string{"GET ", "GET "}},
		"the same under a limit":      {once(crest.WithoutIdempotent(), crest.WithRateLimit(9, time.Second)), nil, []string{"GET ", "GET "}},
		"the same below a middleware": {once(crest.WithoutIdempotent(), crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper { return next })), nil, []string{"GET ", "GET "}},
		"the same with a key":         {once(crest.WithoutIdempotent(), crest.WithHeader("Idempotency-Key", "k")), nil, []string{"GET k", "GET k", "GET k"}},
		"POST with a field for a key": {func(ctx context.Context, c crest.Caller) error {
			_, err := crest.Post[keyField, crest.Empty]("/x").Call(ctx, c, keyField{Text: "a"})
			return err
		}, nil, []string{"POST ", "POST "}},
		"POST with a Secret for a key": {func(ctx context.Context, c crest.Caller) error {
			_, err := crest.Post[secretKey, crest.Empty]("/x").Call(ctx, c, secretKey{Text: "a"})
			return err
		}, nil, []string{"POST ", "POST "}},
		"POST with an empty key": {func(ctx context.Context, c crest.Caller) error {
			_, err := crest.Post[thing, crest.Empty]("/x").Call(ctx, c, thing{ID: 1, Name: "a"}, crest.WithHeader("Idempotency-Key", ""))
			return err
		}, nil, []string{"POST ", "POST "}},
	} {
		t.Run(name, func(t *testing.T) {
			url, seen := staleServer(t)
			c := newClient(t, url, append(tt.opts, crest.WithPlainCredentials())...)
			require.NoError(t, tt.call(t.Context(), c))
			err := tt.call(t.Context(), c)
			require.Equal(t, tt.seen, seen())
			if len(tt.seen) == 3 {
				require.NoError(t, err)
				return
			}
			fails(t, err, crest.ErrTransport, crest.KindDisconnected, crest.SentMaybe)
			require.NoError(t, tt.call(t.Context(), c))
		})
	}
}

// A field for a key that is left empty is none: the call gets one as without the field.
func TestRetryKeyOfAnEmptyField(t *testing.T) {
	type keyField struct {
		Key string `header:"Idempotency-Key"`
	}
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithIdempotencyKey(crest.IdempotencyKey{}))
	_, err := crest.Post[keyField, crest.Empty]("/x").Call(t.Context(), c, keyField{})
	require.NoError(t, err)
	require.Len(t, rec.all[0].Header["Idempotency-Key"], 1)
	require.Regexp(t, uuid, rec.all[0].Header["Idempotency-Key"][0])
	_, err = crest.Post[keyField, crest.Empty]("/x").Call(t.Context(), c, keyField{}, crest.WithoutHeader("Idempotency-Key"))
	require.NoError(t, err)
	require.Empty(t, rec.all[1].Header["Idempotency-Key"])
}
