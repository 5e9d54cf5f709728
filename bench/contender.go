package bench

import (
	"context"
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
	Close func() // may be nil
}

// Contender is one way of making the calls.
type Contender struct {
	Name   string
	Module string // the module whose version is reported; empty: the standard library
	Note   string // what a reader of the table must know; may be empty
	New    func(base string, rt http.RoundTripper) (Calls, error)
}

// Contenders lists all of them, the baseline first.
func Contenders() []Contender {
	return []Contender{
		careless(),
		crestDefault(),
		carelessValid(),
		handopt(),
		restyV3(),
		requestsBuilder(),
		slingV1(),
		heimdallV7(),
		retryableHTTP(),
		connectRPC(),
	}
}
