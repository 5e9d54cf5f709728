// Package docs declares what the blocks of code in docs/pages.md take for granted.
package docs

import (
	"context"

	"github.com/crest-go/crest"
)

// ListPetsRequest asks for a page.
type ListPetsRequest struct {
	Limit  int    `query:"limit,omitzero"`
	Cursor string `query:"cursor,omitzero"`
}

// PetList is a page.
type PetList struct {
	Data []Pet `json:"data"`
	Meta struct {
		NextCursor string `json:"next_cursor"`
	} `json:"meta"`
}

// Pet is an item.
type Pet struct {
	Name string `json:"name"`
}

var (
	ctx   context.Context
	c     *crest.Client[*crest.Problem]
	saved string
)
