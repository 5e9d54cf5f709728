// Package otelcrest makes OpenTelemetry spans and metrics of the requests of crest clients, and propagates the trace.
//
//	c, err := crest.New[*Error]("https://api.example.com/v1",
//		crest.WithMiddleware(otelcrest.Middleware(otelcrest.Options{})))
//
// # Spans
//
// There is one CLIENT span for each request, as the semantic conventions for HTTP have it: for the first, and for each retry, redirect and
// answered challenge. They are siblings under the span in the call's context; http.request.resend_count says which is which, and the event crest.retry, with the number of
// the attempt as crest.attempt, which of them began another attempt. A call has no span of its own: begin one where you want it, around the call or
// around several, and the waits between attempts are seen in it.
//
//	ctx, span := tracer.Start(ctx, "sell a book")
//	defer span.End()
//	_, err := sell.Call(ctx, c, order)
//
// A span is named after the endpoint, "GET /books/{id}"; url.template is its route, without the path of the client's base URL. What a redirect
// led to has neither, since its URL is the server's: it is named "GET". So are the requests of [crest.RoundTripper], which have no endpoint.
//
// Methods other than those of RFC 9110, PATCH, QUERY and those that endpoints declare stand as _OTHER, and the span's name begins with HTTP. The
// environment variable OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS replaces that list.
//
// A span begins before the wait for a slot of a limiter and ends with the header of the answer: streams and downloads do not hold it open, and a body
// that breaks off does not show in it. A wait of a millisecond or more is the event crest.slot.wait, with its length in seconds as
// crest.slot.wait.duration; its time is the end of the wait. Waits of requests of [crest.RoundTripper] have no event.
//
// # Metrics
//
// http.client.request.duration is a histogram in seconds, with the boundaries that the conventions advise. It has the attributes of the conventions, and
// url.template. It is the time until the header of the answer, without the wait for slots; that of [crest.RoundTripper] includes
// it. A request that was refused before it was sent has a span and is not counted.
//
// # Errors
//
// error.type, and with it the span's status Error, is the status code of an answer with 4xx or 5xx. Where there is no answer it is the step or the kind of crest's
// own error (limited, credentials …), timeout, canceled, DNS, TLS, connect, disconnected, request body, or the type of what the transport returned; panic where the
// transport or a middleware below panicked. A call can fail with an answer that is no error here, such as by its content type.
//
// # Secrets
//
// Credentials are attached below all middleware, so they are in no attribute. url.full has no user, no fragment, and REDACTED in place of the whole query: what
// [crest.WithRedact] names can be hidden here by nothing less. A [crest.Secret] in the path is hidden as elsewhere. No header, no body and no text of an error is
// recorded.
//
// What the propagator writes goes wherever a request goes, also where redirects lead. Baggage with data that is not for others
// calls for [Options].Propagator.
package otelcrest
