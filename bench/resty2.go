package bench

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/go-resty/resty/v2"
)

func restyV2() Contender {
	return Contender{
		Name:   "resty2",
		Module: "github.com/go-resty/resty/v2",
		Note:   "version 2: its request builder, its decoding and error results; it has nothing for events, which are read as in careless",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			return resty2Calls(base, resty.NewWithClient(&http.Client{Transport: rt})), nil
		},
		Own: func(base string) (Calls, error) {
			hc := resty.New()
			calls := resty2Calls(base, hc)
			calls.Close = hc.GetClient().CloseIdleConnections
			return calls, nil
		},
	}
}

func resty2Calls(base string, hc *resty.Client) Calls {
	c := &resty2Client{hc.SetBaseURL(base)}
	return Calls{Get: c.get, Post: c.post, List: c.list, Down: c.down, Up: c.up, Watch: c.watch}
}

type resty2Client struct{ http *resty.Client }

func (c *resty2Client) get(ctx context.Context, in GetOrder) (out Order, err error) {
	resp, err := c.http.R().SetContext(ctx).
		SetPathParam("id", strconv.FormatInt(in.ID, 10)).
		SetQueryParam("expand", in.Expand).
		SetQueryParam("version", strconv.Itoa(in.Version)).
		SetHeader("X-Tenant", in.Tenant).
		SetHeader("X-Request-Id", in.RequestID).
		SetResult(&out).
		SetError(&APIError{}).
		Get("/v1/orders/{id}")
	return out, resty2Error(resp, err)
}

func (c *resty2Client) post(ctx context.Context, in NewOrder) (out Receipt, err error) {
	resp, err := c.http.R().SetContext(ctx).
		SetHeader("Content-Type", "application/json").
		SetBody(in).
		SetResult(&out).
		SetError(&APIError{}).
		Post("/v1/orders")
	return out, resty2Error(resp, err)
}

func (c *resty2Client) list(ctx context.Context, in ListOrders) (out []Order, err error) {
	resp, err := c.http.R().SetContext(ctx).
		SetQueryParam("limit", strconv.Itoa(in.Limit)).
		SetQueryParam("cursor", in.Cursor).
		SetHeader("X-Tenant", in.Tenant).
		SetHeader("X-Request-Id", in.RequestID).
		SetResult(&out).
		SetError(&APIError{}).
		Get("/v1/orders")
	return out, resty2Error(resp, err)
}

func (c *resty2Client) down(ctx context.Context, in GetFile, to io.Writer) (int64, error) {
	resp, err := c.http.R().SetContext(ctx).
		SetPathParam("size", strconv.FormatInt(in.Size, 10)).
		SetDoNotParseResponse(true).
		Get(filesPath + "/{size}")
	if err != nil {
		return 0, err
	}
	return copyEveryday(resp.RawResponse, to)
}

func (c *resty2Client) up(ctx context.Context, from io.Reader) (out Stored, err error) {
	resp, err := c.http.R().SetContext(ctx).
		SetHeader("Content-Type", fileType).
		SetBody(from).
		SetResult(&out).
		SetError(&APIError{}).
		Put(filesPath)
	return out, resty2Error(resp, err)
}

func (c *resty2Client) watch(ctx context.Context, in WatchChanges, each func(Change) error) error {
	resp, err := c.http.R().SetContext(ctx).
		SetQueryParam("since", strconv.FormatInt(in.Since, 10)).
		SetHeader("X-Tenant", in.Tenant).
		SetDoNotParseResponse(true).
		Get(changesPath)
	if err != nil {
		return err
	}
	defer resp.RawBody().Close()
	if resp.IsError() {
		return decodeEveryday(resp.RawResponse, nil)
	}
	return watchEveryday(resp.RawBody(), each)
}

func resty2Error(resp *resty.Response, err error) error {
	if err != nil {
		return err
	}
	if failure, ok := resp.Error().(*APIError); ok && resp.IsError() {
		return failure
	}
	return nil
}
