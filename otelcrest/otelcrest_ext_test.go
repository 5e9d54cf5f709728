package otelcrest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/otelcrest"
)

type getBook struct {
	ID     int    `path:"id"`
	Author string `query:"author,omitzero"`
}

var (
	book   = crest.Get[getBook, any]("/books/{id}")
	seven  = getBook{ID: 7}
	asText = func(a any) string { s, _ := a.(string); return s }
)

func TestSpan(t *testing.T) {
	b := newBench()
	_, err := book.Call(t.Context(), b.client(t, always(200)), getBook{7, "Knuth"})
	require.NoError(t, err)
	span := b.only(t)
	require.Equal(t, "GET /books/{id}", span.Name)
	require.Equal(t, trace.SpanKindClient, span.SpanKind)
	require.Equal(t, sdk.Status{}, span.Status)
	require.Empty(t, span.Events)
	require.Equal(t, map[string]any{
		"http.request.method": "GET", "server.address": "api.example.com", "server.port": int64(443), "url.template": "/books/{id}",
		"url.full": "https://api.example.com/v1/books/7?REDACTED", "http.response.status_code": int64(200), "network.protocol.version": "1.1",
	}, values(span.Attributes))
	require.Equal(t, "github.com/crest-go/crest/otelcrest", span.InstrumentationScope.Name)
	require.Equal(t, "https://opentelemetry.io/schemas/1.43.0", span.InstrumentationScope.SchemaURL)
}

// What a sampler decides by is there when the span begins.
func TestSamplerSeesTheRequest(t *testing.T) {
	b := newBench()
	var seen map[string]any
	b.tracer = sdk.NewTracerProvider(sdk.WithSampler(sampler(func(p sdk.SamplingParameters) { seen = values(p.Attributes) })))
	_, err := book.Call(t.Context(), b.client(t, always(200)), seven)
	require.NoError(t, err)
	for _, name := range []string{"http.request.method", "server.address", "server.port", "url.full", "url.template"} {
		require.Contains(t, seen, name)
	}
}

type sampler func(sdk.SamplingParameters)

func (s sampler) Description() string { return "test" }

func (s sampler) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	s(p)
	return sdk.SamplingResult{Decision: sdk.Drop}
}

// A span for each request of a call, one after the other under the caller's; what a redirect leads to is not of the route.
func TestSpansOfRetriesAndRedirects(t *testing.T) {
	b := newBench()
	var n int
	var parents []string
	c := b.client(t, wire(func(req *http.Request) (*http.Response, error) {
		parents = append(parents, req.Header.Get("Traceparent"))
		n++
		switch n {
		case 1:
			return answer(req, 503), nil
		case 2:
			return answer(req, 302, "Location", "https://books.example:8080/works/7?signature=x"), nil
		}
		return answer(req, 200), nil
	}))
	ctx, outer := b.tracer.Tracer("test").Start(t.Context(), "outer")
	_, err := book.Call(ctx, c, seven)
	outer.End()
	require.NoError(t, err)
	spans := b.spans.GetSpans()
	require.Len(t, spans, 4)
	var got []map[string]any
	for i, span := range spans[:3] {
		require.Equal(t, outer.SpanContext().SpanID(), span.Parent.SpanID())
		require.Equal(t, "00-"+span.SpanContext.TraceID().String()+"-"+span.SpanContext.SpanID().String()+"-01", parents[i])
		has := values(span.Attributes)
		got = append(got, map[string]any{
			"name": span.Name, "code": span.Status.Code, "status": has["http.response.status_code"], "error": has["error.type"],
			"resend": has["http.request.resend_count"], "retry": retryOf(span), "template": has["url.template"], "url": has["url.full"], "port": has["server.port"],
		})
	}
	at := "https://api.example.com/v1/books/7"
	require.Equal(t, []map[string]any{
		{"name": "GET /books/{id}", "code": codes.Error, "status": int64(503), "error": "503", "resend": nil, "retry": nil, "template": "/books/{id}", "url": at, "port": int64(443)},
		{"name": "GET /books/{id}", "code": codes.Unset, "status": int64(302), "error": nil, "resend": int64(1), "retry": int64(2), "template": "/books/{id}", "url": at, "port": int64(443)},
		{"name": "GET", "code": codes.Unset, "status": int64(200), "error": nil, "resend": int64(2), "retry": nil, "template": nil,
			"url": "https://books.example:8080/works/7?REDACTED", "port": int64(8080)},
	}, got)
}

// retryOf is the attempt in the event that makes a span one of a retry; nil without.
func retryOf(span tracetest.SpanStub) any {
	for _, e := range span.Events {
		if e.Name == "crest.retry" && e.Time.Equal(span.StartTime) {
			return values(e.Attributes)["crest.attempt"]
		}
	}
	return nil
}

func TestErrorTypes(t *testing.T) {
	gone := func(err error) wire { return func(*http.Request) (*http.Response, error) { return nil, err } }
	waiting := wire(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	})
	for name, tt := range map[string]struct {
		wire  wire
		opts  []crest.ClientOption
		want  string
		quiet bool // is not measured
	}{
		"404":           {wire: always(404), want: "404"},
		"dns":           {wire: gone(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host"}}), want: "DNS"},
		"refused":       {wire: gone(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), want: "connect"},
		"reset":         {wire: gone(&net.OpError{Op: "read", Err: syscall.ECONNRESET}), want: "disconnected"},
		"cut":           {wire: gone(io.EOF), want: "disconnected"},
		"cut midway":    {wire: gone(fmt.Errorf("reading the header: %w", io.ErrUnexpectedEOF)), want: "disconnected"},
		"broken pipe":   {wire: gone(&net.OpError{Op: "write", Err: syscall.EPIPE}), want: "disconnected"},
		"certificate":   {wire: gone(&tls.CertificateVerificationError{Err: errors.New("x")}), want: "TLS"},
		"other":         {wire: gone(errors.New("Bearer s3cret")), want: "*errors.errorString"},
		"nothing":       {wire: gone(nil), want: "*errors.errorString"},
		"timeout":       {wire: waiting, opts: []crest.ClientOption{crest.WithTimeout(time.Second)}, want: "timeout"},
		"attempt":       {wire: waiting, opts: []crest.ClientOption{crest.WithTimeouts(crest.Timeouts{Attempt: time.Second})}, want: "timeout"},
		"limited":       {wire: always(200), opts: []crest.ClientOption{crest.WithLimiter(refusing{})}, want: "limited", quiet: true},
		"no error: 304": {wire: always(304)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench()
				_, _ = book.Call(t.Context(), b.client(t, tt.wire, append(tt.opts, crest.WithRetry(crest.Retry{Max: -1}))...), seven)
				span := b.only(t)
				require.Equal(t, tt.want, asText(values(span.Attributes)["error.type"]))
				require.Equal(t, tt.want != "", span.Status.Code == codes.Error)
				require.Empty(t, span.Status.Description)
				points := b.points(t)
				if tt.quiet {
					require.Empty(t, points)
					return
				}
				require.Len(t, points, 1)
				require.Equal(t, tt.want, asText(values(points[0].Attributes.ToSlice())["error.type"]))
			})
		})
	}
}

// A body that comes from elsewhere can break off there: that is no word of the connection that it was sent by.
func TestErrorTypeOfARequestBody(t *testing.T) {
	type upload struct{ Body io.Reader }
	for name, cause := range map[string]error{"cut": io.ErrUnexpectedEOF, "timeout": os.ErrDeadlineExceeded, "other": errors.New("x")} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			reads := wire(func(req *http.Request) (*http.Response, error) {
				_, err := io.Copy(io.Discard, req.Body)
				return nil, err
			})
			_, err := crest.Post[upload, crest.Empty]("/uploads").Call(t.Context(), b.client(t, reads), upload{iotest.ErrReader(cause)})
			require.ErrorIs(t, err, crest.KindRequestBody)
			require.Equal(t, "request body", asText(values(b.only(t).Attributes)["error.type"]))
		})
	}
}

type refusing struct{}

func (refusing) Wait(context.Context) error { return errors.New("no") }

func TestCancelled(t *testing.T) {
	b := newBench()
	ctx, cancel := context.WithCancel(t.Context())
	c := b.client(t, wire(func(req *http.Request) (*http.Response, error) { cancel(); return nil, req.Context().Err() }))
	_, err := book.Call(ctx, c, seven)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, "canceled", values(b.only(t).Attributes)["error.type"])
}

// A panic below goes on, and the span is ended without its text.
func TestPanic(t *testing.T) {
	b := newBench()
	c := b.client(t, wire(func(*http.Request) (*http.Response, error) { panic("s3cret") }))
	require.PanicsWithValue(t, "s3cret", func() { _, _ = book.Call(t.Context(), c, seven) })
	span := b.only(t)
	require.Equal(t, "panic", values(span.Attributes)["error.type"])
	require.Empty(t, span.Events)
	require.Len(t, b.points(t), 1)
}

// The wait for a slot is an event, and no part of what is measured.
func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		slow := wire(func(req *http.Request) (*http.Response, error) {
			time.Sleep(300 * time.Millisecond)
			return answer(req, 200), nil
		})
		c := b.client(t, slow, crest.WithRateLimit(1, time.Minute))
		for range 2 {
			_, err := book.Call(t.Context(), c, seven)
			require.NoError(t, err)
		}
		spans := b.spans.GetSpans()
		require.Len(t, spans, 2)
		require.Empty(t, spans[0].Events)
		require.Len(t, spans[1].Events, 1)
		event := spans[1].Events[0]
		require.Equal(t, "crest.slot.wait", event.Name)
		wait := values(event.Attributes)["crest.slot.wait.duration"].(float64)
		require.InDelta(t, 60, wait, 0.01)
		require.InDelta(t, wait, event.Time.Sub(spans[1].StartTime).Seconds(), 1e-6)
		require.InDelta(t, 60.3, spans[1].EndTime.Sub(spans[1].StartTime).Seconds(), 0.01)
		points := b.points(t)
		require.Len(t, points, 1)
		require.InDelta(t, 0.6, points[0].Sum, 1e-3)
	})
}

func TestMetric(t *testing.T) {
	b := newBench()
	c := b.client(t, always(200))
	for id := range 3 {
		_, err := book.Call(t.Context(), c, getBook{ID: id})
		require.NoError(t, err)
	}
	m, _ := b.metric(t)
	require.Equal(t, "http.client.request.duration", m.Name)
	require.Equal(t, "s", m.Unit)
	points := b.points(t)
	require.Len(t, points, 1, "a series for each operation, not for each path")
	require.EqualValues(t, 3, points[0].Count)
	require.Equal(t, []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}, points[0].Bounds)
	require.Equal(t, map[string]any{
		"http.request.method": "GET", "server.address": "api.example.com", "server.port": int64(443), "url.template": "/books/{id}",
		"http.response.status_code": int64(200), "network.protocol.version": "1.1",
	}, values(points[0].Attributes.ToSlice()))
}

// Requests of other libraries have no endpoint; their methods are free text.
func TestRoundTripper(t *testing.T) {
	for method, tt := range map[string]struct{ name, method, original string }{
		"GET": {"GET", "GET", ""}, "QUERY": {"QUERY", "QUERY", ""}, "PURGE": {"HTTP", "_OTHER", "PURGE"}, "get": {"HTTP", "_OTHER", "get"},
	} {
		t.Run(method, func(t *testing.T) {
			b := newBench()
			req := httptest.NewRequest(method, "http://user:s3cret@[::1]/x?key=s3cret#s3cret", nil)
			var sent http.Header
			c := b.client(t, wire(func(req *http.Request) (*http.Response, error) { sent = req.Header; return answer(req, 200), nil }))
			resp, err := crest.RoundTripper(c).RoundTrip(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.NotEmpty(t, sent.Get("Traceparent"))
			require.Empty(t, req.Header, "the caller's request was changed")
			span := b.only(t)
			has := values(span.Attributes)
			require.Equal(t, tt, struct{ name, method, original string }{span.Name, asText(has["http.request.method"]), asText(has["http.request.method_original"])})
			require.Equal(t, "http://REDACTED:REDACTED@[::1]/x?REDACTED", has["url.full"])
			require.Equal(t, "::1", has["server.address"])
			require.Equal(t, int64(80), has["server.port"])
		})
	}
}

// The server is the one that the Host header names.
func TestServerAddress(t *testing.T) {
	for host, want := range map[string]struct {
		address string
		port    int64
	}{"": {"a.example", 8443}, "b.example": {"b.example", 443}, "b.example:444": {"b.example", 444}, "[::1]:80": {"::1", 80}} {
		t.Run(host, func(t *testing.T) {
			b := newBench()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://a.example:8443/x", nil)
			require.NoError(t, err)
			req.Host = host
			resp, err := crest.RoundTripper(b.client(t, always(200))).RoundTrip(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			has := values(b.only(t).Attributes)
			require.Equal(t, want.address, has["server.address"])
			require.Equal(t, want.port, has["server.port"])
			require.Equal(t, "https://a.example:8443/x", has["url.full"])
		})
	}
}

// The methods that endpoints declare are known, unless the conventions' variable lists others.
func TestMethods(t *testing.T) {
	for name, tt := range map[string]struct{ list, span, method string }{
		"declared":   {"", "PURGE /books", "PURGE"},
		"not listed": {"GET,POST", "HTTP /books", "_OTHER"},
		"listed":     {"GET, PURGE", "PURGE /books", "PURGE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", tt.list)
			b := newBench()
			_, err := crest.NewEndpoint[crest.Empty, any]("PURGE", "/books").Call(t.Context(), b.client(t, always(200)), crest.Empty{})
			require.NoError(t, err)
			span := b.only(t)
			require.Equal(t, tt.span, span.Name)
			require.Equal(t, tt.method, values(span.Attributes)["http.request.method"])
		})
	}
}

// A middleware outside that sends twice is seen twice, and each wait once.
func TestTwiceByMiddleware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		twice := func(next http.RoundTripper) http.RoundTripper {
			return wire(func(req *http.Request) (*http.Response, error) {
				if resp, err := next.RoundTrip(req); err == nil {
					_ = resp.Body.Close()
				}
				return next.RoundTrip(req)
			})
		}
		c := newClient(t, crest.WithTransport(always(200)), crest.WithMiddleware(twice, b.middleware()), crest.WithRateLimit(1, time.Minute))
		for range 2 {
			_, err := book.Call(t.Context(), c, seven)
			require.NoError(t, err)
		}
		spans := b.spans.GetSpans()
		require.Len(t, spans, 4)
		require.Empty(t, spans[0].Events)
		for _, span := range spans[1:] {
			require.Len(t, span.Events, 1)
			require.InDelta(t, 60, values(span.Events[0].Attributes)["crest.slot.wait.duration"], 0.1)
		}
	})
}

// The header of the answer ends a span: a stream does not hold it open.
func TestStreamEndsWithTheHeader(t *testing.T) {
	b := newBench()
	c := b.client(t, always(200))
	body, err := crest.Get[crest.Empty, io.ReadCloser]("/feed").Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Len(t, b.spans.GetSpans(), 1)
	require.NoError(t, body.Close())
	require.Len(t, b.spans.GetSpans(), 1)
}

func TestPropagators(t *testing.T) {
	member, err := baggage.NewMember("tenant", "acme")
	require.NoError(t, err)
	bag, err := baggage.New(member)
	require.NoError(t, err)
	ctx := baggage.ContextWithBaggage(t.Context(), bag)
	for name, tt := range map[string]struct {
		propagator     propagation.TextMapPropagator
		parent, tenant bool
	}{
		"trace alone":    {propagation.TraceContext{}, true, false},
		"both":           {propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}), true, true},
		"nobody set any": {},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			var sent http.Header
			c := newClient(t, crest.WithTransport(wire(func(req *http.Request) (*http.Response, error) { sent = req.Header; return answer(req, 200), nil })),
				crest.WithMiddleware(otelcrest.Middleware(otelcrest.Options{TracerProvider: b.tracer, MeterProvider: b.meter, Propagator: tt.propagator})))
			_, err := book.Call(ctx, c, seven)
			require.NoError(t, err)
			require.Equal(t, tt.parent, sent.Get("Traceparent") != "")
			require.Equal(t, tt.tenant, sent.Get("Baggage") != "")
		})
	}
}

// Without anything registered everything is off, and calls work.
func TestZeroOptions(t *testing.T) {
	c := newClient(t, crest.WithTransport(always(200)), crest.WithMiddleware(otelcrest.Middleware(otelcrest.Options{})))
	_, err := book.Call(t.Context(), c, seven)
	require.NoError(t, err)
}
