package bench

import (
	"context"
	"io"
	"net/http"
)

// Baseline is the contender that all ratios are relative to.
const Baseline = "careless"

// Calls are the functions that a contender writes, each the way its users
// would: typed values go in, a typed value or an [*APIError] comes out. A nil
// function means that the library cannot send that request.
type Calls struct {
	Get   func(context.Context, GetOrder) (Order, error)
	Post  func(context.Context, NewOrder) (Receipt, error)
	List  func(context.Context, ListOrders) ([]Order, error)
	Down  func(context.Context, GetFile, io.Writer) (int64, error)      // writes the file
	Up    func(context.Context, io.Reader) (Stored, error)              // sends what it reads
	Watch func(context.Context, WatchChanges, func(Change) error) error // until the stream ends
	Close func()                                                        // may be nil
}

// Contender is one way of making the calls.
type Contender struct {
	Name   string
	Module string // the module whose version is reported; empty: the standard library
	Note   string // what it is and does, for the reader of the table

	Engine bool // it sends by an engine of its own: not in memory, and not through the RoundTripper that New is given

	New func(base string, rt http.RoundTripper) (Calls, error)
	// Own is with the transport that the library makes by default; nil if it makes none.
	Own func(base string) (Calls, error)
}

// Contenders lists all of them, the baseline first.
func Contenders() []Contender {
	return []Contender{
		careless(),
		crestDefault(),
		crestAll(),
		crestTracing(),
		carelessValid(),
		handopt(),
		restyV3(),
		restyV2(),
		requestsBuilder(),
		slingV1(),
		heimdallV7(),
		retryableHTTP(),
		connectRPC(),
		fastHTTP(),
		crestFast(),
	}
}
