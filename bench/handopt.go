package bench

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"github.com/goccy/go-json"
)

// handopt is what somebody writes who profiles: literals for request and URL,
// one pooled read buffer sized by Content-Length, and go-json.
func handopt() Contender {
	return Contender{
		Name:   "handopt",
		Module: "github.com/goccy/go-json",
		Note:   "net/http optimised by hand, with go-json; validates nothing",
		New:    newHandopt,
	}
}

type handoptClient struct {
	http   http.Client
	scheme string
	host   string
}

func newHandopt(base string, rt http.RoundTripper) (Calls, error) {
	u, err := url.Parse(base)
	if err != nil {
		return Calls{}, err
	}
	c := &handoptClient{http: http.Client{Transport: rt}, scheme: u.Scheme, host: u.Host}
	return Calls{Get: c.get, Post: c.post, List: c.list, Down: c.down, Up: c.up, Watch: c.watch}, nil
}

func (c *handoptClient) get(ctx context.Context, in GetOrder) (out Order, err error) {
	path := "/v1/orders/" + strconv.FormatInt(in.ID, 10)
	query := "expand=" + url.QueryEscape(in.Expand) + "&version=" + strconv.Itoa(in.Version)
	header := http.Header{"X-Tenant": {in.Tenant}, "X-Request-Id": {in.RequestID}}
	err = handoptSend(ctx, c, c.request(http.MethodGet, path, query, header), &out)
	return out, err
}

func (c *handoptClient) post(ctx context.Context, in NewOrder) (out Receipt, err error) {
	body, err := json.MarshalOf(&in)
	if err != nil {
		return out, err
	}
	req := c.request(http.MethodPost, "/v1/orders", "", http.Header{"Content-Type": {"application/json"}})
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.ContentLength = int64(len(body))
	err = handoptSend(ctx, c, req, &out)
	return out, err
}

func (c *handoptClient) list(ctx context.Context, in ListOrders) (out []Order, err error) {
	query := "limit=" + strconv.Itoa(in.Limit) + "&cursor=" + url.QueryEscape(in.Cursor)
	header := http.Header{"X-Tenant": {in.Tenant}, "X-Request-Id": {in.RequestID}}
	err = handoptSend(ctx, c, c.request(http.MethodGet, "/v1/orders", query, header), &out)
	return out, err
}

func (c *handoptClient) request(method, path, query string, header http.Header) *http.Request {
	return &http.Request{
		Method:     method,
		URL:        &url.URL{Scheme: c.scheme, Host: c.host, Path: path, RawQuery: query},
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     header,
		Host:       c.host,
	}
}

func handoptSend[T any](ctx context.Context, c *handoptClient, req *http.Request, out *T) error {
	resp, err := c.http.Do(req.WithContext(ctx))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 == 2 {
		return handoptDecode(resp, out)
	}
	failure := new(APIError)
	if err := handoptDecode(resp, failure); err != nil {
		return err
	}
	return failure
}

var readBuffers = sync.Pool{New: func() any { return new([]byte) }}

// handoptDecode trusts Content-Length, as hand-written code that knows its
// server does.
func handoptDecode[T any](resp *http.Response, out *T) error {
	buf := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(buf)
	n := int(resp.ContentLength)
	if n < 0 {
		return io.ErrUnexpectedEOF
	}
	*buf = slices.Grow((*buf)[:0], n)[:n]
	if _, err := io.ReadFull(resp.Body, *buf); err != nil {
		return err
	}
	return json.UnmarshalOf(*buf, out)
}
