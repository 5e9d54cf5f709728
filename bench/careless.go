package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
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
		Own: ownDefault(func(base string, hc *http.Client) (Calls, error) {
			return (&everyday{base: base, do: hc.Do}).calls(), nil
		}),
	}
}

// ownDefault is for libraries that leave the connections to
// [http.DefaultTransport]. Each gets a copy, so that none finds those of another.
func ownDefault(newCalls func(base string, hc *http.Client) (Calls, error)) func(base string) (Calls, error) {
	return func(base string) (Calls, error) {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		calls, err := newCalls(base, &http.Client{Transport: transport})
		calls.Close = transport.CloseIdleConnections
		return calls, err
	}
}

// everyday writes requests with net/http and sends them through do, which is
// all that a library with the signature of [http.Client.Do] replaces.
type everyday struct {
	base string
	do   func(*http.Request) (*http.Response, error)
}

func (c *everyday) calls() Calls {
	return Calls{Get: c.get, Post: c.post, List: c.list, Down: c.down, Up: c.up, Watch: c.watch}
}

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

func (c *everyday) down(ctx context.Context, in GetFile, to io.Writer) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fileURL(c.base, in), nil)
	if err != nil {
		return 0, err
	}
	resp, err := c.do(req)
	if err != nil {
		return 0, err
	}
	return copyEveryday(resp, to)
}

func (c *everyday) up(ctx context.Context, from io.Reader) (out Stored, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, c.base+filesPath, from)
	if err != nil {
		return out, err
	}
	req.Header.Set("Content-Type", fileType)
	err = c.send(req, &out)
	return out, err
}

func (c *everyday) watch(ctx context.Context, in WatchChanges, each func(Change) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, watchURL(c.base, in), nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-Tenant", in.Tenant)
	resp, err := c.do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return decodeEveryday(resp, nil)
	}
	return watchEveryday(resp.Body, each)
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

func fileURL(base string, in GetFile) string {
	return fmt.Sprintf("%s%s/%d", base, filesPath, in.Size)
}

func watchURL(base string, in WatchChanges) string {
	query := url.Values{}
	query.Set("since", strconv.FormatInt(in.Since, 10))
	return base + changesPath + "?" + query.Encode()
}

// copyEveryday is how one writes an answer somewhere.
func copyEveryday(resp *http.Response, to io.Writer) (int64, error) {
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return 0, decodeEveryday(resp, nil)
	}
	return io.Copy(to, resp.Body)
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
