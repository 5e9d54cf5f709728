package crest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type pageItem struct {
	ID int `json:"id"`
}

type pageRequest struct {
	Limit  int    `query:"limit,omitzero"`
	Cursor string `query:"cursor,omitzero"`
	After  *int   `query:"after,omitzero"`
	Page   int    `query:"page,omitzero"`
	Offset int    `query:"offset,omitzero"`
	Trace  string `header:"X-Trace,omitzero"`
}

type pageMeta struct {
	Next  string          `json:"next"`
	URL   *string         `json:"url"`
	Total crest.Opt[int]  `json:"total"`
	Pages int             `json:"pages"`
	More  bool            `json:"more"`
	Raw   json.RawMessage `json:"raw,omitempty"`
}

type pageList struct {
	Data []pageItem `json:"data"`
	Meta *pageMeta  `json:"meta"`
	Mark string     `header:"X-Next-Mark"`
}

// pageServer holds the items 0 to n-1 and answers in every style at once.
type pageServer struct {
	n, size  int
	base     string
	mu       sync.Mutex // guards what follows while loops run together
	requests []*url.URL
	headers  []http.Header
}

func (s *pageServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.URL)
	s.headers = append(s.headers, r.Header)
	s.mu.Unlock()
	q := r.URL.Query()
	size := s.size
	if n, _ := strconv.Atoi(q.Get("limit")); n > 0 {
		size = n
	}
	number := func(name string) int { n, _ := strconv.Atoi(q.Get(name)); return n }
	from := number("offset") + number("cursor")
	if q.Has("after") {
		from = number("after") + 1
	}
	if page := number("page"); page > 1 {
		from = (page - 1) * size
	}
	to := min(from+size, s.n)
	list := pageList{Data: []pageItem{}, Meta: &pageMeta{Pages: (s.n + size - 1) / size, More: to < s.n, Total: crest.Some(s.n)}}
	for id := from; id < to; id++ {
		list.Data = append(list.Data, pageItem{id})
	}
	if to < s.n {
		next := *r.URL
		values := next.Query()
		values.Set("cursor", strconv.Itoa(to))
		next.RawQuery = values.Encode()
		link := next.String()
		list.Meta.Next, list.Meta.URL = strconv.Itoa(to), &link
		w.Header().Set("Link", fmt.Sprintf("<%s>; rel=prev, <%s%s>; rel=\"next last\"", "/none", s.base, link))
		w.Header().Set("X-Next-Mark", list.Meta.Next)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"data": list.Data, "meta": list.Meta})
}

func servePages(t *testing.T, n, size int) *pageServer {
	t.Helper()
	s := &pageServer{n: n, size: size}
	s.base = serve(t, s.ServeHTTP)
	return s
}

// allWays are declarations of every kind for the same endpoint.
func allWays() map[string]crest.Paging {
	return map[string]crest.Paging{
		"Link":              {Items: "data", Link: "next"},
		"NextURL":           {Items: "data", NextURL: "meta.url"},
		"cursor":            {Items: "data", Cursor: "cursor", NextCursor: "meta.next"},
		"cursor and More":   {Items: "data", Cursor: "cursor", NextCursor: "meta.next", More: "meta.more"},
		"cursor in header":  {Items: "data", Cursor: "cursor", NextCursor: "X-Next-Mark"},
		"last item":         {Items: "data", Cursor: "after", LastItem: "id", More: "meta.more"},
		"last item, blank":  {Items: "data", Cursor: "after", LastItem: "id"},
		"number":            {Items: "data", Page: "page"},
		"number, last page": {Items: "data", Page: "page", LastPage: "meta.pages"},
		"number and total":  {Items: "data", Page: "page", Total: "meta.total"},
		"offset":            {Items: "data", Offset: "offset"},
		"offset and total":  {Items: "data", Offset: "offset", Total: "meta.total"},
	}
}

func pagerOf(how crest.Paging) *crest.Pager[pageItem, pageRequest, pageList] {
	return crest.NewPager[pageItem](crest.Get[pageRequest, pageList]("/items"), how)
}

func numbers(from, to int) []int {
	ids := []int{}
	for id := from; id < to; id++ {
		ids = append(ids, id)
	}
	return ids
}

// collect ranges over items.
func collect(t *testing.T, ctx context.Context, c crest.Caller, p *crest.Pager[pageItem, pageRequest, pageList], req pageRequest, opts ...crest.CallOption) ([]int, error) {
	t.Helper()
	ids := []int{}
	var failed error
	for item, err := range p.Items(ctx, c, req, opts...) {
		require.NoError(t, failed, "the sequence goes on after an error")
		if failed = err; err != nil {
			require.Zero(t, item)
			continue
		}
		ids = append(ids, item.ID)
	}
	return ids, failed
}

// Every way to say where the next page is gives all items in order, with no request too many where the end is said.
func TestPagerWays(t *testing.T) {
	blank := []string{"number", "offset", "last item, blank"} // their end is an empty page
	for name, how := range allWays() {
		for _, n := range []int{0, 1, 9, 10, 11, 30} {
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				s := servePages(t, n, 10)
				ids, err := collect(t, t.Context(), newClient(t, s.base), pagerOf(how), pageRequest{})
				require.NoError(t, err)
				require.Equal(t, numbers(0, n), ids)
				want := max((n+9)/10, 1)
				if slices.Contains(blank, name) && n > 0 {
					want++
				}
				require.Len(t, s.requests, want)
			})
		}
	}
}

// A walk that begins in the middle, by what an earlier one left as Next, gives the rest.
func TestPagerGoesOnLater(t *testing.T) {
	for name, how := range allWays() {
		t.Run(name, func(t *testing.T) {
			s := servePages(t, 25, 10)
			c, pager := newClient(t, s.base), pagerOf(how)
			var next string
			for page, err := range pager.Pages(t.Context(), c, pageRequest{}) {
				require.NoError(t, err)
				require.Equal(t, 1, page.Number)
				require.Equal(t, 10, page.Count)
				next = page.Next
				break
			}
			require.Len(t, s.requests, 1, "leaving the loop asks for no more")
			req, opts := pageRequest{}, []crest.CallOption{}
			at, _ := strconv.Atoi(next)
			switch {
			case how.Link != "" || how.NextURL != "":
				opts = append(opts, crest.WithURL(next))
			case how.Cursor == "cursor":
				req.Cursor = next
			case how.Cursor == "after":
				req.After = &at
			case how.Page != "":
				req.Page = at
			default:
				req.Offset = at
			}
			ids, err := collect(t, t.Context(), c, pager, req, opts...)
			require.NoError(t, err)
			require.Equal(t, numbers(10, 25), ids)
		})
	}
}

// R53: later pages keep headers, options and credentials of the call; fields of the model in path and query come from the link.
func TestR53LaterPagesKeepTheCall(t *testing.T) {
	for name, how := range allWays() {
		t.Run(name, func(t *testing.T) {
			s := servePages(t, 30, 10)
			c := newClient(t, s.base, crest.WithBearer(crest.NewSecret("tok")), crest.WithQuery("version", "2"))
			ids, err := collect(t, t.Context(), c, pagerOf(how), pageRequest{Limit: 15, Trace: "abc"}, crest.WithHeader("X-Call", "yes"), crest.WithQuery("k", "a b"))
			require.NoError(t, err)
			require.Equal(t, numbers(0, 30), ids)
			for i, h := range s.headers {
				require.Equal(t, "Bearer tok", h.Get("Authorization"))
				require.Equal(t, "abc", h.Get("X-Trace"))
				require.Equal(t, "yes", h.Get("X-Call"))
				q := s.requests[i].Query()
				require.Equal(t, []string{"15"}, q["limit"], "once")
				require.Equal(t, []string{"2"}, q["version"])
				require.Equal(t, []string{"a b"}, q["k"])
			}
		})
	}
}

// A link that leaves out what an option adds gets it; what the model said is the link's to repeat.
func TestPagerLinkIsTheQuestion(t *testing.T) {
	var queries []string
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		if len(queries) == 1 {
			w.Header().Set("Link", `</items?next=2>; rel="next"`)
		}
		replyJSON(200, `{"data":[{"id":1}]}`)(w, r)
	})
	c := newClient(t, base, crest.WithQuery("version", "2"), crest.WithDefaults(struct {
		Region string `query:"region"`
	}{"eu"}))
	_, err := collect(t, t.Context(), c, pagerOf(crest.Paging{Items: "data", Link: "next"}), pageRequest{Limit: 3})
	require.NoError(t, err)
	require.Equal(t, []string{"limit=3&region=eu&version=2", "next=2&region=eu&version=2"}, queries)
}

// R56: the first error is given once and ends the sequence; a new loop begins anew.
func TestR56PagesEndWithTheirError(t *testing.T) {
	s := &pageServer{n: 30, size: 10}
	fails := true
	s.base = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if len(s.requests) == 1 && fails {
			fails = false
			replyJSON(503, `{"message":"later"}`)(w, r)
			return
		}
		s.ServeHTTP(w, r)
	})
	c, pager := newClient(t, s.base), pagerOf(crest.Paging{Items: "data", Link: "next"})
	all := pager.Items(t.Context(), c, pageRequest{})
	var failed error
	ids := 0
	for _, err := range all {
		require.NoError(t, failed)
		if failed = err; err == nil {
			ids++
		}
	}
	require.ErrorIs(t, failed, crest.Status(503))
	require.Equal(t, 10, ids)
	ids = 0
	for _, err := range all {
		require.NoError(t, err)
		ids++
	}
	require.Equal(t, 30, ids)
}

// The caller's model is never changed, be it a pointer or the any of NewEndpointOf.
func TestPagerLeavesTheModelAlone(t *testing.T) {
	s := servePages(t, 25, 10)
	c := newClient(t, s.base)
	pager := crest.NewPager[pageItem](crest.Get[*pageRequest, *pageList]("/items"), crest.Paging{Items: "data", Cursor: "cursor", NextCursor: "meta.next"})
	req := &pageRequest{}
	n := 0
	for _, err := range pager.Items(t.Context(), c, req) {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, 25, n)
	require.Equal(t, pageRequest{}, *req)

	var failed error
	for _, failed = range pager.Items(t.Context(), c, nil) {
	}
	require.ErrorIs(t, failed, crest.ErrRequest)

	dynamic, err := crest.NewEndpointOf("GET", "/items", reflect.TypeFor[pageRequest](), reflect.TypeFor[pageList]())
	require.NoError(t, err)
	pages := crest.NewPager[pageItem](dynamic, crest.Paging{Items: "data", Cursor: "cursor", NextCursor: "meta.next"})
	own := pageRequest{Limit: 20}
	for _, req := range []any{own, &own} {
		n = 0
		for _, err := range pages.Items(t.Context(), c, req) {
			require.NoError(t, err)
			n++
		}
		require.Equal(t, 25, n)
		require.Equal(t, pageRequest{Limit: 20}, own)
	}
}

// Loops over one sequence may run at the same time, whatever room its options have left in memory.
func TestPagerLoopsTogether(t *testing.T) {
	s := servePages(t, 100, 10)
	var opts []crest.CallOption
	for i := range 17 { // a copy of 17 has room for 18
		opts = append(opts, crest.WithHeader(fmt.Sprintf("X-Field-%d", i), "x"))
	}
	items := pagerOf(crest.Paging{Items: "data", Link: "next"}).Items(t.Context(), newClient(t, s.base), pageRequest{}, opts...)
	var loops sync.WaitGroup
	for range 4 {
		loops.Go(func() {
			n := 0
			for _, err := range items {
				if assert.NoError(t, err) {
					n++
				}
			}
			assert.Equal(t, 100, n)
		})
	}
	loops.Wait()
}

// A context that ends between pages: no page is asked for afterwards.
func TestPagerCancelled(t *testing.T) {
	s := servePages(t, 100, 10)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	cause := errors.New("enough")
	c, n := newClient(t, s.base), 0
	var failed error
	for _, err := range pagerOf(crest.Paging{Items: "data", Link: "next"}).Pages(ctx, c, pageRequest{}) {
		if failed = err; err == nil {
			n++
			cancel(cause)
		}
	}
	require.Equal(t, 1, n)
	require.ErrorIs(t, failed, context.Canceled)
	require.ErrorIs(t, failed, cause)
	require.Len(t, s.requests, 1)
}

// A list that is missing is an empty one, unless it is required.
func TestPagerListThatIsMissing(t *testing.T) {
	type optional struct {
		Data []pageItem `json:"data"`
	}
	type required struct {
		Data []pageItem `json:"data" validate:"required"`
	}
	for body, missing := range map[string]bool{`{"data":[]}`: false, `{}`: true, `{"data":null}`: true, `{"items":[]}`: true} {
		c := newClient(t, "https://api.example.com", crest.WithTransport(fixed(200, body, "Content-Type", "application/json")))
		paging := crest.Paging{Items: "data", Link: "next"}
		_, err := all(crest.NewPager[pageItem](crest.Get[crest.Empty, optional]("/items"), paging).Items(t.Context(), c, crest.Empty{}))
		require.NoError(t, err, body)
		_, err = all(crest.NewPager[pageItem](crest.Get[crest.Empty, required]("/items"), paging).Items(t.Context(), c, crest.Empty{}))
		require.Equal(t, missing, errors.Is(err, crest.KindValidation), body)
	}
}
