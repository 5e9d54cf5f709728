package otelcrest_test

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/otelcrest"
)

// A span for each request of a call, here of the first and of its retry. An exporter of your own stands in place of the one in memory.
func ExampleMiddleware() {
	spans := tracetest.NewInMemoryExporter()
	tracers := trace.NewTracerProvider(trace.WithSyncer(spans))
	meters := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))

	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(sequence(always(503), always(200))),
		crest.WithRetry(crest.Retry{Backoff: func(int, error) time.Duration { return time.Millisecond }}),
		crest.WithMiddleware(otelcrest.Middleware(otelcrest.Options{
			TracerProvider: tracers, MeterProvider: meters, Propagator: propagation.TraceContext{},
		})))
	defer c.Close()

	type GetBook struct {
		ID int `path:"id"`
	}
	ctx, span := tracers.Tracer("shop").Start(context.Background(), "look it up")
	_, err := crest.Get[GetBook, any]("/books/{id}").Call(ctx, c, GetBook{ID: 7})
	span.End()

	fmt.Println(err)
	for _, s := range spans.GetSpans() {
		fmt.Println(s.Name)
		for _, a := range s.Attributes {
			fmt.Printf("  %s=%s\n", a.Key, a.Value.String())
		}
	}
	// Output:
	// <nil>
	// GET /books/{id}
	//   http.request.method=GET
	//   server.address=api.example.com
	//   server.port=443
	//   url.template=/books/{id}
	//   url.full=https://api.example.com/books/7
	//   http.response.status_code=503
	//   network.protocol.version=1.1
	//   error.type=503
	// GET /books/{id}
	//   http.request.method=GET
	//   server.address=api.example.com
	//   server.port=443
	//   url.template=/books/{id}
	//   url.full=https://api.example.com/books/7
	//   http.request.resend_count=1
	//   http.response.status_code=200
	//   network.protocol.version=1.1
	// look it up
}
