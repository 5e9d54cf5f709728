// Package docs declares what the blocks of code in docs/migrating.md take for granted.
package docs

import (
	"context"
	"net/http"

	"github.com/crest-go/crest"
)

// NotFound is an error model.
type NotFound struct {
	Message string `json:"message"`
}

func (e *NotFound) Error() string { return e.Message }

var (
	ctx context.Context
	c   *crest.Client[*crest.Problem]
	old *http.Client
)
