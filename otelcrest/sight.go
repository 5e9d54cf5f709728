package otelcrest

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/crest-go/crest"
)

// Of the event of a wait; shorter ones are noise: what needs no wait takes time too.
const (
	waitEvent    = "crest.slot.wait"
	waitDuration = attribute.Key("crest.slot.wait.duration") // seconds
	shownWait    = time.Millisecond
)

// Of the event that tells a retry from what follows a redirect or a challenge.
const (
	retryEvent    = "crest.retry"
	attemptNumber = attribute.Key("crest.attempt") // counts from 1
)

// sight is one request as it is seen here.
type sight struct {
	instruments
	span   trace.Span
	asked  *http.Request // with the span in its context, and the propagator's headers
	begun  time.Time
	waited time.Duration        // of the hop, before: a middleware outside this one can send several requests
	common []attribute.KeyValue // of span and metric
}

func (t *transport) begin(req *http.Request) *sight {
	info, _ := crest.EndpointInfo(req)
	s := &sight{instruments: t.instruments, begun: time.Now(), waited: info.Wait, common: t.methods.common(req, info)}
	var ctx context.Context
	ctx, s.span = t.tracer.Start(req.Context(), t.methods.spanName(req, info), trace.WithTimestamp(s.begun), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(s.common...), trace.WithAttributes(t.methods.own(req, info)...))
	if info.Attempt > 1 && info.Hop == 1 {
		s.span.AddEvent(retryEvent, trace.WithTimestamp(s.begun), trace.WithAttributes(attemptNumber.Int(info.Attempt)))
	}
	s.asked = req.WithContext(ctx)
	if s.asked.Header = req.Header.Clone(); s.asked.Header == nil {
		s.asked.Header = http.Header{}
	}
	t.propagator.Inject(ctx, propagation.HeaderCarrier(s.asked.Header))
	return s
}

func (s *sight) end(resp *http.Response, err error) {
	now := time.Now()
	took, wait := now.Sub(s.begun), s.wait()
	outcome := outcome(s.asked.Context(), resp, err)
	if wait >= shownWait {
		s.span.AddEvent(waitEvent, trace.WithTimestamp(s.begun.Add(min(wait, took))), trace.WithAttributes(waitDuration.Float64(wait.Seconds())))
	}
	s.span.SetAttributes(outcome...)
	if failed(resp) {
		s.span.SetStatus(codes.Error, "") // error.type says it; a text could say too much
	}
	s.span.End(trace.WithTimestamp(now))
	if !unsent(err) {
		attrs := append(s.common[:len(s.common):len(s.common)], outcome...)
		s.duration.Record(s.asked.Context(), (took - min(wait, took)).Seconds(), metric.WithAttributes(attrs...))
	}
}

// wait is how long the request has waited for slots; 0 where that is not known.
func (s *sight) wait() time.Duration {
	info, _ := crest.EndpointInfo(s.asked)
	return info.Wait - s.waited
}

// outcome are the attributes of how it ended.
func outcome(ctx context.Context, resp *http.Response, err error) []attribute.KeyValue {
	if err != nil || resp == nil {
		return []attribute.KeyValue{semconv.ErrorTypeKey.String(errorType(ctx, err))}
	}
	attrs := []attribute.KeyValue{semconv.HTTPResponseStatusCode(resp.StatusCode)}
	if version := protocol(resp); version != "" {
		attrs = append(attrs, semconv.NetworkProtocolVersion(version))
	}
	if failed(resp) {
		attrs = append(attrs, semconv.ErrorTypeKey.String(statusText(resp)))
	}
	return attrs
}
