package crest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// linkedPages answers each request with one item and the next of these links; the last answer has none.
func linkedPages(t *testing.T, links ...string) (base string, requests *[]string) {
	t.Helper()
	requests = new([]string)
	base = serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := len(*requests)
		*requests = append(*requests, r.URL.RequestURI())
		link, header := "", []string{}
		if n < len(links) {
			link = links[n]
			header = append(header, "Link", "<"+link+`>; rel="next"`)
		}
		replyJSON(200, fmt.Sprintf(`{"data":[{"id":%d}],"meta":{"url":%q,"next":%q}}`, n, link, link), header...)(w, r)
	})
	return base, requests
}

// R17: a link that leaves the origin or the base's path is never followed, whether it stands in the Link header or in the body. What
// the page itself holds arrives all the same.
func TestR17NextPageStaysHome(t *testing.T) {
	for _, how := range []crest.Paging{{Items: "data", Link: "next"}, {Items: "data", NextURL: "meta.url"}} {
		for name, tt := range map[string]struct {
			link string
			kind crest.Kind
			text string
		}{
			"other host":    {"http://evil.example/v1/items", crest.KindPageLink, "another origin"},
			"no scheme":     {"//evil.example/v1/items", crest.KindPageLink, "another origin"},
			"other port":    {"http://127.0.0.1:1/v1/items", crest.KindPageLink, "another origin"},
			"https":         {"https://127.0.0.1/v1/items", crest.KindPageLink, "another origin"},
			"userinfo":      {"http://u:p@evil.example/", crest.KindPageLink, ""},
			"userinfo, own": {"//u:s3cr3t@HOST/v1/items", crest.KindPageLink, ""},
			"at":            {"http://HOST@evil.example/v1/", crest.KindPageLink, ""},
			"javascript":    {"javascript:alert(1)", crest.KindPageLink, ""},
			"file":          {"file:///etc/passwd", crest.KindPageLink, ""},
			"no URL":        {"http://[::1", crest.KindPageLink, ""},
			"backslash":     {`/\evil.example`, crest.KindPageLink, ""},
			"other path":    {"/v2/items", crest.KindPageLink, `the path "/v1"`},
			"longer prefix": {"/v10/items", crest.KindPageLink, `the path "/v1"`},
			"upwards":       {"/v1/../admin", crest.KindPageLink, `the path "/v1"`},
			"upwards, %2e":  {"/v1/%2e%2e/admin", crest.KindPageLink, `the path "/v1"`},
			"upwards, ;":    {"/v1/..;x=1/admin", crest.KindPageLink, `the path "/v1"`},
			"upwards, %5c":  {"/v1/..%5cadmin", crest.KindPageLink, `the path "/v1"`},
			"upwards, both": {`/v1/a\..\..\admin`, crest.KindPageLink, `the path "/v1"`},
			"long":          {"/v1/items?x=" + strings.Repeat("a/../", 1<<18), crest.KindTooLarge, ""},
		} {
			t.Run(name+how.Link, func(t *testing.T) {
				var link string
				n := 0
				base := serve(t, func(w http.ResponseWriter, r *http.Request) {
					n++
					var header []string
					if how.Link != "" {
						header = []string{"Link", "<" + link + `>; rel="next"`}
					}
					replyJSON(200, fmt.Sprintf(`{"data":[{"id":1}],"meta":{"url":%q}}`, link), header...)(w, r)
				})
				link = strings.Replace(tt.link, "HOST", strings.TrimPrefix(base, "http://"), 1)
				if len(link) > 200<<10 && how.Link != "" {
					link = link[:100<<10] // net/http bounds all headers together
				}
				c := newClient(t, base+"/v1", crest.WithBearer(crest.NewSecret("tok")))
				ids, err := collect(t, t.Context(), c, pagerOf(how), pageRequest{})
				failed := callError(t, err)
				require.Equal(t, crest.ErrResponse, failed.Step)
				require.Equal(t, tt.kind, failed.Kind, "%v", err)
				require.Contains(t, err.Error(), tt.text)
				require.NotContains(t, err.Error(), "s3cr3t")
				require.Less(t, len(err.Error()), 1000)
				require.Equal(t, []int{1}, ids)
				require.Equal(t, 1, n)
			})
		}
	}
}

// A call that WithURL sends to another origin goes on there, bare, and nowhere else.
func TestPagerElsewhere(t *testing.T) {
	var authorized []string
	elsewhere := serve(t, func(w http.ResponseWriter, r *http.Request) {
		authorized = append(authorized, r.Header.Get("Authorization"))
		var link []string
		if r.URL.Query().Get("n") != "2" {
			link = []string{"Link", `</shared?n=2>; rel="next"`}
		}
		replyJSON(200, `{"data":[{"id":1}]}`, link...)(w, r)
	})
	home := serve(t, replyJSON(200, `{"data":[]}`))
	c := newClient(t, home+"/v1", crest.WithBearer(crest.NewSecret("tok")))
	ids, err := collect(t, t.Context(), c, pagerOf(crest.Paging{Items: "data", Link: "next"}), pageRequest{}, crest.WithURL(elsewhere+"/shared?n=1"))
	require.NoError(t, err)
	require.Equal(t, []int{1, 1}, ids)
	require.Equal(t, []string{"", ""}, authorized)
}

// R17: what was there already ends the walk, however long the circle is.
func TestR17PagesThatRepeat(t *testing.T) {
	for name, links := range map[string][]string{
		"itself":             {"/items"},
		"two":                {"/items?a", "/items?b", "/items?a"},
		"back to the first":  {"/items?a", "/items"},
		"another spelling":   {"/items?a", "//HOST/items?a"},
		"cursor that stands": {"same", "same", "same"},
	} {
		t.Run(name, func(t *testing.T) {
			how := crest.Paging{Items: "data", NextURL: "meta.url"}
			if name == "cursor that stands" {
				how = crest.Paging{Items: "data", Cursor: "cursor", NextCursor: "meta.next"}
			}
			base, requests := linkedPages(t, links...)
			for i := range links {
				links[i] = strings.Replace(links[i], "HOST", strings.TrimPrefix(base, "http://"), 1)
			}
			ids, err := collect(t, t.Context(), newClient(t, base), pagerOf(how), pageRequest{})
			require.ErrorIs(t, err, crest.ErrResponse)
			require.ErrorIs(t, err, crest.KindPageLoop)
			require.Len(t, ids, len(*requests))
			require.LessOrEqual(t, len(*requests), len(links))
		})
	}
}

// R17: pages and items are bounded: exactly the bound is fine, and what was fetched arrives.
func TestR17PageLimits(t *testing.T) {
	endless := func(t *testing.T, n int) (*crest.Client[*failure], *int) {
		pages := new(int)
		base := serve(t, func(w http.ResponseWriter, r *http.Request) {
			*pages++
			more := ""
			if *pages < n {
				more = strconv.Itoa(*pages)
			}
			replyJSON(200, fmt.Sprintf(`{"data":[{"id":1},{"id":2}],"meta":{"next":%q}}`, more))(w, r)
		})
		return newClient(t, base), pages
	}
	for name, tt := range map[string]struct {
		maxPages, maxItems, pages int
		fetched                   int
		fails                     bool
	}{
		"pages, exactly":  {3, 0, 3, 3, false},
		"pages, one more": {3, 0, 4, 3, true},
		"items, exactly":  {0, 6, 3, 3, false},
		"items, one more": {0, 6, 4, 3, true},
		"items, odd":      {0, 5, 4, 3, true},
		"default":         {0, 0, 10_001, 10_000, true},
		"none":            {crest.NoBound, 0, 10_001, 10_001, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, pages := endless(t, tt.pages)
			how := crest.Paging{Items: "data", Cursor: "cursor", NextCursor: "meta.next", MaxPages: tt.maxPages, MaxItems: tt.maxItems}
			ids, err := collect(t, t.Context(), c, pagerOf(how), pageRequest{})
			require.Equal(t, tt.fails, err != nil)
			if tt.fails {
				require.ErrorIs(t, err, crest.KindPageLimit)
			}
			require.Equal(t, tt.fetched, *pages)
			require.Len(t, ids, 2*tt.fetched)
		})
	}
}

// Answers that contradict themselves are errors, and never an end that looks like one.
func TestPagerOddAnswers(t *testing.T) {
	cursor := crest.Paging{Items: "data", Cursor: "cursor", NextCursor: "meta.next", More: "meta.more", Total: "meta.total"}
	for name, tt := range map[string]struct {
		how  crest.Paging
		body string
		ids  int
		kind crest.Kind
	}{
		"more, and not where":       {cursor, `{"data":[{"id":1}],"meta":{"more":true}}`, 1, crest.KindPageLink},
		"no more, and a cursor":     {cursor, `{"data":[{"id":1}],"meta":{"next":"x","more":false}}`, 1, ""},
		"no list":                   {cursor, `{"meta":{"more":false}}`, 0, ""},
		"list is null":              {cursor, `{"data":null,"meta":null}`, 0, ""},
		"negative total":            {cursor, `{"data":[{"id":1}],"meta":{"total":-1}}`, 0, crest.KindDecode},
		"last item has no position": {crest.Paging{Items: "data", Cursor: "after", LastItem: "id", More: "meta.more"}, `{"data":[],"meta":{"more":true}}`, 0, crest.KindPageLink},
		"negative last page":        {crest.Paging{Items: "data", Page: "page", LastPage: "meta.pages"}, `{"data":[{"id":1}],"meta":{"pages":-3}}`, 0, crest.KindDecode},
		"cursor for a number": {
			crest.Paging{Items: "data", Cursor: "after", NextCursor: "meta.next"}, `{"data":[{"id":1}],"meta":{"next":"x"}}`, 1, crest.KindPageLink,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, serve(t, replyJSON(200, tt.body)))
			ids, err := collect(t, t.Context(), c, pagerOf(tt.how), pageRequest{})
			require.Len(t, ids, tt.ids)
			if tt.kind == "" {
				require.NoError(t, err)
				return
			}
			failed := callError(t, err)
			require.Equal(t, crest.ErrResponse, failed.Step)
			require.Equal(t, tt.kind, failed.Kind, "%v", err)
			require.Equal(t, "GET /items", failed.Endpoint)
			require.Equal(t, crest.SentYes, failed.Sent)
		})
	}
}

// A page's counters.
func TestPageCounters(t *testing.T) {
	s := servePages(t, 25, 10)
	var got []string
	for page, err := range pagerOf(crest.Paging{Items: "data", Offset: "offset", Total: "meta.total"}).Pages(t.Context(), newClient(t, s.base), pageRequest{Offset: 3}) {
		require.NoError(t, err)
		require.Equal(t, 200, page.StatusCode)
		require.Equal(t, page.Model.Data, page.Items)
		got = append(got, fmt.Sprintf("%d %d %d %d %s", page.Number, len(page.Items), page.Count, page.Total, page.Next))
	}
	require.Equal(t, []string{"1 10 10 25 13", "2 10 20 25 23", "3 2 22 25 "}, got)
}

// Numbers that begin with 0, lists that are the whole body, and a Body beside header fields.
func TestPagerShapes(t *testing.T) {
	var asked []string
	pages := []string{`[{"id":1}]`, `[{"id":2}]`, `[]`}
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RawQuery)
		n, _ := strconv.Atoi(r.URL.Query().Get("page"))
		w.Header().Set("X-Total", "2")
		replyJSON(200, pages[n])(w, r)
	})
	c := newClient(t, base)
	bare := crest.NewPager[pageItem](crest.Get[pageRequest, []pageItem]("/items"), crest.Paging{Page: "page", ZeroBased: true})
	n := 0
	for item, err := range bare.Items(t.Context(), c, pageRequest{}) {
		require.NoError(t, err)
		n += item.ID
	}
	require.Equal(t, 3, n)
	require.Equal(t, []string{"", "page=1", "page=2"}, asked)

	asked = nil
	type list struct {
		Total int `header:"X-Total"`
		Body  []pageItem
	}
	located := crest.NewPager[pageItem](crest.Get[pageRequest, list]("/items"), crest.Paging{Page: "page", ZeroBased: true, Total: "x-total"})
	for page, err := range located.Pages(t.Context(), c, pageRequest{}) {
		require.NoError(t, err)
		require.Equal(t, 2, page.Total)
	}
	require.Equal(t, []string{"", "page=1"}, asked)
}

// A name may hold a dot itself.
func TestPagerNamesWithDots(t *testing.T) {
	type list struct {
		Value struct {
			Rows []pageItem `json:"rows.of.items"`
		} `json:"v.1"`
		Next string `json:"@odata.nextLink,omitzero"`
	}
	pages := []string{`{"v.1":{"rows.of.items":[{"id":1}]},"@odata.nextLink":"/items?2"}`, `{"v.1":{"rows.of.items":[{"id":2}]}}`}
	n := 0
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		replyJSON(200, pages[n-1])(w, r)
	})
	pager := crest.NewPager[pageItem](crest.Get[crest.Empty, list]("/items"), crest.Paging{Items: "v.1.rows.of.items", NextURL: "@odata.nextLink"})
	sum := 0
	for item, err := range pager.Items(t.Context(), newClient(t, base), crest.Empty{}) {
		require.NoError(t, err)
		sum += item.ID
	}
	require.Equal(t, 3, sum)
	require.Panics(t, func() {
		crest.NewPager[pageItem](crest.Get[crest.Empty, list]("/items"), crest.Paging{Items: "v.rows.of.items", Link: "next"})
	})
}

// FuzzR17NextLink: whatever a server says about its next page, the secret goes to no other origin, and a walk ends.
func FuzzR17NextLink(f *testing.F) {
	for _, link := range []string{
		"<https://a.example/v1/items?page=2>; rel=next", "<//b.example/v1/>; rel=next", `</v1/x>; anchor="/y"; rel="next prev"`, "<?x>; rel=next, <>; rel",
		`<https://a.example@b.example/>; rel="next"`, "<../v1/./..;/x>;rel=next", `<\\b.example>; rel="ne\xt"`, "<https://a.example:443/v1/é>;REL=NEXT",
	} {
		f.Add(link)
	}
	f.Fuzz(func(t *testing.T, link string) {
		asked := 0
		c, err := crest.New[*failure]("https://a.example/v1", crest.WithBearer(crest.NewSecret("s3cr3t")), crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
			asked++
			if req.URL.Scheme != "https" || req.URL.Host != "a.example" || !strings.HasPrefix(req.URL.EscapedPath(), "/v1") {
				t.Errorf("asked for %s", req.URL)
			}
			body, _ := json.Marshal(map[string]any{"data": []any{}, "meta": map[string]any{"url": link}})
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}, "Link": {link}}, Body: io.NopCloser(bytes.NewReader(body))}, nil
		})))
		require.NoError(t, err)
		for _, how := range []crest.Paging{{Items: "data", Link: "next", MaxPages: 5}, {Items: "data", NextURL: "meta.url", MaxPages: 5}} {
			for _, err := range pagerOf(how).Pages(t.Context(), c, pageRequest{}) {
				if err != nil && !errors.Is(err, crest.ErrResponse) {
					t.Errorf("a link ended the walk with %v", err)
				}
			}
		}
		if asked > 10 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// Mistakes in the declaration stop the program at start, all of them together.
func TestPagerMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		how  crest.Paging
		want []string
	}{
		"nothing":         {crest.Paging{Items: "data"}, []string{"give exactly one of them, not 0"}},
		"two":             {crest.Paging{Items: "data", Link: "next", Page: "page"}, []string{"give exactly one of them, not 2"}},
		"no member":       {crest.Paging{Items: "items", Link: "next"}, []string{`pageList has no member "items"`, "it has data, meta, X-Next-Mark"}},
		"no deep member":  {crest.Paging{Items: "data", NextURL: "meta.nxt"}, []string{`pageMeta has no member "nxt"`, "next, url"}},
		"no list":         {crest.Paging{Items: "meta", Link: "next"}, []string{"not a list"}},
		"no text":         {crest.Paging{Items: "data", NextURL: "meta"}, []string{"is no text and no number"}},
		"no parameter":    {crest.Paging{Items: "data", Cursor: "crsr", NextCursor: "meta.next"}, []string{`pageRequest has no field "crsr"`, "limit, cursor"}},
		"cursor alone":    {crest.Paging{Items: "data", Cursor: "cursor"}, []string{"exactly one of NextCursor and LastItem"}},
		"cursor and two":  {crest.Paging{Items: "data", Cursor: "cursor", NextCursor: "meta.next", LastItem: "id"}, []string{"exactly one of NextCursor and LastItem"}},
		"no number":       {crest.Paging{Items: "data", Page: "cursor"}, []string{`"cursor" is no integer`}},
		"More":            {crest.Paging{Items: "data", Link: "next", More: "meta.next"}, []string{"not a bool"}},
		"last page":       {crest.Paging{Items: "data", Link: "next", LastPage: "meta.pages"}, []string{"go with Page alone"}},
		"negative":        {crest.Paging{Items: "data", Link: "next", MaxPages: -2}, []string{"cannot be negative"}},
		"several at once": {crest.Paging{Items: "x", Link: "next", More: "y"}, []string{"2 mistakes", `"x"`, `"y"`}},
	} {
		t.Run(name, func(t *testing.T) {
			text := ""
			func() {
				defer func() { text, _ = recover().(string) }()
				pagerOf(tt.how)
			}()
			for _, want := range tt.want {
				require.Contains(t, text, want)
			}
		})
	}
	require.PanicsWithValue(t, "crest: GET /items: Paging.Items: the items are of type crest_test.pageItem, not int: declare the Pager with NewPager[crest_test.pageItem]", func() {
		crest.NewPager[int](crest.Get[pageRequest, pageList]("/items"), crest.Paging{Items: "data", Link: "next"})
	})
	require.Panics(t, func() { crest.NewPager[int, pageRequest, pageList](nil, crest.Paging{}) })
	var none *crest.Pager[pageItem, pageRequest, pageList]
	_, err := collect(t, t.Context(), nil, none, pageRequest{})
	require.ErrorIs(t, err, crest.ErrRequest)
	_, err = collect(t, t.Context(), nil, new(crest.Pager[pageItem, pageRequest, pageList]), pageRequest{})
	require.ErrorIs(t, err, crest.ErrRequest)
}
