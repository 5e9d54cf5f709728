package conformance

import (
	"errors"

	"github.com/crest-go/crest"
)

// declared is an error of New or of a declaration: the program would not have started.
type declared struct{ err error }

func (d *declared) Error() string { return d.err.Error() }
func (d *declared) Unwrap() error { return d.err }

// errorWords say what each word of the vocabulary is in crest. The table in VECTORS.md is the source; a word that is missing here
// fails its row.
var errorWords = map[string]func(error) bool{
	"invalid_argument":   refused,
	"missing_scheme":     refused,
	"unsupported_scheme": refused,
	"invalid_url":        refused,
	"invalid_header":     inStep(crest.ErrRequest),
	"json_encode":        inStep(crest.ErrRequest),
	"connection":         inStep(crest.ErrTransport, crest.KindConnect, crest.KindDNS, crest.KindDisconnected),
	"payload":            inStep(crest.ErrResponse, crest.KindTruncated, crest.KindEncoding),
	"content_type":       inStep(crest.ErrResponse, crest.KindContentType),
	"json_decode":        inStep(crest.ErrResponse, crest.KindDecode),
	"response_parse":     inStep(crest.ErrResponse, crest.KindDecode),
	"charset":            inStep(crest.ErrResponse, crest.KindDecode),
	"http_status":        inStep(crest.ErrStatus),
	"retry_exhausted":    retryExhausted,
	"closed":             inStep(crest.ErrClosed),

	"too_many_redirects":   inStep(crest.ErrTransport, crest.KindRedirect),
	"redirect_non_http":    inStep(crest.ErrTransport, crest.KindRedirect),
	"redirect_invalid_url": inStep(crest.ErrTransport, crest.KindRedirect),
	"redirect_refused":     inStep(crest.ErrTransport, crest.KindRedirect),
	"body_not_rewindable":  inStep(crest.ErrTransport, crest.KindRedirect),
}

// refused: nothing was sent, because the request or its declaration was wrong.
func refused(err error) bool {
	if _, ok := errors.AsType[*declared](err); ok {
		return true
	}
	return inStep(crest.ErrRequest)(err)
}

// retryExhausted: the last error, after more than one attempt.
func retryExhausted(err error) bool {
	call, ok := errors.AsType[*crest.CallError](err)
	return ok && len(call.Attempts) > 1 && (call.Step == crest.ErrStatus || call.Step == crest.ErrTransport)
}

// inStep matches errors of a step; where kinds are given, of one of them.
func inStep(step crest.Step, kinds ...crest.Kind) func(error) bool {
	return func(err error) bool {
		if !errors.Is(err, step) {
			return false
		}
		for _, kind := range kinds {
			if errors.Is(err, kind) {
				return true
			}
		}
		return len(kinds) == 0
	}
}
