package otelcrest

import (
	"net/http"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"
	"go.opentelemetry.io/otel/trace"

	"github.com/crest-go/crest"
)

// scope names this instrumentation.
const scope = "github.com/crest-go/crest/otelcrest"

// Options says where spans and metrics go. The zero value uses what is registered globally with package otel, which is nothing
// until the program registers it; it may do so after [Middleware] was called.
type Options struct {
	TracerProvider trace.TracerProvider          // nil: the global one
	MeterProvider  metric.MeterProvider          // nil: the global one
	Propagator     propagation.TextMapPropagator // nil: the global one; propagation.TraceContext{} sends traceparent and no baggage
}

// Middleware makes a span and a measurement of each request that passes it, and adds the headers of the propagator. Give it to the client, as
// the last of its middleware if others send several requests: each of them is seen then. It is safe for concurrent use, and one
// can serve several clients. Instruments that the meter refuses are reported to otel's error handler; requests go on without them.
func Middleware(o Options) crest.Middleware {
	if o.TracerProvider == nil {
		o.TracerProvider = otel.GetTracerProvider()
	}
	if o.MeterProvider == nil {
		o.MeterProvider = otel.GetMeterProvider()
	}
	if o.Propagator == nil {
		o.Propagator = otel.GetTextMapPropagator()
	}
	duration, err := httpconv.NewClientRequestDuration(o.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL)))
	if err != nil {
		otel.Handle(err)
	}
	watch := instruments{
		o.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)), duration.Inst(), o.Propagator, knownMethods(os.Getenv(knownVariable)),
	}
	return func(next http.RoundTripper) http.RoundTripper { return &transport{watch, next} }
}

type instruments struct {
	tracer     trace.Tracer
	duration   metric.Float64Histogram
	propagator propagation.TextMapPropagator
	methods    methods
}

// transport is the http.RoundTripper of one client, endpoint or call.
type transport struct {
	instruments
	next http.RoundTripper
}

// RoundTrip sends a copy of req: the caller's may not be changed.
func (t *transport) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	s := t.begin(req)
	passed := false
	defer func() { // also when what is below panics
		if !passed {
			err = errPanic
		}
		s.end(resp, err)
	}()
	resp, err = t.next.RoundTrip(s.asked)
	passed = true
	return resp, err
}
