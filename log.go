package crest

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// The messages of [WithLogger].
const (
	logCall    = "crest: call"
	logAttempt = "crest: attempt"
	logRetry   = "crest: retry"
	logWait    = "crest: waiting for rate limit"
	logBody    = "crest: body ended"
	logCookies = "crest: cookies refused"
	logNotice  = "crest: notice"
	logClosed  = "crest: the client was closed, and is called again"
)

// WithLogger writes what happens to the client's calls to logger: one record for each call, at Info, and one for each attempt, at
// Debug. Calls that wait for a limiter, and those that are tried again, say so at Info when it begins. Failed calls are at Warn; whether that
// is an error is for the caller to say, who has it in hand, so nothing is at Error. docs/observing.md lists the records and their attributes, which are stable.
//
// A record has the endpoint's route and never the path of a call; of the query the values of an allow-list alone, as errors do; no header
// and no body, unless [WithLogDetail] asks for them. [WithRedact] hides more. The logger gets the context of the call, and is
// called by its goroutine; a foreign limiter's wait is told by another. Without the option nothing is logged but what
// [WithoutTLSVerification] warns of. nil is a mistake.
func WithLogger(logger *slog.Logger) ClientOption {
	return clientOption(func(s *settings) error {
		if logger == nil {
			return errors.New("WithLogger: the logger is nil: leave the option out to log nothing, or give slog.Default()")
		}
		s.client.logger = logger
		return nil
	})
}

// logging is the observer behind WithLogger.
type logging struct{ *slog.Logger }

func (l logging) observe(ctx context.Context, c *call, what any) {
	switch e := what.(type) {
	case callEnded:
		l.called(ctx, c, e)
	case attemptEnded:
		l.attempted(ctx, c, e)
	case retryBegins:
		l.write(ctx, slog.LevelInfo, logRetry, c, slog.Int("attempt", e.number), slog.Duration("wait", e.wait), slog.String("cause", e.cause.Error()))
	case limiterWaits:
		l.write(ctx, slog.LevelInfo, logWait, c, timeAttr("wait", e.wait))
	case bodyEnded:
		l.bodied(ctx, c, e)
	case cookiesRefused:
		l.write(ctx, slog.LevelWarn, logCookies, c, slog.String("host", e.host), slog.Int64("refused", e.n))
	case Notice:
		l.noticed(ctx, c, e)
	case closedUsed:
		l.write(ctx, slog.LevelWarn, logClosed, c)
	}
}

// write makes a record of a call. Attributes without a key are left out, as slog's handlers do.
func (l logging) write(ctx context.Context, level slog.Level, message string, c *call, attrs ...slog.Attr) {
	if !l.Enabled(ctx, level) {
		return
	}
	all := make([]slog.Attr, 0, len(attrs)+1)
	if c != nil {
		all = append(all, slog.String("endpoint", c.endpoint.name))
	}
	for _, a := range attrs {
		if a.Key != "" {
			all = append(all, a)
		}
	}
	l.LogAttrs(ctx, level, message, all...)
}

func (l logging) called(ctx context.Context, c *call, e callEnded) {
	level := slog.LevelInfo
	if e.err != nil {
		level = slog.LevelWarn
	}
	if !l.Enabled(ctx, level) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 20), slog.String("method", c.endpoint.method), slog.String("route", c.endpoint.route()))
	attrs = append(attrs, c.destination()...)
	var waited time.Duration
	for _, a := range e.attempts {
		waited += a.Wait
	}
	attrs = append(attrs, countAttr("status", int64(e.status())), slog.Int("attempts", len(e.attempts)), c.redirectsAttr(), c.challengesAttr(),
		timeAttr("duration", e.took), timeAttr("wait", waited), textAttr("request_id", answerID(e.answer, e.err)), countAttr("response_bytes", int64(c.received)))
	l.write(ctx, level, logCall, c, append(attrs, failure(e.err)...)...)
}

// destination is where the call went, without what identifies a thing there.
func (c *call) destination() []slog.Attr {
	at := c.at
	if at == nil {
		at = c.out
	}
	if at == nil {
		return nil
	}
	return []slog.Attr{
		slog.String("host", at.url.Host), textAttr("query", c.settings.redact.query(at.url.RawQuery)), countAttr("request_bytes", at.body.size()),
	}
}

// failure says what went wrong; nothing for a nil error.
func failure(err *CallError) []slog.Attr {
	if err == nil {
		return nil
	}
	return []slog.Attr{
		slog.String("step", string(err.Step)), textAttr("kind", string(err.Kind)), slog.String("sent", err.Sent.String()), slog.String("error", err.Error()),
	}
}

func (e callEnded) status() int {
	if e.answer != nil {
		return e.answer.resp.StatusCode
	}
	if answer, ok := errors.AsType[*Error](e.err); ok {
		return answer.StatusCode
	}
	if n := len(e.attempts); n > 0 {
		return e.attempts[n-1].StatusCode
	}
	return 0
}

// answerID is the server's name for what was answered: with the answer, or with an error alone.
func answerID(a *answer, err *CallError) string {
	if a != nil {
		return requestID(a.resp.Header)
	}
	return err.RequestID
}

func (l logging) attempted(ctx context.Context, c *call, e attemptEnded) {
	if !l.Enabled(ctx, slog.LevelDebug) {
		return
	}
	a := c.attempts[len(c.attempts)-1]
	attrs := []slog.Attr{
		slog.Int("attempt", e.number), countAttr("status", int64(a.StatusCode)), slog.Duration("duration", a.Duration), timeAttr("wait", a.Wait),
		c.redirectsAttr(), c.challengesAttr(),
		timeAttr("dns", a.Timing.DNS), timeAttr("connect", a.Timing.Connect), timeAttr("tls", a.Timing.TLS),
		timeAttr("first_byte", a.Timing.FirstByte), timeAttr("body", a.Timing.Body), slog.Bool("reused", a.Timing.Reused),
		textAttr("request_id", answerID(e.answer, e.err)), countAttr("response_bytes", int64(c.received)),
	}
	if a.Err != nil {
		attrs = append(attrs, slog.String("error", oneLine(textOf(a.Err))))
	}
	l.write(ctx, slog.LevelDebug, logAttempt, c, append(attrs, c.detail(e)...)...)
}

// redirectsAttr is how many redirects the newest attempt has followed.
func (c *call) redirectsAttr() slog.Attr { return countAttr("redirects", int64(len(c.redirects))) }

// challengesAttr is how many challenges the newest attempt has answered: what is no redirect and no first request.
func (c *call) challengesAttr() slog.Attr {
	return countAttr("challenges", int64(c.hops-1-len(c.redirects)))
}

func (l logging) bodied(ctx context.Context, c *call, e bodyEnded) {
	level := slog.LevelInfo
	attrs := []slog.Attr{slog.Int64("received_bytes", e.received), countAttr("sent_bytes", e.sent), slog.Duration("duration", e.took)}
	if e.err != nil {
		level = slog.LevelWarn
		if failed, ok := errors.AsType[*CallError](e.err); ok {
			attrs = append(attrs, slog.String("step", string(failed.Step)), textAttr("kind", string(failed.Kind)))
		}
		attrs = append(attrs, slog.String("error", oneLine(textOf(e.err))))
	}
	l.write(ctx, level, logBody, c, attrs...)
}

func (l logging) noticed(ctx context.Context, c *call, n Notice) {
	attrs := []slog.Attr{slog.Bool("deprecated", n.Deprecated), momentAttr("deprecation", n.Deprecation), momentAttr("sunset", n.Sunset)}
	if len(n.Warnings) > 0 {
		attrs = append(attrs, slog.Any("warnings", n.Warnings[:min(len(n.Warnings), shownWarnings)]))
	}
	l.write(ctx, slog.LevelWarn, logNotice, c, attrs...)
}

// shownWarnings is how many of a server's warnings a record has.
const shownWarnings = 8

func momentAttr(key string, at time.Time) slog.Attr {
	if at.IsZero() {
		return slog.Attr{}
	}
	return slog.Time(key, at)
}

// textAttr, countAttr and timeAttr are attributes that are left out where there is nothing to say.
func textAttr(key, value string) slog.Attr {
	if value == "" {
		return slog.Attr{}
	}
	return slog.String(key, value)
}

func countAttr(key string, value int64) slog.Attr {
	if value <= 0 {
		return slog.Attr{}
	}
	return slog.Int64(key, value)
}

func timeAttr(key string, value time.Duration) slog.Attr {
	if value <= 0 {
		return slog.Attr{}
	}
	return slog.Duration(key, value)
}
