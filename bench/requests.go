package bench

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/carlmjohnson/requests"
)

func requestsBuilder() Contender {
	return Contender{
		Name:   "requests",
		Module: "github.com/carlmjohnson/requests",
		Note:   "its builder, its JSON and error handlers; events by its handler of a bufio.Scanner",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			return requestsCalls(base, &http.Client{Transport: rt})
		},
		Own: ownDefault(requestsCalls),
	}
}

func requestsCalls(base string, hc *http.Client) (Calls, error) {
	c := &requestsClient{base: base, http: hc}
	return Calls{Get: c.get, Post: c.post, List: c.list, Down: c.down, Up: c.up, Watch: c.watch}, nil
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

func (c *requestsClient) down(ctx context.Context, in GetFile, to io.Writer) (int64, error) {
	count := &counter{to: to}
	err := requests.URL(c.base).Client(c.http).
		Pathf(filesPath+"/%d", in.Size).
		ToWriter(count).
		Fetch(ctx)
	return count.n, err
}

// counter knows how much was written: the handler does not tell.
type counter struct {
	to io.Writer
	n  int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

func (c *requestsClient) up(ctx context.Context, from io.Reader) (out Stored, err error) {
	failure := new(APIError)
	err = requests.URL(c.base).Client(c.http).
		Path(filesPath).
		Put().
		ContentType(fileType).
		BodyReader(from).
		ErrorJSON(failure).
		ToJSON(&out).
		Fetch(ctx)
	return out, requestsError(err, failure)
}

func (c *requestsClient) watch(ctx context.Context, in WatchChanges, each func(Change) error) error {
	return requests.URL(c.base).Client(c.http).
		Path(changesPath).
		Param("since", strconv.FormatInt(in.Since, 10)).
		Header("X-Tenant", in.Tenant).
		Handle(requests.ToBufioScanner(func(lines *bufio.Scanner) error { return scanEveryday(lines, each) })).
		Fetch(ctx)
}

func requestsError(err error, failure *APIError) error {
	if errors.Is(err, requests.ErrInvalidHandled) {
		return failure
	}
	return err
}
