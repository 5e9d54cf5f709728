package crest

import (
	"context"
	"iter"
	"reflect"
	"slices"
)

// Pager is an endpoint that answers in pages, declared once as a package variable:
//
//	var listPets = crest.NewPager[Pet](
//		crest.Get[ListPetsRequest, PetList]("/pets"),
//		crest.Paging{Items: "data", Cursor: "cursor", NextCursor: "next_cursor"},
//	)
//
//	for pet, err := range listPets.Items(ctx, c, ListPetsRequest{Limit: 100}) { … }
//
// Each page is a call of the endpoint, with the same options, limits, retries and errors. Pages are fetched when the loop
// asks for them, and leaving the loop asks for no more. A Pager is immutable and safe for concurrent use; the zero value
// gives an error from each loop.
type Pager[Item, Req, Res any] struct {
	endpoint *Endpoint[Req, Res]
	plan     *pagePlan
}

// NewPager declares how the answers of an endpoint go on. Item is the element type of the list that [Paging].Items names; the
// other types are inferred. A mistake panics with a message that names all of them, as [NewEndpoint] does.
func NewPager[Item, Req, Res any](e *Endpoint[Req, Res], how Paging) *Pager[Item, Req, Res] {
	if e == nil || e.plain == nil {
		panic("crest: NewPager: " + errUndeclared.Error())
	}
	plan, mistakes := compilePages(e.plain, reflect.TypeFor[Item](), how)
	if len(mistakes) > 0 {
		panic(declarationError(e.plain.name, mistakes).Error())
	}
	return &Pager[Item, Req, Res]{e, plan}
}

// Page is one answer of a [Pager].
type Page[Item, Res any] struct {
	*Response[Res]        // the answer; Model is the response model
	Items          []Item // those of this page
	Number         int    // counts the pages of this loop from 1
	Count          int    // items of this loop, up to and with this page
	Total          int    // all items there are, as [Paging].Total says; -1 where it does not
	// Next says where the next page is, "" on the last one: with Link and NextURL its absolute URL, else the
	// parameter's value. To go on later, in another process if need be, begin with it: WithURL(next), or the
	// parameter's field in the request.
	Next string
}

// Pages sends req and yields the pages, each when the loop asks for it. The first error is yielded with a nil page and ends
// the loop: that of a call, or [ErrResponse] with
//
//   - [KindPageLoop] when a page leads to one that was there already,
//   - [KindPageLimit] when there are more pages or items than Paging allows,
//   - [KindPageLink] when the next page's link cannot be followed: it leaves the origin or the path of the
//     client's base URL, steps down to http, or is none. Nothing is sent there, least of all a credential.
//
// Later pages get the same options as the first. A link to the next page replaces the fields of req that go into path and
// query, and the query parameters of options that it names itself. Each loop begins anew.
func (p *Pager[Item, Req, Res]) Pages(ctx context.Context, c Caller, req Req, opts ...CallOption) iter.Seq2[*Page[Item, Res], error] {
	opts = slices.Clone(opts)
	return func(yield func(*Page[Item, Res], error) bool) {
		w := newPageWalk(p, ctx, c, req, opts)
		for !w.over {
			page, err := w.fetch()
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page, nil) {
				return
			}
		}
	}
}

// Items is [Pager.Pages] where the items alone are wanted. The first error is yielded with a zero Item and ends the loop.
func (p *Pager[Item, Req, Res]) Items(ctx context.Context, c Caller, req Req, opts ...CallOption) iter.Seq2[Item, error] {
	pages := p.Pages(ctx, c, req, opts...)
	return func(yield func(Item, error) bool) {
		for page, err := range pages {
			if err != nil {
				yield(*new(Item), err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// String names the endpoint.
func (p *Pager[Item, Req, Res]) String() string {
	if p == nil {
		return "undeclared endpoint"
	}
	return p.endpoint.String()
}

// Endpoint is the one whose answers are the pages: for a single page, or for a fake server of package cresttest.
func (p *Pager[Item, Req, Res]) Endpoint() *Endpoint[Req, Res] { return p.endpoint }
