package bookshop_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/crest-go/crest"
	bookshop "github.com/crest-go/crest/examples/sdk"
	"github.com/crest-go/crest/examples/sdk/internal/shop"
)

var ctx = context.Background()

// open is what the examples begin with: a program of yours has bookshop.New(token).
func open() (client *bookshop.Client, closeAll func()) {
	server := httptest.NewServer(shop.New("token", time.Now))
	client, err := bookshop.New("token", bookshop.WithBaseURL(server.URL+"/v1"))
	if err != nil {
		panic(err)
	}
	for _, b := range []bookshop.NewBook{
		{ISBN: "9780441013593", Title: "Dune", Author: "Frank Herbert", Genres: []string{"sf"}, Price: 1099},
		{ISBN: "9780141439587", Title: "Emma", Author: "Jane Austen", Genres: []string{"novel"}, Price: 899},
	} {
		if _, err := client.CreateBook(ctx, b); err != nil {
			panic(err)
		}
	}
	return client, func() { _ = client.Close(); server.Close() }
}

func Example() {
	shop, closeAll := open() // bookshop.New(os.Getenv("BOOKSHOP_TOKEN"))
	defer closeAll()

	book, err := shop.Book(ctx, "9780441013593")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(book.Title, "by", book.Author)
	// Output: Dune by Frank Herbert
}

func ExampleClient_Books() {
	shop, closeAll := open()
	defer closeAll()

	for book, err := range shop.Books(ctx, bookshop.Filter{MaxPrice: 1000}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(book.Title)
	}
	// Output: Emma
}

func ExampleClient_CreateBook() {
	shop, closeAll := open()
	defer closeAll()

	_, err := shop.CreateBook(ctx, bookshop.NewBook{ISBN: "9780441013593", Title: "Dune", Author: "Frank Herbert", Price: 1099})
	if invalid, ok := errors.AsType[*bookshop.Invalid](err); ok {
		for _, field := range invalid.Fields {
			fmt.Println(field.Name, field.Reason)
		}
	}

	_, err = shop.CreateBook(ctx, bookshop.NewBook{ISBN: "9780306406157"})
	fmt.Println(errors.Is(err, crest.ErrRequest), err)
	// Output:
	// isbn is in the shop already
	// true crest: POST /books: request: validation: Title fails required; Author fails required; Price fails gt=0
}

func ExampleClient_UpdateBook() {
	shop, closeAll := open()
	defer closeAll()

	book, err := shop.Book(ctx, "9780441013593")
	if err != nil {
		fmt.Println(err)
		return
	}
	cheaper, err := shop.UpdateBook(ctx, book, bookshop.BookChange{Price: crest.Some[int64](999)})
	fmt.Println(cheaper.Price, err)

	_, err = shop.UpdateBook(ctx, book, bookshop.BookChange{Title: crest.Some("Dune Messiah")})
	if _, ok := errors.AsType[*bookshop.Changed](err); ok {
		fmt.Println("somebody else was faster: read it again")
	}
	// Output:
	// 999 <nil>
	// somebody else was faster: read it again
}

func ExampleClient_SetCover() {
	shop, closeAll := open()
	defer closeAll()

	// crest.OpenFile makes one of a file's path.
	image := crest.File{ContentType: "image/png", Content: strings.NewReader("what a PNG has in it")}
	cover, err := shop.SetCover(ctx, "9780441013593", image, crest.WithProgress(func(p crest.Progress) {
		if p.Upload {
			fmt.Printf("%d of %d bytes\n", p.Done, p.Total)
		}
	}))
	fmt.Println(cover.Type, cover.Size, err)
	// Output:
	// 0 of 20 bytes
	// 20 of 20 bytes
	// image/png 20 <nil>
}

func ExampleClient_Changes() {
	shop, closeAll := open()
	defer closeAll()

	for change, err := range shop.Changes(ctx, bookshop.FirstChange) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(change.Kind, change.ISBN)
		if change.ID == "2" {
			break
		}
	}
	// Output:
	// created 9780441013593
	// created 9780141439587
}

func ExampleNotFound() {
	shop, closeAll := open()
	defer closeAll()

	_, err := shop.Book(ctx, "9780306406157")
	if missing, ok := errors.AsType[*bookshop.NotFound](err); ok {
		fmt.Println(missing.Detail)
	}
	// Output: no book 9780306406157
}
