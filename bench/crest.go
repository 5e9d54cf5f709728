package bench

import (
	"context"
	"net/http"

	"github.com/crest-go/crest"
)

var (
	crestGet  = crest.Get[GetOrder, Order]("/v1/orders/{id}")
	crestPost = crest.Post[NewOrder, Receipt]("/v1/orders")
	crestList = crest.Get[ListOrders, []Order]("/v1/orders")
)

// crestDefault is crest as it comes: request and answer are validated, errors
// mapped, bodies bounded, the deadline is on.
func crestDefault() Contender {
	return Contender{
		Name:   "crest",
		Module: "github.com/crest-go/crest",
		Note:   "as it comes: request and answer validated, errors mapped, bodies bounded, deadline on",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			return crestCalls(base, crest.WithTransport(rt))
		},
	}
}

func crestCalls(base string, opts ...crest.ClientOption) (Calls, error) {
	c, err := crest.New[*APIError](base, opts...)
	if err != nil {
		return Calls{}, err
	}
	return Calls{
		Get:   crestCall(c, crestGet),
		Post:  crestCall(c, crestPost),
		List:  crestCall(c, crestList),
		Close: func() { c.Close() },
	}, nil
}

func crestCall[Req, Res any](c crest.Caller, e *crest.Endpoint[Req, Res]) func(context.Context, Req) (Res, error) {
	return func(ctx context.Context, in Req) (Res, error) { return e.Call(ctx, c, in) }
}
