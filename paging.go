package crest

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"

	"github.com/crest-go/crest/internal/bind"
)

// Paging says where an API writes what its pages hold and where the next one is, by the names on the wire. Members of the
// response model are named by their json names with dots between them ("meta.next"), or by a header field's name.
//
// Exactly one of Link, NextURL, Cursor, Page and Offset is given. Each of them makes another kind of [Page.Next]:
//
//	crest.Paging{Items: "data", Link: "next"}                                       // Link: <https://…>; rel="next"
//	crest.Paging{Items: "data", NextURL: "links.next"}                              // a URL in the body
//	crest.Paging{Items: "data", Cursor: "cursor", NextCursor: "meta.next_cursor"}   // a cursor or token in the body
//	crest.Paging{Items: "data", Cursor: "starting_after", LastItem: "id", More: "has_more"}
//	crest.Paging{Items: "data", Page: "page", LastPage: "meta.pages"}
//	crest.Paging{Items: "data", Offset: "offset", Total: "total"}
type Paging struct {
	// Items is the member that lists a page's items. Empty: the response model is the list, or its field Body. A list that is missing
	// is an empty one, unless it has the rule required.
	Items string

	// Link is the relation type of the Link header (RFC 8288) that leads on, most often "next".
	Link string
	// NextURL is the member with the URL of the next page; absent or empty on the last one.
	NextURL string
	// Cursor is the request's parameter for a cursor. The next one is in NextCursor, or is the member LastItem of the last item.
	Cursor, NextCursor, LastItem string
	// Page is the request's parameter for the number of a page. A request without one begins with 1, or with 0 where
	// ZeroBased is set. A page without items ends the pages, and so does the number LastPage.
	Page      string
	ZeroBased bool
	// Offset is the request's parameter for the number of items before a page. A page without items ends the pages.
	Offset string

	// More is the member that says whether there is another page, a bool. Without it what leads on says so by being there.
	More string
	// Total is the member with the number of all items, which fills [Page.Total] and ends numbered pages in time.
	Total string
	// LastPage is the member with the number of pages, with Page.
	LastPage string

	// MaxPages is how many pages are fetched at most: 10 000. The next one is ErrResponse, KindPageLimit. NoBound takes any number.
	MaxPages int
	// MaxItems is how many items may have come before another page is asked for; 0 is no bound. That page is ErrResponse, KindPageLimit.
	MaxItems int
}

// defaultMaxPages is a walk's bound where Paging names none.
const defaultMaxPages = 10_000

// pagePlan is a Paging that was checked against its models.
type pagePlan struct {
	how                         Paging
	items, next                 *bind.Member
	more, total, lastPage, last *bind.Member
	param                       *bind.Param // of Cursor, Page or Offset
}

// compilePages checks how against the models of e, and reports all mistakes together.
func compilePages(e *endpoint, item reflect.Type, how Paging) (*pagePlan, []error) {
	c := pageCompiler{plan: &pagePlan{how: how}, model: e.result.t}
	c.plan.items = c.member("Items", how.Items)
	c.checkItems(item)
	c.way(e.request)
	c.plan.next = c.text("NextURL or NextCursor", cmp.Or(how.NextURL, how.NextCursor))
	c.plan.more = c.optional("More", how.More)
	c.plan.total = c.text("Total", how.Total)
	c.plan.lastPage = c.text("LastPage", how.LastPage)
	if m := c.plan.more; m != nil && m.Type().Kind() != reflect.Bool {
		c.mistake("More: the member %q is a %v, not a bool", how.More, m.Type())
	}
	if how.LastItem != "" {
		c.model = item
		c.plan.last = c.text("LastItem", how.LastItem)
	}
	if how.MaxItems < 0 || how.MaxPages < NoBound {
		c.mistake("MaxPages and MaxItems cannot be negative: leave them out for the default, or use NoBound for any number of pages")
	}
	return c.plan, c.mistakes
}

// pageCompiler resolves the names of a Paging.
type pageCompiler struct {
	plan     *pagePlan
	model    reflect.Type
	mistakes []error
}

func (c *pageCompiler) mistake(format string, args ...any) {
	c.mistakes = append(c.mistakes, fmt.Errorf("Paging."+format, args...))
}

func (c *pageCompiler) member(field, path string) *bind.Member {
	m, err := bind.MemberOf(c.model, path)
	if err != nil {
		c.mistake("%s: %w", field, err)
	}
	return m
}

// optional is nil where nothing is named.
func (c *pageCompiler) optional(field, path string) *bind.Member {
	if path == "" {
		return nil
	}
	return c.member(field, path)
}

func (c *pageCompiler) text(field, path string) *bind.Member {
	m := c.optional(field, path)
	if m == nil {
		return nil
	}
	if err := m.CheckText(); err != nil {
		c.mistake("%s: %w", field, err)
	}
	return m
}

func (c *pageCompiler) checkItems(item reflect.Type) {
	if c.plan.items == nil {
		return
	}
	switch t := c.plan.items.Type(); {
	case t.Kind() != reflect.Slice:
		c.mistake("Items: %s is a %v, not a list: name the member that is one", cmp.Or(c.plan.how.Items, "the response model"), t)
	case t.Elem() != item:
		c.mistake("Items: the items are of type %v, not %v: declare the Pager with NewPager[%v]", t.Elem(), item, t.Elem())
	}
}

// way checks what leads from page to page.
func (c *pageCompiler) way(request *bind.Request) {
	how := &c.plan.how
	ways := 0
	for _, name := range [...]string{how.Link, how.NextURL, how.Cursor, how.Page, how.Offset} {
		if name != "" {
			ways++
		}
	}
	if ways != 1 {
		c.mistake("Link, NextURL, Cursor, Page, Offset: give exactly one of them, not %d", ways)
		return
	}
	if (how.Cursor != "") != (how.NextCursor != "" || how.LastItem != "") || how.NextCursor != "" && how.LastItem != "" {
		c.mistake("Cursor goes with exactly one of NextCursor and LastItem, which go with nothing else")
	}
	if how.Page == "" && (how.LastPage != "" || how.ZeroBased) {
		c.mistake("LastPage and ZeroBased go with Page alone")
	}
	if name := cmp.Or(how.Cursor, how.Page, how.Offset); name != "" {
		c.param(request, name)
	}
}

func (c *pageCompiler) param(request *bind.Request, name string) {
	p, err := request.Param(name)
	switch {
	case err != nil:
		c.mistakes = append(c.mistakes, err)
	case c.plan.how.Cursor == "" && !p.Number():
		c.mistake("Page, Offset: the parameter %q is no integer", name)
	default:
		c.plan.param = p
	}
}

var errNoPager = errors.New("the Pager is nil or zero: declare it with crest.NewPager")
