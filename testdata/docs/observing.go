// Package docs declares what the blocks of code in docs/observing.md take for granted.
package docs

import (
	"context"
	"io"
	"net/http"

	"github.com/crest-go/crest"
)

// Order is a model of request and answer.
type Order struct {
	Item string `json:"item"`
}

var (
	ctx         context.Context
	c           *crest.Client[*crest.Problem]
	err         error
	req         *http.Request
	next        http.RoundTripper
	body        []byte
	mux         *http.ServeMux
	order       Order
	createOrder = crest.Post[Order, Order]("/orders")
	file        io.Writer
)
