package otelcrest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/otelcrest"
)

// bench has what was recorded, in memory.
type bench struct {
	spans  *tracetest.InMemoryExporter
	tracer *trace.TracerProvider
	reader *metric.ManualReader
	meter  *metric.MeterProvider
}

func newBench() *bench {
	b := &bench{spans: tracetest.NewInMemoryExporter(), reader: metric.NewManualReader()}
	b.tracer = trace.NewTracerProvider(trace.WithSyncer(b.spans))
	b.meter = metric.NewMeterProvider(metric.WithReader(b.reader))
	return b
}

func (b *bench) middleware() crest.Middleware {
	return otelcrest.Middleware(otelcrest.Options{
		TracerProvider: b.tracer, MeterProvider: b.meter,
		Propagator: propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
	})
}

// client has the middleware, sends to a wire and tries again at once.
func (b *bench) client(t testing.TB, to wire, opts ...crest.ClientOption) *crest.Client[*crest.Problem] {
	return newClient(t, append([]crest.ClientOption{crest.WithTransport(to), crest.WithMiddleware(b.middleware())}, opts...)...)
}

func newClient(t testing.TB, opts ...crest.ClientOption) *crest.Client[*crest.Problem] {
	c, err := crest.New[*crest.Problem]("https://api.example.com/v1", append([]crest.ClientOption{
		crest.WithRetry(crest.Retry{Max: 2, Backoff: func(int, error) time.Duration { return 0 }}),
	}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// only returns the one span there is.
func (b *bench) only(t testing.TB) tracetest.SpanStub {
	spans := b.spans.GetSpans()
	require.Len(t, spans, 1)
	return spans[0]
}

// points are those of the one metric; none where nothing was measured.
func (b *bench) points(t testing.TB) []metricdata.HistogramDataPoint[float64] {
	m, ok := b.metric(t)
	if !ok {
		return nil
	}
	return m.Data.(metricdata.Histogram[float64]).DataPoints
}

func (b *bench) metric(t testing.TB) (metricdata.Metrics, bool) {
	var all metricdata.ResourceMetrics
	require.NoError(t, b.reader.Collect(t.Context(), &all))
	if len(all.ScopeMetrics) == 0 {
		return metricdata.Metrics{}, false
	}
	require.Len(t, all.ScopeMetrics, 1)
	require.Len(t, all.ScopeMetrics[0].Metrics, 1)
	return all.ScopeMetrics[0].Metrics[0], true
}

// values are attributes by name.
func values(attrs []attribute.KeyValue) map[string]any {
	all := map[string]any{}
	for _, a := range attrs {
		all[string(a.Key)] = a.Value.AsInterface()
	}
	return all
}

// wire is a transport that needs no network.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(req *http.Request) (*http.Response, error) { return w(req) }

func answer(req *http.Request, status int, headers ...string) *http.Response {
	resp := &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("{}")),
	}
	for i := 0; i < len(headers); i += 2 {
		resp.Header.Set(headers[i], headers[i+1])
	}
	return resp
}

// always answers every request alike.
func always(status int, headers ...string) wire {
	return func(req *http.Request) (*http.Response, error) { return answer(req, status, headers...), nil }
}

// sequence answers by one after the other, and goes on with the last.
func sequence(wires ...wire) wire {
	return func(req *http.Request) (*http.Response, error) {
		now := wires[0]
		if len(wires) > 1 {
			wires = wires[1:]
		}
		return now(req)
	}
}
