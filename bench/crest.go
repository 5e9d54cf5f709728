package bench

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/fasthttptransport"
	"github.com/crest-go/crest/otelcrest"
)

var (
	crestGet   = crest.Get[GetOrder, Order]("/v1/orders/{id}")
	crestPost  = crest.Post[NewOrder, Receipt]("/v1/orders")
	crestList  = crest.Get[ListOrders, []Order]("/v1/orders")
	crestDown  = crest.Get[GetFile, io.ReadCloser](filesPath + "/{size}")
	crestUp    = crest.Put[PutFile, Stored](filesPath)
	crestWatch = crest.NewStream[WatchChanges, Change](http.MethodGet, changesPath)
)

const crestModule = "github.com/crest-go/crest"

// crestDefault is crest as it comes: request and answer are validated, errors
// mapped, bodies bounded, the deadline is on.
func crestDefault() Contender {
	return Contender{
		Name:   "crest",
		Module: crestModule,
		Note:   "as it comes: request, answer and each event validated, errors mapped, bodies bounded, deadlines, retries and redaction on",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			return crestCalls(base, crest.WithTransport(rt))
		},
		Own: func(base string) (Calls, error) { return crestCalls(base) },
	}
}

// crestAll switches on what most SDKs will.
func crestAll() Contender {
	return Contender{
		Name:   "crest+all",
		Module: crestModule,
		Note:   "crest with a limiter that nothing here reaches, a logger at Info whose handler takes each record and drops it, and one middleware that hands on",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			return crestCalls(base, append(everything(handOn), crest.WithTransport(rt))...)
		},
	}
}

// crestTracing is all and spans: otelcrest is the middleware.
func crestTracing() Contender {
	return Contender{
		Name:   "crest+all+tracing",
		Module: "github.com/crest-go/crest/otelcrest",
		Note:   "crest+all with otelcrest as the middleware, over OpenTelemetry's providers that do nothing",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			spans := otelcrest.Middleware(otelcrest.Options{
				TracerProvider: tracenoop.NewTracerProvider(), MeterProvider: metricnoop.NewMeterProvider(),
			})
			return crestCalls(base, append(everything(spans), crest.WithTransport(rt))...)
		},
	}
}

// crestFast sends through fasthttp in place of net/http.
func crestFast() Contender {
	return Contender{
		Name:   "crest over fasthttp",
		Module: "github.com/crest-go/crest/fasthttptransport",
		Note:   "crest as it comes, with fasthttptransport as its transport; not in memory, having a transport of its own",
		Engine: true,
		New: func(base string, _ http.RoundTripper) (Calls, error) {
			transport := &fasthttptransport.Transport{MaxIdleConnsPerHost: idlePerHost}
			calls, err := crestCalls(base, crest.WithTransport(transport))
			if err != nil {
				return calls, err
			}
			closeClient := calls.Close
			calls.Close = func() { closeClient(); transport.CloseIdleConnections() }
			return calls, nil
		},
	}
}

// everything is what is optional.
func everything(mw crest.Middleware) []crest.ClientOption {
	return []crest.ClientOption{
		crest.WithRateLimit(unreached, unreachedPer),
		crest.WithLogger(slog.New(dropAt(slog.LevelInfo))),
		crest.WithMiddleware(mw),
	}
}

// handOn is a middleware that does nothing.
func handOn(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) { return next.RoundTrip(req) })
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func crestCalls(base string, opts ...crest.ClientOption) (Calls, error) {
	c, err := crest.New[*APIError](base, opts...)
	if err != nil {
		return Calls{}, err
	}
	return Calls{
		Get:  crestCall(c, crestGet),
		Post: crestCall(c, crestPost),
		List: crestCall(c, crestList),
		Down: func(ctx context.Context, in GetFile, to io.Writer) (int64, error) {
			done, err := crest.Download(ctx, c, crestDown, in, to)
			if err != nil {
				return 0, err
			}
			return done.Size, nil
		},
		Up: func(ctx context.Context, from io.Reader) (Stored, error) {
			return crestUp.Call(ctx, c, PutFile{Body: from})
		},
		Watch: func(ctx context.Context, in WatchChanges, each func(Change) error) error {
			for change, err := range crestWatch.Call(ctx, c, in) {
				if err != nil {
					return err
				}
				if err := each(change); err != nil {
					return err
				}
			}
			return nil
		},
		Close: func() { c.Close() },
	}, nil
}

func crestCall[Req, Res any](c crest.Caller, e *crest.Endpoint[Req, Res]) func(context.Context, Req) (Res, error) {
	return func(ctx context.Context, in Req) (Res, error) { return e.Call(ctx, c, in) }
}
