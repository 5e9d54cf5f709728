package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/crest-go/crest"
	bookshop "github.com/crest-go/crest/examples/sdk"
)

// demo is what the steps work on.
type demo struct {
	out  io.Writer
	shop *bookshop.Client
}

const (
	dune    = "9780441013593"
	emma    = "9780141439587"
	ulysses = "9780141182803"
)

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, "   "+format+"\n", args...) }

func (d *demo) create(ctx context.Context) error {
	for _, b := range []bookshop.NewBook{
		{ISBN: dune, Title: "Dune", Author: "Frank Herbert", Genres: []string{"sf"}, Price: 1099},
		{ISBN: emma, Title: "Emma", Author: "Jane Austen", Genres: []string{"novel", "romance"}, Price: 899},
		{ISBN: ulysses, Title: "Ulysses", Author: "James Joyce", Genres: []string{"novel"}, Price: 1250},
	} {
		book, err := d.shop.CreateBook(ctx, b)
		if err != nil {
			return err
		}
		d.say("%s by %s, version %s", book.Title, book.Author, book.ETag)
	}
	return nil
}

func (d *demo) list(ctx context.Context) error {
	return d.walk(ctx, bookshop.Filter{PageSize: 1}, 3)
}

func (d *demo) search(ctx context.Context) error {
	return d.walk(ctx, bookshop.Filter{Genres: []string{"novel"}, MaxPrice: 1000}, 1)
}

func (d *demo) walk(ctx context.Context, filter bookshop.Filter, want int) error {
	books := 0
	for book, err := range d.shop.Books(ctx, filter) {
		if err != nil {
			return err
		}
		books++
		d.say("%s, %s, %d.%02d", book.ISBN, book.Title, book.Price/100, book.Price%100)
	}
	if books != want {
		return fmt.Errorf("%d books instead of %d", books, want)
	}
	return nil
}

func (d *demo) update(ctx context.Context) error {
	read, err := d.shop.Book(ctx, dune)
	if err != nil {
		return err
	}
	cheaper, err := d.shop.UpdateBook(ctx, read, bookshop.BookChange{Price: crest.Some[int64](999)})
	if err != nil {
		return err
	}
	d.say("the first: %s costs %d cents, version %s", cheaper.Title, cheaper.Price, cheaper.ETag)
	_, err = d.shop.UpdateBook(ctx, read, bookshop.BookChange{Price: crest.Some[int64](1199)})
	return expect[*bookshop.Changed](d, "the second", err)
}

func (d *demo) invalid(ctx context.Context) error {
	_, err := d.shop.CreateBook(ctx, bookshop.NewBook{ISBN: dune, Title: "Dune", Author: "Frank Herbert", Price: 500_000_00})
	return expect[*bookshop.Invalid](d, "the shop", err)
}

func (d *demo) missing(ctx context.Context) error {
	_, err := d.shop.Book(ctx, "9780306406157")
	return expect[*bookshop.NotFound](d, "the shop", err)
}

// expect wants err to be an E, and shows it.
func expect[E error](d *demo, who string, err error) error {
	if said, ok := errors.AsType[E](err); ok {
		d.say("%s: %T: %v", who, said, said)
		return nil
	}
	return fmt.Errorf("not a %T: %w", *new(E), err)
}

func (d *demo) cover(ctx context.Context) error {
	image := bytes.Repeat([]byte("not really an image "), 10_000)
	pieces := 0
	cover, err := d.shop.SetCover(ctx, dune, crest.File{ContentType: "image/png", Content: bytes.NewReader(image)},
		crest.WithProgress(func(p crest.Progress) {
			if p.Upload {
				pieces++
			}
		}))
	if err != nil {
		return err
	}
	d.say("%d bytes in %d pieces, SHA-256 %.12s…", cover.Size, pieces, cover.SHA256)
	var back bytes.Buffer
	if err := d.shop.Cover(ctx, dune, &back); err != nil {
		return err
	}
	if !bytes.Equal(image, back.Bytes()) {
		return errors.New("the cover that came back is another")
	}
	d.say("and down again, the same")
	return nil
}

func (d *demo) changes(ctx context.Context) error {
	for change, err := range d.shop.Changes(ctx, bookshop.FirstChange) {
		if err != nil {
			return err
		}
		d.say("%s: %s %s", change.ID, change.Kind, change.ISBN)
		if change.Kind == bookshop.Updated {
			return nil // the last one so far: the stream itself has no end
		}
	}
	return errors.New("the stream ended before the change was told")
}
