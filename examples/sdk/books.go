package bookshop

import (
	"context"

	"github.com/crest-go/crest"
)

// The endpoints of a single book. A mistake in a declaration stops the program at start and says how to mend it.
var (
	getBook    = crest.Get[bookRequest, Book]("/books/{isbn}", mayBeMissing)
	createBook = crest.Post[NewBook, Book]("/books", crest.WithSuccess(201), mayBeInvalid,
		crest.WithIdempotencyKey(crest.IdempotencyKey{})) // so that it is tried again as a GET is
	updateBook = crest.Patch[updateRequest, Book]("/books/{isbn}", mayBeMissing, mayBeChanged, mayBeInvalid)
	deleteBook = crest.Delete[bookRequest, crest.Empty]("/books/{isbn}", mayBeMissing)
)

// Book is a book that the shop has.
type Book struct {
	ISBN   string   `json:"isbn" validate:"required"` // 13 digits
	Title  string   `json:"title"`
	Author string   `json:"author"`
	Genres []string `json:"genres"`
	Price  int64    `json:"price"` // in cents
	// ETag is the version, for [Client.UpdateBook]. The books of a list have none: a header belongs to the answer as a whole, and "-" keeps the field
	// out of their JSON.
	ETag string `json:"-" header:"ETag"`
}

// NewBook is a book that the shop is to have.
type NewBook struct {
	ISBN   string   `json:"isbn" validate:"required,isbn13"`
	Title  string   `json:"title" validate:"required,max=200"`
	Author string   `json:"author" validate:"required"`
	Genres []string `json:"genres,omitempty"`
	Price  int64    `json:"price" validate:"gt=0"` // in cents
}

// BookChange says what of a book changes. Fields that are unset, as in a zero BookChange, stay as they are.
type BookChange struct {
	Title  crest.Opt[string]   `json:"title"`
	Author crest.Opt[string]   `json:"author"`
	Genres crest.Opt[[]string] `json:"genres"` // null for none
	Price  crest.Opt[int64]    `json:"price"`  // in cents
}

type bookRequest struct {
	ISBN string `path:"isbn" validate:"required"`
}

type updateRequest struct {
	bookRequest
	ETag string `header:"If-Match" validate:"required"`
	BookChange
}

// Book returns the book with this ISBN, or a [*NotFound].
func (c *Client) Book(ctx context.Context, isbn string) (Book, error) {
	return getBook.Call(ctx, c, bookRequest{isbn})
}

// CreateBook puts a book into the shop and returns it as the shop has it. A book that the shop does not want is an [*Invalid]; one that breaks
// the rules of NewBook is not sent. However often the connection is lost, the book is created once.
func (c *Client) CreateBook(ctx context.Context, book NewBook) (Book, error) {
	return createBook.Call(ctx, c, book)
}

// UpdateBook changes the book, provided that it still is the version that was read, and returns the new one. Otherwise it is
// a [*Changed], or a [*NotFound].
func (c *Client) UpdateBook(ctx context.Context, read Book, change BookChange) (Book, error) {
	return updateBook.Call(ctx, c, updateRequest{bookRequest{read.ISBN}, read.ETag, change})
}

// DeleteBook takes a book out of the shop. It is a [*NotFound] if the shop has none, which is also the answer when a first attempt did it
// and its answer was lost: who wants the book gone may take that for a success.
func (c *Client) DeleteBook(ctx context.Context, isbn string) error {
	_, err := deleteBook.Call(ctx, c, bookRequest{isbn})
	return err
}
