package bench

import (
	"context"
	"net/http"
	"strconv"

	"resty.dev/v3"
)

func restyV3() Contender {
	return Contender{
		Name:   "resty",
		Module: "resty.dev/v3",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			hc := resty.NewWithClient(&http.Client{Transport: rt}).SetBaseURL(base)
			c := &restyClient{hc}
			return Calls{Get: c.get, Post: c.post, List: c.list, Close: func() { hc.Close() }}, nil
		},
	}
}

type restyClient struct{ http *resty.Client }

func (c *restyClient) get(ctx context.Context, in GetOrder) (out Order, err error) {
	resp, err := c.http.R().SetContext(ctx).
		SetPathParam("id", strconv.FormatInt(in.ID, 10)).
		SetQueryParam("expand", in.Expand).
		SetQueryParam("version", strconv.Itoa(in.Version)).
		SetHeader("X-Tenant", in.Tenant).
		SetHeader("X-Request-Id", in.RequestID).
		SetResult(&out).
		SetResultError(&APIError{}).
		Get("/v1/orders/{id}")
	return out, restyError(resp, err)
}

func (c *restyClient) post(ctx context.Context, in NewOrder) (out Receipt, err error) {
	resp, err := c.http.R().SetContext(ctx).
		SetContentType("application/json").
		SetBody(in).
		SetResult(&out).
		SetResultError(&APIError{}).
		Post("/v1/orders")
	return out, restyError(resp, err)
}

func (c *restyClient) list(ctx context.Context, in ListOrders) (out []Order, err error) {
	resp, err := c.http.R().SetContext(ctx).
		SetQueryParam("limit", strconv.Itoa(in.Limit)).
		SetQueryParam("cursor", in.Cursor).
		SetHeader("X-Tenant", in.Tenant).
		SetHeader("X-Request-Id", in.RequestID).
		SetResult(&out).
		SetResultError(&APIError{}).
		Get("/v1/orders")
	return out, restyError(resp, err)
}

func restyError(resp *resty.Response, err error) error {
	if err != nil {
		return err
	}
	if failure, ok := resp.ResultError().(*APIError); ok && resp.IsStatusFailure() {
		return failure
	}
	return nil
}
