package recipes

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/mock/gomock"

	bookshop "github.com/crest-go/crest/examples/sdk"
)

// recipe: mock

//go:generate go run go.uber.org/mock/mockgen@v0.6.0 -typed -source=mock_test.go -destination=mock_catalogue_test.go -package=recipes

// Catalogue is what this program needs of the SDK. An interface belongs to who uses it: an SDK that exported one could add no method.
type Catalogue interface {
	Book(ctx context.Context, isbn string) (bookshop.Book, error)
	Books(ctx context.Context, filter bookshop.Filter) iter.Seq2[bookshop.Book, error]
}

var _ Catalogue = (*bookshop.Client)(nil)

// worth adds up what the books of a genre cost.
func worth(ctx context.Context, shop Catalogue, genre string) (sum int64, err error) {
	for book, err := range shop.Books(ctx, bookshop.Filter{Genres: []string{genre}}) {
		if err != nil {
			return 0, err
		}
		sum += book.Price
	}
	return sum, nil
}

// end of recipe

func TestMockOfAnSDK(t *testing.T) {
	// recipe: mock-use
	shop := NewMockCatalogue(gomock.NewController(t))
	shop.EXPECT().Books(gomock.Any(), bookshop.Filter{Genres: []string{"poetry"}}).Return(func(yield func(bookshop.Book, error) bool) {
		_ = yield(bookshop.Book{Price: 1099}, nil) && yield(bookshop.Book{Price: 901}, nil)
	})
	shop.EXPECT().Books(gomock.Any(), bookshop.Filter{Genres: []string{"none"}}).Return(func(yield func(bookshop.Book, error) bool) {
		yield(bookshop.Book{}, &bookshop.NotFound{Detail: "no such genre"})
	})
	// end of recipe
	sum, err := worth(t.Context(), shop, "poetry")
	require.NoError(t, err)
	require.EqualValues(t, 2000, sum)
	_, err = worth(t.Context(), shop, "none")
	require.ErrorAs(t, err, new(*bookshop.NotFound))
}
