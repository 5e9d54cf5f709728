package bench

import (
	"context"
	"errors"
	"net/http"

	"github.com/carlmjohnson/requests"
)

func requestsBuilder() Contender {
	return Contender{
		Name:   "requests",
		Module: "github.com/carlmjohnson/requests",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			c := &requestsClient{base: base, http: &http.Client{Transport: rt}}
			return Calls{Get: c.get, Post: c.post, List: c.list}, nil
		},
	}
}

type requestsClient struct {
	base string
	http *http.Client
}

func (c *requestsClient) get(ctx context.Context, in GetOrder) (out Order, err error) {
	failure := new(APIError)
	err = requests.URL(c.base).Client(c.http).
		Pathf("/v1/orders/%d", in.ID).
		Param("expand", in.Expand).
		ParamInt("version", in.Version).
		Header("X-Tenant", in.Tenant).
		Header("X-Request-Id", in.RequestID).
		ErrorJSON(failure).
		ToJSON(&out).
		Fetch(ctx)
	return out, requestsError(err, failure)
}

func (c *requestsClient) post(ctx context.Context, in NewOrder) (out Receipt, err error) {
	failure := new(APIError)
	err = requests.URL(c.base).Client(c.http).
		Path("/v1/orders").
		BodyJSON(in).
		ErrorJSON(failure).
		ToJSON(&out).
		Fetch(ctx)
	return out, requestsError(err, failure)
}

func (c *requestsClient) list(ctx context.Context, in ListOrders) (out []Order, err error) {
	failure := new(APIError)
	err = requests.URL(c.base).Client(c.http).
		Path("/v1/orders").
		ParamInt("limit", in.Limit).
		Param("cursor", in.Cursor).
		Header("X-Tenant", in.Tenant).
		Header("X-Request-Id", in.RequestID).
		ErrorJSON(failure).
		ToJSON(&out).
		Fetch(ctx)
	return out, requestsError(err, failure)
}

func requestsError(err error, failure *APIError) error {
	if errors.Is(err, requests.ErrInvalidHandled) {
		return failure
	}
	return err
}
