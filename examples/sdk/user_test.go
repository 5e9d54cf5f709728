package bookshop_test

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	bookshop "github.com/crest-go/crest/examples/sdk"
)

// catalogue is what a user of the SDK writes: the methods that their code needs, in an interface of their own.
type catalogue interface {
	Book(ctx context.Context, isbn string) (bookshop.Book, error)
	Books(ctx context.Context, filter bookshop.Filter) iter.Seq2[bookshop.Book, error]
}

// The Client must stay usable through it.
var _ catalogue = (*bookshop.Client)(nil)

// price is their code.
func price(ctx context.Context, shop catalogue, isbn string) (int64, error) {
	book, err := shop.Book(ctx, isbn)
	return book.Price, err
}

// mocked stands in for the Client in their tests, which do without HTTP.
type mocked struct{ catalogue }

func (mocked) Book(_ context.Context, isbn string) (bookshop.Book, error) {
	if isbn == "" {
		return bookshop.Book{}, &bookshop.NotFound{Detail: "no book"}
	}
	return bookshop.Book{ISBN: isbn, Price: 1099}, nil
}

func TestUsersCanMockTheClient(t *testing.T) {
	got, err := price(t.Context(), mocked{}, "9780441013593")
	require.NoError(t, err)
	require.Equal(t, int64(1099), got)
	_, err = price(t.Context(), mocked{}, "")
	require.ErrorAs(t, err, new(*bookshop.NotFound))
}
