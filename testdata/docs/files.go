// Package docs declares what the blocks of code in docs/files.md take for granted.
package docs

import (
	"context"

	"github.com/crest-go/crest"
)

var (
	ctx    context.Context
	c      *crest.Client[*crest.Problem]
	err    error
	req    Upload
	upload = crest.Post[Upload, crest.Empty]("/albums/{album}/photos")
)

// GetReport names a report.
type GetReport struct {
	Year int `path:"year"`
}
