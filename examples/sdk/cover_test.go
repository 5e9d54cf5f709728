package bookshop

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
)

const sum = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"

func TestSetCover(t *testing.T) {
	srv, c := faked(t)
	var sent string
	cresttest.Handle(srv, setCover, func(_ context.Context, req setCoverRequest) (Cover, error) {
		content, err := io.ReadAll(req.Body.Content)
		sent = string(content)
		return Cover{Type: req.Body.ContentType, Size: int64(len(content)), SHA256: sum}, err
	})
	// The first attempt is lost after the whole image was sent: it is sent again from its beginning.
	srv.Fail(1, cresttest.Fault{Cut: true}, setCover)
	var attempts []int
	got, err := c.SetCover(t.Context(), dune.ISBN, crest.File{ContentType: "image/png", Content: strings.NewReader("image")},
		crest.WithProgress(func(p crest.Progress) {
			if p.Upload && p.Done == p.Total {
				attempts = append(attempts, p.Attempt)
			}
		}))
	require.NoError(t, err)
	require.Equal(t, Cover{Type: "image/png", Size: 5, SHA256: sum}, got)
	require.Equal(t, "image", sent)
	require.Equal(t, []int{1, 2}, attempts)
}

func TestCoverGoesOnWhereItBrokeOff(t *testing.T) {
	srv, c := faked(t)
	const image = "a very small image"
	cresttest.Handle(srv, getCover, func(ctx context.Context, _ bookRequest) (io.ReadCloser, error) {
		reply := cresttest.ReplyOf(ctx)
		reply.Header.Set("Content-Type", "image/png")
		reply.Header.Set("ETag", `"1"`)
		rest := image
		if reply.Request.Header.Get("Range") == "bytes=6-" {
			reply.Status = 206
			reply.Header.Set("Content-Range", "bytes 6-17/18")
			rest = image[6:]
		}
		return io.NopCloser(strings.NewReader(rest)), nil
	})
	srv.Fail(1, cresttest.Fault{Cut: true, After: 6}, getCover)
	var got bytes.Buffer
	require.NoError(t, c.Cover(t.Context(), dune.ISBN, &got))
	require.Equal(t, image, got.String())
	require.Len(t, cresttest.Calls(srv, getCover), 2)
}

func TestNoCover(t *testing.T) {
	srv, c := faked(t)
	cresttest.Handle(srv, getCover, func(context.Context, bookRequest) (io.ReadCloser, error) {
		return nil, &NotFound{Detail: "no cover of " + dune.ISBN}
	})
	var got bytes.Buffer
	_, ok := errors.AsType[*NotFound](c.Cover(t.Context(), dune.ISBN, &got))
	require.True(t, ok)
	require.Zero(t, got.Len())
}
