package bench

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"resty.dev/v3"
)

func restyV3() Contender {
	return Contender{
		Name:   "resty",
		Module: "resty.dev/v3",
		Note:   "version 3: its request builder, its decoding and error results; events by its SSESource",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			calls := restyCalls(base, resty.NewWithClient(&http.Client{Transport: rt}))
			calls.Watch = restyWatch(base, rt)
			return calls, nil
		},
		Own: func(base string) (Calls, error) {
			hc := resty.New()
			calls := restyCalls(base, hc)
			calls.Close = func() { hc.Close(); hc.Client().CloseIdleConnections() }
			return calls, nil
		},
	}
}

func restyCalls(base string, hc *resty.Client) Calls {
	c := &restyClient{hc.SetBaseURL(base)}
	return Calls{Get: c.get, Post: c.post, List: c.list, Down: c.down, Up: c.up, Close: func() { hc.Close() }}
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

func (c *restyClient) down(ctx context.Context, in GetFile, to io.Writer) (int64, error) {
	resp, err := c.http.R().SetContext(ctx).
		SetPathParam("size", strconv.FormatInt(in.Size, 10)).
		SetResponseDoNotParse(true).
		Get(filesPath + "/{size}")
	if err != nil {
		return 0, err
	}
	return copyEveryday(resp.RawResponse, to)
}

func (c *restyClient) up(ctx context.Context, from io.Reader) (out Stored, err error) {
	resp, err := c.http.R().SetContext(ctx).
		SetContentType(fileType).
		SetBody(from).
		SetResult(&out).
		SetResultError(&APIError{}).
		Put(filesPath)
	return out, restyError(resp, err)
}

// restyWatch goes without the client: an SSESource has no builder of requests
// and takes no client, so the URL is written by hand. It ends with io.EOF.
func restyWatch(base string, rt http.RoundTripper) func(context.Context, WatchChanges, func(Change) error) error {
	return func(ctx context.Context, in WatchChanges, each func(Change) error) (failed error) {
		source := resty.NewSSESource().SetContext(ctx).SetTransport(rt).
			SetURL(watchURL(base, in)).
			SetHeader("X-Tenant", in.Tenant).
			OnError(func(err error) { failed = errors.Join(failed, err) }).
			OnMessage(func(change any) { failed = errors.Join(failed, each(*change.(*Change))) }, Change{})
		if err := source.Get(); !errors.Is(err, io.EOF) {
			return errors.Join(failed, err)
		}
		return failed
	}
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
