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
	"timeout":            inStep(crest.ErrTransport, crest.KindTimeout),
	"timeout_connect":    inStep(crest.ErrTransport, crest.KindTimeoutConnect),
	"timeout_read":       inStep(crest.ErrTransport, crest.KindTimeoutHeader, crest.KindTimeoutIdle),
	"retry_exhausted":    exhausted,
	"request":            inStep(crest.ErrTransport),
	"custom":             func(err error) bool { return errors.Is(err, errCustom) },
	"closed":             inStep(crest.ErrClosed),

	"ws_handshake": func(err error) bool {
		return errors.Is(err, crest.ErrStatus) || inStep(crest.ErrTransport, crest.KindProtocol)(err)
	},
	"Invalid response status":    inStep(crest.ErrStatus),
	"Invalid challenge response": inStep(crest.ErrTransport, crest.KindProtocol),
	"ws_type":                    inStep(crest.ErrResponse, crest.KindContentType),
	"ws_protocol":                inStep(crest.ErrTransport, crest.KindProtocol),
	"concurrent_receive":         inStep(crest.ErrRequest),

	"too_many_redirects":   inStep(crest.ErrTransport, crest.KindRedirect),
	"redirect_non_http":    inStep(crest.ErrTransport, crest.KindRedirect),
	"redirect_invalid_url": inStep(crest.ErrTransport, crest.KindRedirect),
	"redirect_refused":     inStep(crest.ErrTransport, crest.KindRedirect),
	"body_not_rewindable":  inStep(crest.ErrTransport, crest.KindRedirect),
}

// exhausted: the last failure of several attempts, all of which it tells.
func exhausted(err error) bool {
	call, ok := errors.AsType[*crest.CallError](err)
	return ok && (call.Step == crest.ErrStatus || call.Step == crest.ErrTransport) && len(call.Attempts) > 1
}

// refused: nothing was sent, because the request or its declaration was wrong.
func refused(err error) bool {
	if _, ok := errors.AsType[*declared](err); ok {
		return true
	}
	return inStep(crest.ErrRequest)(err)
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
