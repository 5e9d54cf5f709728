// Package docs declares what the blocks of code in docs/files.md take for granted.
package docs

import (
	"context"

	"github.com/crest-go/crest"
)

var (
	ctx context.Context
	c   *crest.Client[*crest.Problem]
	err error
	req Upload
)

// Stored is the answer to an upload.
type Stored struct {
	ID string `json:"id"`
}

// GetReport names a report.
type GetReport struct {
	Year int `path:"year"`
}
