package bench

import (
	"context"
	"fmt"
	"net/http"

	"github.com/dghubble/sling"
)

func slingV1() Contender {
	return Contender{
		Name:   "sling",
		Module: "github.com/dghubble/sling",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			c := &slingClient{sling.New().Base(base).Client(&http.Client{Transport: rt})}
			return Calls{Get: c.get, Post: c.post, List: c.list}, nil
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
