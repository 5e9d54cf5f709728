package bookshop

import (
	"context"
	"iter"

	"github.com/crest-go/crest"
)

var listBooks = crest.NewPager[Book](crest.Get[listRequest, BookPage]("/books"),
	crest.Paging{Items: "books", Cursor: "after", NextCursor: "next"})

// Filter says which books are wanted. The zero Filter is all of them.
type Filter struct {
	Query    string   `query:"q,omitzero"`         // in title or author, whatever the case
	Genres   []string `query:"genre"`              // one of them is enough
	MaxPrice int64    `query:"max_price,omitzero"` // in cents
	PageSize int      `query:"limit,omitzero" validate:"gte=0,lte=100"`
}

type listRequest struct {
	Filter
	After string `query:"after,omitzero"`
}

// BookPage is a part of a list.
type BookPage struct {
	Books []Book `json:"books"`
	Next  string `json:"next"` // for [Client.BookPage]; "" on the last page
}

// Books walks the books that the filter names, in the order of their ISBNs:
//
//	for book, err := range shop.Books(ctx, bookshop.Filter{Query: "dune"}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(book.Title)
//	}
//
// Pages are fetched as the loop goes on, and leaving it fetches no more. A pair is a book and a nil error, or a zero Book and an error,
// which is the last.
func (c *Client) Books(ctx context.Context, filter Filter) iter.Seq2[Book, error] {
	return listBooks.Items(ctx, c, listRequest{Filter: filter})
}

// BookPage returns one page, for who shows one at a time: the first for an empty after, then that of the page before's Next. Most callers
// want [Client.Books].
func (c *Client) BookPage(ctx context.Context, filter Filter, after string) (BookPage, error) {
	return listBooks.Endpoint().Call(ctx, c, listRequest{filter, after})
}
