package cresttest_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
	"github.com/stretchr/testify/require"
)

type pageRequest struct {
	Cursor string `query:"cursor,omitzero"`
}

type petPage struct {
	Data []pet  `json:"data"`
	Next string `json:"next,omitzero"`
}

// A pager's pages are calls of its endpoint.
func TestPages(t *testing.T) {
	pages := crest.NewPager[pet](crest.Get[pageRequest, petPage]("/pets"), crest.Paging{Items: "data", Cursor: "cursor", NextCursor: "next"})
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	cresttest.Handle(srv, pages.Endpoint(), func(_ context.Context, req pageRequest) (petPage, error) {
		at, _ := strconv.Atoi(req.Cursor)
		page := petPage{Data: []pet{{ID: int64(at + 1)}}}
		if at < 2 {
			page.Next = strconv.Itoa(at + 1)
		}
		return page, nil
	})
	srv.Fail(1, cresttest.Fault{Delay: 1}, pages.Endpoint())
	var got []int64
	for p, err := range pages.Items(t.Context(), client(t, srv), pageRequest{}) {
		require.NoError(t, err)
		got = append(got, p.ID)
	}
	require.Equal(t, []int64{1, 2, 3}, got)
	calls := cresttest.Calls(srv, pages.Endpoint())
	require.Len(t, calls, 3)
	require.Equal(t, "2", calls[2].Req.Cursor)
}

// Links are headers, which a handler sets beside the model.
func TestPagesByLink(t *testing.T) {
	type request struct {
		Page int `query:"page,omitzero"`
	}
	pages := crest.NewPager[pet](crest.Get[request, []pet]("/pets"), crest.Paging{Link: "next"})
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	cresttest.Handle(srv, pages.Endpoint(), func(ctx context.Context, req request) ([]pet, error) {
		if req.Page < 2 {
			cresttest.ReplyOf(ctx).Header.Set("Link", fmt.Sprintf(`</v1/pets?page=%d>; rel="next"`, req.Page+1))
		}
		return []pet{{ID: int64(req.Page + 1)}}, nil
	})
	var got []int64
	for p, err := range pages.Items(t.Context(), client(t, srv), request{}) {
		require.NoError(t, err)
		got = append(got, p.ID)
	}
	require.Equal(t, []int64{1, 2, 3}, got)
}
