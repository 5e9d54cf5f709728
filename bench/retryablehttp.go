package bench

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/hashicorp/go-retryablehttp"
)

func retryableHTTP() Contender {
	return Contender{
		Name:   "retryablehttp",
		Module: "github.com/hashicorp/go-retryablehttp",
		Note:   "the user writes request and decoding as in careless",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			hc := retryablehttp.NewClient()
			hc.HTTPClient = &http.Client{Transport: rt}
			hc.Logger = nil
			c := &retryableClient{base: base, http: hc}
			return Calls{Get: c.get, Post: c.post, List: c.list}, nil
		},
	}
}

type retryableClient struct {
	base string
	http *retryablehttp.Client
}

func (c *retryableClient) get(ctx context.Context, in GetOrder) (out Order, err error) {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, getURL(c.base, in), nil)
	if err != nil {
		return out, err
	}
	req.Header.Set("X-Tenant", in.Tenant)
	req.Header.Set("X-Request-Id", in.RequestID)
	err = c.send(req, &out)
	return out, err
}

func (c *retryableClient) post(ctx context.Context, in NewOrder) (out Receipt, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, c.base+"/v1/orders", body)
	if err != nil {
		return out, err
	}
	req.Header.Set("Content-Type", "application/json")
	err = c.send(req, &out)
	return out, err
}

func (c *retryableClient) list(ctx context.Context, in ListOrders) (out []Order, err error) {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, listURL(c.base, in), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Tenant", in.Tenant)
	req.Header.Set("X-Request-Id", in.RequestID)
	err = c.send(req, &out)
	return out, err
}

func (c *retryableClient) send(req *retryablehttp.Request, out any) error {
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	return decodeEveryday(resp, out)
}
