package bench

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/hashicorp/go-retryablehttp"
)

func retryableHTTP() Contender {
	return Contender{
		Name:   "retryablehttp",
		Module: "github.com/hashicorp/go-retryablehttp",
		Note:   "the user writes request and decoding as in careless; it reads a body to its end before it sends it",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			hc := retryablehttp.NewClient()
			hc.HTTPClient = &http.Client{Transport: rt}
			return retryableCalls(base, hc), nil
		},
		Own: func(base string) (Calls, error) {
			hc := retryablehttp.NewClient()
			calls := retryableCalls(base, hc)
			calls.Close = hc.HTTPClient.CloseIdleConnections
			return calls, nil
		},
	}
}

func retryableCalls(base string, hc *retryablehttp.Client) Calls {
	hc.Logger = nil
	c := &retryableClient{base: base, http: hc}
	plain := &everyday{base: base, do: c.do}
	return Calls{Get: c.get, Post: c.post, List: c.list, Down: plain.down, Up: c.up, Watch: plain.watch}
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

func (c *retryableClient) up(ctx context.Context, from io.Reader) (out Stored, err error) {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPut, c.base+filesPath, from)
	if err != nil {
		return out, err
	}
	req.Header.Set("Content-Type", fileType)
	err = c.send(req, &out)
	return out, err
}

// do is for requests without a body, which need nothing of the library to be written.
func (c *retryableClient) do(req *http.Request) (*http.Response, error) {
	wrapped, err := retryablehttp.FromRequest(req)
	if err != nil {
		return nil, err
	}
	return c.http.Do(wrapped)
}

func (c *retryableClient) send(req *retryablehttp.Request, out any) error {
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	return decodeEveryday(resp, out)
}
