package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/dghubble/sling"
)

func slingV1() Contender {
	return Contender{
		Name:   "sling",
		Module: "github.com/dghubble/sling",
		Note:   "its builder and decoder; what is read in pieces goes by a decoder of our own, the only way to the body",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			c := &slingClient{sling.New().Base(base).Client(&http.Client{Transport: rt})}
			return Calls{Get: c.get, Post: c.post, List: c.list, Down: c.down, Up: c.up, Watch: c.watch}, nil
		},
	}
}

type slingClient struct{ base *sling.Sling }

func (c *slingClient) get(ctx context.Context, in GetOrder) (out Order, err error) {
	s := c.base.New().Get(fmt.Sprintf("/v1/orders/%d", in.ID)).QueryStruct(in).
		Set("X-Tenant", in.Tenant).
		Set("X-Request-Id", in.RequestID)
	err = slingSend(ctx, s, &out)
	return out, err
}

func (c *slingClient) post(ctx context.Context, in NewOrder) (out Receipt, err error) {
	err = slingSend(ctx, c.base.New().Post("/v1/orders").BodyJSON(in), &out)
	return out, err
}

func (c *slingClient) list(ctx context.Context, in ListOrders) (out []Order, err error) {
	s := c.base.New().Get("/v1/orders").QueryStruct(in).
		Set("X-Tenant", in.Tenant).
		Set("X-Request-Id", in.RequestID)
	err = slingSend(ctx, s, &out)
	return out, err
}

func (c *slingClient) down(ctx context.Context, in GetFile, to io.Writer) (n int64, err error) {
	s := c.base.New().Get(fmt.Sprintf("%s/%d", filesPath, in.Size)).
		ResponseDecoder(slingDecoder(func(resp *http.Response) error {
			n, err = io.Copy(to, resp.Body)
			return err
		}))
	err = slingSend(ctx, s, &n)
	return n, err
}

func (c *slingClient) up(ctx context.Context, from io.Reader) (out Stored, err error) {
	err = slingSend(ctx, c.base.New().Put(filesPath).Body(from).Set("Content-Type", fileType), &out)
	return out, err
}

func (c *slingClient) watch(ctx context.Context, in WatchChanges, each func(Change) error) error {
	s := c.base.New().Get(changesPath).QueryStruct(in).
		Set("X-Tenant", in.Tenant).
		ResponseDecoder(slingDecoder(func(resp *http.Response) error { return watchEveryday(resp.Body, each) }))
	return slingSend(ctx, s, new(Change))
}

// slingDecoder reads a body in another way than into one value.
type slingDecoder func(*http.Response) error

func (d slingDecoder) Decode(resp *http.Response, _ any) error {
	if resp.StatusCode/100 != 2 {
		return decodeEveryday(resp, nil)
	}
	return d(resp)
}

// slingSend goes by way of the request because sling takes no context.
func slingSend(ctx context.Context, s *sling.Sling, out any) error {
	req, err := s.Request()
	if err != nil {
		return err
	}
	failure := new(APIError)
	resp, err := s.Do(req.WithContext(ctx), out, failure)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return failure
	}
	return nil
}
