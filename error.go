package crest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Status is an error value that matches an [*Error] by its status code:
//
//	if errors.Is(err, crest.Status(http.StatusConflict)) { … }
//
// Status(Status4XX) and Status(Status5XX) match the whole class.
type Status int

// Classes of status codes, for [Status] and as keys of an [ErrorMap].
const (
	// AnyStatus stands for every status: in an ErrorMap the entry that is taken
	// when no other fits, in WithSuccess that every answer is a success.
	AnyStatus = 0
	Status3XX = 3
	Status4XX = 4
	Status5XX = 5
)

// Error returns the code with its standard text.
func (s Status) Error() string {
	if s > AnyStatus && s < 10 {
		return fmt.Sprintf("crest: status %dxx", int(s))
	}
	return "crest: status " + statusText(int(s))
}

// matches reports whether a status code is meant by s.
func (s Status) matches(code int) bool {
	switch {
	case s == AnyStatus:
		return true
	case s < 10:
		return code/100 == int(s)
	}
	return code == int(s)
}

// Error says that the server answered, and not with a declared success.
// It is found with [errors.As] in the error of a call; its Model, the API's own error,
// is found with errors.As as well. Its fields may be read by many goroutines.
type Error struct {
	Endpoint   string        // method and route
	Method     string        // of the request that was answered
	URL        string        // redacted
	StatusCode int           // as the server sent it, also when it is not a registered one
	Header     http.Header   // of the answer
	Body       []byte        // the first 64 KiB (see [Bounds]), decompressed
	Truncated  bool          // Body was cut
	Model      error         // the decoded error model; nil when the body was none
	RequestID  string        // X-Request-Id or the like
	Attempts   int           // how many attempts it took
	RetryAfter time.Duration // what the server asked for; 0 if nothing

	hidden    bool // Body stands in no message
	rules     *redaction
	bodyErr   error // why Body is not all that the server wanted to send
	decodeErr error // why Body is not the declared model, or not the first one; never in place of the status
}

// Error returns the status and what the error model says: "404 Not Found: no such pet". Where a declared model is not there it says why,
// and without any model it has the beginning of the body. Text from the server is quoted where it is not plain, and capped.
func (e *Error) Error() string {
	text := statusText(e.StatusCode)
	if e.Model != nil {
		return joined(text, e.said()) + e.missing()
	}
	return text + e.missing() + e.rules.quoteBody(e.Body, e.Header.Get("Content-Type"), e.hidden)
}

// missing says why a model is not there. An empty body speaks for itself.
func (e *Error) missing() string {
	switch {
	case e.Model == nil && e.bodyErr != nil:
		return " (the body broke off: " + oneLine(e.bodyErr.Error()) + ")"
	case e.decodeErr != nil && len(e.Body) > 0:
		return " (" + oneLine(e.decodeErr.Error()) + ")"
	}
	return ""
}

// said is what the model says beside the status, which many begin with (RFC 9457, section 4.2.1: the title of about:blank).
func (e *Error) said() string {
	said, phrase := textOf(e.Model), http.StatusText(e.StatusCode)
	if phrase == "" {
		return safeText(said)
	}
	if said == phrase {
		return ""
	}
	return safeText(strings.TrimPrefix(said, phrase+": "))
}

func joined(text, more string) string {
	if more == "" {
		return text
	}
	return text + ": " + more
}

// Is reports whether target is a [Status] that e has.
func (e *Error) Is(target error) bool {
	s, ok := target.(Status)
	return ok && s.matches(e.StatusCode)
}

// Unwrap returns the error model and, where a declared model could not be made of the body, the reason: of the first that was tried. It has
// the [Kind] that such a body of a success would be refused with.
func (e *Error) Unwrap() []error {
	errs := make([]error, 0, 3)
	if e.Model != nil {
		errs = append(errs, e.Model)
	}
	if e.bodyErr != nil {
		errs = append(errs, e.bodyErr)
	}
	if e.decodeErr != nil {
		errs = append(errs, e.decodeErr)
	}
	return errs
}

// Format prints e as its message under every verb, so that %+v of an error chain
// shows neither headers nor body.
func (e Error) Format(f fmt.State, verb rune) { formatError(f, verb, e.Error()) }

// Format prints e as its message under every verb.
func (e CallError) Format(f fmt.State, verb rune) { formatError(f, verb, e.Error()) }

// MarshalJSON writes the message alone: headers and body of an answer can hold what no log may have.
func (e Error) MarshalJSON() ([]byte, error) { return json.Marshal(e.Error()) }

// MarshalJSON writes the message alone.
func (e CallError) MarshalJSON() ([]byte, error) { return json.Marshal(e.Error()) }

func formatError(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		_, _ = fmt.Fprintf(f, "%q", text)
		return
	}
	_, _ = fmt.Fprint(f, text)
}

// statusText is the code with its standard text; the server's own phrase stays out of messages.
func statusText(code int) string {
	if text := http.StatusText(code); text != "" {
		return strconv.Itoa(code) + " " + text
	}
	return fmt.Sprintf("%03d", code)
}

// requestIDHeaders are the names under which servers return the id of a request.
var requestIDHeaders = [...]string{
	"X-Request-Id", "Request-Id", "X-Amzn-Requestid", "X-Ms-Request-Id", "X-Correlation-Id", "X-Github-Request-Id", "Cf-Ray",
}

// requestID returns the server's name for the request, fit to be shown.
func requestID(h http.Header) string {
	for _, name := range requestIDHeaders {
		if v := h[name]; len(v) > 0 && v[0] != "" {
			return safeText(strings.TrimSpace(v[0]))
		}
	}
	return ""
}
