package bench

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/goccy/go-json"
	"github.com/valyala/fasthttp"
)

// fastHTTP is the other engine, used as its users do: pooled requests and
// answers, values appended by hand, go-json on the body where it lies.
func fastHTTP() Contender {
	return Contender{
		Name:   "fasthttp",
		Module: "github.com/valyala/fasthttp",
		Note:   "fasthttp and go-json by hand; no context, nothing validated; not in memory, being an engine of its own",
		Engine: true,
		New:    func(base string, _ http.RoundTripper) (Calls, error) { return fastCalls(base) },
		Own:    fastCalls,
	}
}

type fastClient struct {
	base    string
	http    *fasthttp.Client
	streams *fasthttp.Client // delivers bodies as they come
}

func fastCalls(base string) (Calls, error) {
	c := &fastClient{base, &fasthttp.Client{}, &fasthttp.Client{StreamResponseBody: true}}
	return Calls{
		Get: c.get, Post: c.post, List: c.list, Down: c.down, Up: c.up, Watch: c.watch,
		Close: func() { c.http.CloseIdleConnections(); c.streams.CloseIdleConnections() },
	}, nil
}

func (c *fastClient) get(_ context.Context, in GetOrder) (out Order, err error) {
	err = fastSend(c, &out, func(req *fasthttp.Request) {
		uri := req.URI()
		uri.SetPath("/v1/orders/" + strconv.FormatInt(in.ID, 10))
		uri.QueryArgs().Set("expand", in.Expand)
		uri.QueryArgs().SetUint("version", in.Version)
		req.Header.Set("X-Tenant", in.Tenant)
		req.Header.Set("X-Request-Id", in.RequestID)
	})
	return out, err
}

func (c *fastClient) post(_ context.Context, in NewOrder) (out Receipt, err error) {
	body, err := json.MarshalOf(&in)
	if err != nil {
		return out, err
	}
	err = fastSend(c, &out, func(req *fasthttp.Request) {
		req.Header.SetMethod(http.MethodPost)
		req.Header.SetContentType(contentType)
		req.URI().SetPath(ordersPath)
		req.SetBodyRaw(body)
	})
	return out, err
}

func (c *fastClient) list(_ context.Context, in ListOrders) (out []Order, err error) {
	err = fastSend(c, &out, func(req *fasthttp.Request) {
		uri := req.URI()
		uri.SetPath(ordersPath)
		uri.QueryArgs().SetUint("limit", in.Limit)
		uri.QueryArgs().Set("cursor", in.Cursor)
		req.Header.Set("X-Tenant", in.Tenant)
		req.Header.Set("X-Request-Id", in.RequestID)
	})
	return out, err
}

func (c *fastClient) down(_ context.Context, in GetFile, to io.Writer) (n int64, err error) {
	err = c.stream(func(req *fasthttp.Request) {
		req.URI().SetPath(filesPath + "/" + strconv.FormatInt(in.Size, 10))
	}, func(body io.Reader) error {
		n, err = copyPieces(to, body)
		return err
	})
	return n, err
}

func (c *fastClient) up(_ context.Context, from io.Reader) (out Stored, err error) {
	err = fastSend(c, &out, func(req *fasthttp.Request) {
		req.Header.SetMethod(http.MethodPut)
		req.Header.SetContentType(fileType)
		req.URI().SetPath(filesPath)
		req.SetBodyStream(from, -1)
	})
	return out, err
}

func (c *fastClient) watch(_ context.Context, in WatchChanges, each func(Change) error) error {
	return c.stream(func(req *fasthttp.Request) {
		req.URI().SetPath(changesPath)
		req.URI().QueryArgs().SetUint("since", int(in.Since))
		req.Header.Set("X-Tenant", in.Tenant)
	}, func(body io.Reader) error { return watchInPlace(body, each) })
}

func (c *fastClient) acquire(fill func(*fasthttp.Request)) (*fasthttp.Request, *fasthttp.Response) {
	req := fasthttp.AcquireRequest()
	scheme, host, _ := strings.Cut(c.base, "://")
	req.URI().SetScheme(scheme)
	req.URI().SetHost(host)
	fill(req)
	return req, fasthttp.AcquireResponse()
}

func fastSend[T any](c *fastClient, out *T, fill func(*fasthttp.Request)) error {
	req, resp := c.acquire(fill)
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	if err := c.http.Do(req, resp); err != nil {
		return err
	}
	if resp.StatusCode()/100 == 2 {
		return json.UnmarshalOf(resp.Body(), out)
	}
	return fastFailure(resp.Body())
}

func (c *fastClient) stream(fill func(*fasthttp.Request), read func(io.Reader) error) error {
	req, resp := c.acquire(fill)
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	if err := c.streams.Do(req, resp); err != nil {
		return err
	}
	defer resp.CloseBodyStream()
	if resp.StatusCode()/100 == 2 {
		return read(resp.BodyStream())
	}
	body, err := io.ReadAll(resp.BodyStream())
	if err != nil {
		return err
	}
	return fastFailure(body)
}

func fastFailure(body []byte) error {
	failure := new(APIError)
	if err := json.UnmarshalOf(body, failure); err != nil {
		return err
	}
	return failure
}
