// Package docs declares what the blocks of code in docs/sessions.md take for granted.
package docs

import (
	"context"

	"github.com/crest-go/crest"
)

// Error is an API's error model.
type Error struct {
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Message }

func login(ctx context.Context) (crest.Grant, error) { return crest.Grant{}, ctx.Err() }
