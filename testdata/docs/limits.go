// Package docs declares what the blocks of code in docs/limits.md take for granted.
package docs

import "context"

// Error is an API's error model.
type Error struct {
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Message }

var (
	ctx context.Context
	err error
)
