package bookshop

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/crest-go/crest"
)

var watchChanges = crest.NewStream[changesRequest, changed](http.MethodGet, "/changes", crest.WithReconnect())

// What happened to a book.
const (
	Created ChangeKind = "created"
	Updated ChangeKind = "updated"
	Deleted ChangeKind = "deleted"
)

// ChangeKind is one of them, or one that is newer than this SDK.
type ChangeKind string

// Change is something that happened in the shop.
type Change struct {
	ID   string // where to go on: see [Client.Changes]
	Kind ChangeKind
	ISBN string
	At   time.Time
}

// FirstChange is the place before the first change that the shop remembers.
const FirstChange = "0"

type changesRequest struct {
	After string `header:"Last-Event-ID,omitzero"`
}

type changed struct {
	ISBN string    `json:"isbn" validate:"required"`
	At   time.Time `json:"at"`
}

// Changes tells what happens in the shop, as it happens, and does not end by itself: break, or end ctx. After is the ID of the last change that
// is known already, [FirstChange] for all of them, "" for those from now on. A connection that is lost is mended without a gap.
// A pair is a change and a nil error, or a zero Change and an error, which is the last.
func (c *Client) Changes(ctx context.Context, after string) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		for e, err := range watchChanges.Events(ctx, c, changesRequest{after}) {
			change := Change{ID: e.ID, Kind: ChangeKind(e.Type), ISBN: e.Data.ISBN, At: e.Data.At}
			if !yield(change, err) {
				return
			}
		}
	}
}
