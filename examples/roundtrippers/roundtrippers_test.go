package roundtrippers

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"
	"gopkg.in/dnaeon/go-vcr.v4/pkg/cassette"
	"gopkg.in/dnaeon/go-vcr.v4/pkg/recorder"

	"github.com/crest-go/crest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

type pet struct {
	Name string `json:"name"`
}

type byID struct {
	ID int `path:"id"`
}

var (
	getPet  = crest.Get[byID, pet]("/pets/{id}")
	postPet = crest.Post[byID, pet]("/pets/{id}")
)

const secret = "s3cret-t0ken"

func client(t *testing.T, base string, opts ...crest.ClientOption) *crest.Client[*crest.Problem] {
	t.Helper()
	opts = append(opts, crest.WithBearer(crest.NewSecret(secret)), crest.WithRetry(crest.Retry{Max: 1}))
	c, err := crest.New[*crest.Problem](base, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func reply(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body)
}

// TestSpans sees a span for each attempt with the endpoint's name, its context at the server, and the credential nowhere.
func TestSpans(t *testing.T) {
	var asked atomic.Int32
	parents := make(chan string, 2)
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		parents <- r.Header.Get("Traceparent")
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if r.Header.Get("Authorization") != "Bearer "+secret {
			t.Error("the credential did not arrive")
		}
		reply(w, `{"name":"Rex"}`)
	})
	exported := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exported))
	defer func() { _ = provider.Shutdown(context.Background()) }()
	// recipe: otelhttp-use
	spans := crest.WithMiddleware(Spans(otelhttp.WithTracerProvider(provider), otelhttp.WithPropagators(propagation.TraceContext{})))
	c := client(t, base, spans)
	// end of recipe
	got, err := getPet.Call(t.Context(), c, byID{7})
	require.NoError(t, err)
	require.Equal(t, "Rex", got.Name)
	all := exported.GetSpans()
	require.Len(t, all, 2)
	for _, span := range all {
		require.Equal(t, "GET /pets/{id}", span.Name)
		require.Contains(t, <-parents, span.SpanContext.SpanID().String())
		for _, attribute := range span.Attributes {
			require.NotContains(t, attribute.Value.String(), secret)
		}
	}
}

// TestCache answers a second GET without the server, asks with its tag when it has to, and lets everything else through. The
// requests that reach the server are as many as the limiter has slots: a hit takes none.
func TestCache(t *testing.T) {
	var asked, unchanged atomic.Int32
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
		w.Header().Set("Etag", `"1"`)
		w.Header().Set("Cache-Control", map[string]string{"/pets/1": "max-age=60", "/pets/2": "no-cache", "/pets/3": "no-store"}[r.URL.Path])
		if r.Header.Get("If-None-Match") == `"1"` {
			unchanged.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		reply(w, `{"name":"Rex"}`)
	})
	// recipe: cache-use
	c := client(t, base, crest.WithMiddleware(Cache()), crest.WithRateLimit(7, time.Hour))
	// end of recipe
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // an eighth slot is an hour away
	defer cancel()
	for name, tt := range map[string]struct {
		endpoint         *crest.Endpoint[byID, pet]
		id               int
		asked, unchanged int32
	}{
		"fresh":        {getPet, 1, 1, 0},
		"asks again":   {getPet, 2, 2, 1},
		"not kept":     {getPet, 3, 2, 0},
		"never a POST": {postPet, 1, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			asked.Store(0)
			unchanged.Store(0)
			for range 2 {
				got, err := tt.endpoint.Call(ctx, c, byID{tt.id})
				require.NoError(t, err)
				require.Equal(t, "Rex", got.Name)
			}
			require.Equal(t, tt.asked, asked.Load())
			require.Equal(t, tt.unchanged, unchanged.Load())
		})
	}
}

// TestRecorder plays back what was recorded, without the server and without a secret on the tape.
func TestRecorder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pets")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: secret})
		if r.URL.Path == "/pets/2" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		reply(w, `{"name":"Rex"}`)
	}))
	defer server.Close()
	for _, mode := range []recorder.Mode{recorder.ModeRecordOnly, recorder.ModeReplayOnly} {
		// recipe: recorder-use
		tape := &Tape{File: file, Mode: mode}
		c := client(t, server.URL, crest.WithMiddleware(tape.Middleware))
		// end of recipe
		got, err := getPet.Call(t.Context(), c, byID{1})
		require.NoError(t, err)
		require.Equal(t, "Rex", got.Name)
		_, err = getPet.Call(t.Context(), c, byID{2})
		require.ErrorIs(t, err, crest.Status(http.StatusNotFound))
		if mode == recorder.ModeReplayOnly {
			_, err = getPet.Call(t.Context(), c, byID{3})
			require.ErrorIs(t, err, cassette.ErrInteractionNotFound)
		}
		require.NoError(t, tape.Stop())
		server.Close()
	}
	written, err := os.ReadFile(file + ".yaml")
	require.NoError(t, err)
	require.NotContains(t, string(written), secret)
	_, err = getPet.Call(t.Context(), client(t, server.URL, crest.WithMiddleware((&Tape{File: file + "none", Mode: recorder.ModeReplayOnly}).Middleware)), byID{1})
	require.Error(t, err)
	require.False(t, errors.Is(err, crest.ErrRequest))
}
