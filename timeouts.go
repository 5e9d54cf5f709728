package crest

import (
	"errors"
	"fmt"
	"time"
)

// Timeouts bound the phases of a call, each with its own error kind. A zero field inherits from the farther level and in
// the end the default; [NoTimeout] switches one off. Whichever ends first, one of these or the context's own
// deadline, ends the call.
type Timeouts struct {
	// Total is the whole call: waiting for slots, all attempts and what lies between them, and reading a typed body. For a
	// body that the caller reads it ends when the header is there. 5 minutes; [KindTimeoutTotal].
	Total time.Duration
	// Attempt is one attempt, from its first slot on: waiting for slots does not count. For a body that the caller reads it
	// ends when the header is there. None by default; [KindTimeoutAttempt], after which an idempotent call is tried again.
	Attempt time.Duration
	// Connect is looking up the name and connecting. 10 s; [KindTimeoutConnect]. For [New] alone, of crest's own transport.
	Connect time.Duration
	// TLS is the handshake. 10 s; [KindTimeoutTLS]. For [New] alone, of crest's own transport.
	TLS time.Duration
	// Header is from the end of the request to the header of the answer. 60 s; [KindTimeoutHeader]. It needs a transport that
	// calls the hooks of net/http/httptrace, as [net/http.Transport] does.
	Header time.Duration
	// Idle is the longest silence inside a body: of an answer that is being read, and of a server that takes no more of a request body that is
	// read as it is sent (files, forms with files, readers, functions). How long the source of such a body takes does not count, nor how long the answer's
	// reader does. What the operating system buffers counts as taken, and a piece of 32 KiB (128 where the connection is fast and the length
	// is not known) when all of it is. Any byte ends a silence, so the comments that servers of event streams
	// send do: that nothing is said between them is no silence. 60 s, 5 minutes for a [Stream]; [KindTimeoutIdle]. For request bodies it needs the hooks that Header needs.
	Idle time.Duration
}

// NoTimeout switches a timeout off.
const NoTimeout time.Duration = -1

// defaultTimeouts hold where nothing is said. docs/design.md has the table of all bounds.
var defaultTimeouts = Timeouts{
	Total: 5 * time.Minute, Attempt: NoTimeout,
	Connect: 10 * time.Second, TLS: 10 * time.Second,
	Header: time.Minute, Idle: time.Minute,
}

// WithTimeout limits a whole call. It is [WithTimeouts] with [Timeouts.Total]. The error is [KindTimeoutTotal], or at once
// [ErrLimited] where a slot would come too late, or the last failure where the next attempt would. 0 inherits, [NoTimeout] is none; other negative
// durations are mistakes.
func WithTimeout(d time.Duration) Option { return withTimeouts("WithTimeout", Timeouts{Total: d}) }

// WithTimeouts sets the timeouts of a call's phases. Connect and TLS belong to the client's transport: given to an
// endpoint or a call they are an error, as they are beside [WithTransport], whose transport has its own.
func WithTimeouts(t Timeouts) Option { return withTimeouts("WithTimeouts", t) }

func withTimeouts(option string, t Timeouts) Option {
	return anyOption(func(s *settings) error {
		if err := t.check(s.level); err != nil {
			return fmt.Errorf("%s: %w", option, err)
		}
		s.timeouts = t.over(s.timeouts)
		return nil
	})
}

func (t Timeouts) check(l level) error {
	var mistakes []error
	for _, f := range [...]struct {
		name string
		d    time.Duration
	}{{"Total", t.Total}, {"Attempt", t.Attempt}, {"Connect", t.Connect}, {"TLS", t.TLS}, {"Header", t.Header}, {"Idle", t.Idle}} {
		if f.d < 0 && f.d != NoTimeout {
			mistakes = append(mistakes, fmt.Errorf("%s is %v, and negative: give a positive duration, 0 to inherit, or NoTimeout", f.name, f.d))
		}
	}
	if l != levelClient && (t.Connect != 0 || t.TLS != 0) {
		mistakes = append(mistakes, errors.New("the fields Connect and TLS belong to the connections, which all calls share: give them to crest.New"))
	}
	return errors.Join(mistakes...)
}

// over returns t on top of base, field by field.
func (t Timeouts) over(base Timeouts) Timeouts {
	return Timeouts{
		Total: nearer(t.Total, base.Total), Attempt: nearer(t.Attempt, base.Attempt),
		Connect: nearer(t.Connect, base.Connect), TLS: nearer(t.TLS, base.TLS),
		Header: nearer(t.Header, base.Header), Idle: nearer(t.Idle, base.Idle),
	}
}

// nearer is what the nearer level says, or else the farther one.
func nearer[T comparable](near, far T) T {
	if near == *new(T) {
		return far
	}
	return near
}

// defaultStreamIdle is Idle's default for streams, which may have nothing to say for a while.
const defaultStreamIdle = 5 * time.Minute

// ofStream are the timeouts of a stream.
func (t Timeouts) ofStream() Timeouts {
	t.Idle = nearer(t.Idle, defaultStreamIdle)
	return t
}

// effective are the timeouts that hold: with the defaults, and 0 for none.
func (t Timeouts) effective() Timeouts {
	t = t.over(defaultTimeouts)
	for _, d := range []*time.Duration{&t.Total, &t.Attempt, &t.Connect, &t.TLS, &t.Header, &t.Idle} {
		*d = max(*d, 0)
	}
	return t
}
