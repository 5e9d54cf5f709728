package bench

import (
	"cmp"
	"context"
	"net/http"
	"strconv"

	"github.com/crest-go/crest"
)

// ListPages asks for one page.
type ListPages struct {
	Cursor int `query:"cursor,omitzero"`
}

// ChangePage is one page of changes. Next is 0 on the last one.
type ChangePage struct {
	Data []Change `json:"data" validate:"dive"`
	Next int      `json:"next,omitempty"`
}

var (
	crestPage  = crest.Get[ListPages, ChangePage](changesPath)
	crestPages = crest.NewPager[Change](crestPage, crest.Paging{Items: "data", Cursor: "cursor", NextCursor: "next"})
)

const perPage = 10

// pages walks over all items of many pages.
func pages() Growth {
	return Growth{
		Name: "Pages", What: "pages of 10 items, in memory", N: Full.Pages,
		one: part{newCall: walk(byPager, 1)}, many: part{newCall: walk(byPager, 0)},
		Peer:     "a loop over the same endpoint by hand",
		peerLess: part{newCall: walk(byHand, 1)}, peerMore: part{newCall: walk(byHand, 0)},
	}
}

// walk goes over some pages, or over as many as the field has.
func walk(way func(context.Context, crest.Caller) (items int, err error), count int) maker {
	return func(f *Field) (func(context.Context) error, error) {
		count := cmp.Or(count, f.scale.Pages)
		c, err := f.client(newBook(count))
		return func(ctx context.Context) error {
			items, err := way(ctx, c)
			return outcome(err, items == count*perPage)
		}, err
	}
}

func byPager(ctx context.Context, c crest.Caller) (items int, err error) {
	for _, err := range crestPages.Items(ctx, c, ListPages{}) {
		if err != nil {
			return items, err
		}
		items++
	}
	return items, nil
}

func byHand(ctx context.Context, c crest.Caller) (items int, err error) {
	var in ListPages
	for {
		page, err := crestPage.Call(ctx, c, in)
		if err != nil {
			return items, err
		}
		for range page.Data {
			items++
		}
		if page.Next == 0 {
			return items, nil
		}
		in.Cursor = page.Next
	}
}

// book is a transport that answers with its pages.
type book []*answer

func newBook(count int) book {
	b := make(book, count)
	for i := range b {
		page := ChangePage{Data: wantChanges[:perPage]}
		if i < count-1 {
			page.Next = i + 1
		}
		b[i] = newAnswer(http.StatusOK, page)
	}
	return b
}

// RoundTrip implements [http.RoundTripper].
func (b book) RoundTrip(req *http.Request) (*http.Response, error) {
	n := 0
	if cursor := req.URL.Query().Get("cursor"); cursor != "" {
		var err error
		if n, err = strconv.Atoi(cursor); err != nil {
			return nil, err
		}
	}
	return b[n].reply(req), nil
}
