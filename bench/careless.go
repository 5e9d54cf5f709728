package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// careless is the everyday way: net/http and encoding/json with the obvious
// functions, no pooling, nothing validated. It is the baseline.
func careless() Contender {
	return Contender{
		Name: Baseline,
		Note: "net/http and encoding/json the everyday way; the baseline",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			c := &everyday{base: base, do: (&http.Client{Transport: rt}).Do}
			return c.calls(), nil
		},
	}
}

// everyday writes requests with net/http and sends them through do, which is
// all that a library with the signature of [http.Client.Do] replaces.
type everyday struct {
	base string
	do   func(*http.Request) (*http.Response, error)
}

func (c *everyday) calls() Calls { return Calls{Get: c.get, Post: c.post, List: c.list} }

func (c *everyday) get(ctx context.Context, in GetOrder) (out Order, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, getURL(c.base, in), nil)
	if err != nil {
		return out, err
	}
	req.Header.Set("X-Tenant", in.Tenant)
	req.Header.Set("X-Request-Id", in.RequestID)
	err = c.send(req, &out)
	return out, err
}

func (c *everyday) post(ctx context.Context, in NewOrder) (out Receipt, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/v1/orders", bytes.NewReader(body))
	if err != nil {
		return out, err
	}
	req.Header.Set("Content-Type", "application/json")
	err = c.send(req, &out)
	return out, err
}

func (c *everyday) list(ctx context.Context, in ListOrders) (out []Order, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, listURL(c.base, in), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Tenant", in.Tenant)
	req.Header.Set("X-Request-Id", in.RequestID)
	err = c.send(req, &out)
	return out, err
}

func (c *everyday) send(req *http.Request, out any) error {
	resp, err := c.do(req)
	if err != nil {
		return err
	}
	return decodeEveryday(resp, out)
}

func getURL(base string, in GetOrder) string {
	query := url.Values{}
	query.Set("expand", in.Expand)
	query.Set("version", strconv.Itoa(in.Version))
	return fmt.Sprintf("%s/v1/orders/%d?%s", base, in.ID, query.Encode())
}

func listURL(base string, in ListOrders) string {
	query := url.Values{}
	query.Set("limit", strconv.Itoa(in.Limit))
	query.Set("cursor", in.Cursor)
	return fmt.Sprintf("%s/v1/orders?%s", base, query.Encode())
}

// decodeEveryday is what users of libraries that stop at the [http.Response]
// write after it.
func decodeEveryday(resp *http.Response, out any) error {
	defer resp.Body.Close()
	if resp.StatusCode/100 == 2 {
		return json.NewDecoder(resp.Body).Decode(out)
	}
	failure := new(APIError)
	if err := json.NewDecoder(resp.Body).Decode(failure); err != nil {
		return err
	}
	return failure
}
