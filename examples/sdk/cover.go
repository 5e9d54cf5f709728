package bookshop

import (
	"context"
	"io"

	"github.com/crest-go/crest"
)

var (
	setCover = crest.Put[setCoverRequest, Cover]("/books/{isbn}/cover", mayBeMissing,
		crest.WithTimeouts(crest.Timeouts{Total: UploadTimeout, Attempt: crest.NoTimeout}))
	getCover = crest.Get[bookRequest, io.ReadCloser]("/books/{isbn}/cover", mayBeMissing, crest.WithAccept("image/*"))
)

// Cover is what the shop says of a cover that it has got.
type Cover struct {
	Type   string `json:"type"` // "image/png"
	Size   int64  `json:"size"` // in bytes
	SHA256 string `json:"sha256" validate:"len=64,hexadecimal"`
}

type setCoverRequest struct {
	bookRequest
	Body crest.File
}

// SetCover gives a book its cover, an image, which is read as it is sent:
//
//	cover, err := crest.OpenFile("dune.png")
//	cover.ContentType = "image/png"
//	_, err = shop.SetCover(ctx, isbn, cover, crest.WithProgress(bar))
//
// Options of the call are for progress and for more time than [UploadTimeout]. It is a [*NotFound] if the shop has no such book.
func (c *Client) SetCover(ctx context.Context, isbn string, image crest.File, opts ...crest.CallOption) (Cover, error) {
	return setCover.Call(ctx, c, setCoverRequest{bookRequest{isbn}, image}, opts...)
}

// Cover writes the cover of a book to w. A connection that is lost is mended, and the cover goes on where it broke off. It is a [*NotFound]
// if there is none; nothing was written then.
func (c *Client) Cover(ctx context.Context, isbn string, w io.Writer) error {
	_, err := crest.Download(ctx, c, getCover, bookRequest{isbn}, w)
	return err
}
