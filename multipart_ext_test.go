package crest_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type uploadForm struct {
	Title string       `form:"title"`
	File  crest.File   `form:"file"`
	Tags  []string     `form:"tags"`
	More  []crest.File `form:"more"`
	Thumb *crest.File  `form:"thumb"`
	Last  string       `form:"last,omitzero"`
}

func TestMultipartForm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	require.NoError(t, os.WriteFile(path, []byte("from disk"), 0o600))
	file, err := crest.OpenFile(path)
	require.NoError(t, err)
	var got *multipart.Form
	var length int64
	c, _ := onWire(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		length = r.ContentLength
		require.NoError(t, r.ParseMultipartForm(1<<20))
		got = r.MultipartForm
		w.WriteHeader(204)
	}), nil)
	_, err = crest.Post[uploadForm, crest.Empty]("/x").Call(t.Context(), c, uploadForm{Title: "T", File: file, Tags: []string{"a", "b"},
		More: []crest.File{{Name: "x", Content: strings.NewReader("xx")}, {Name: "y", Content: bytes.NewReader(nil)}}})
	require.NoError(t, err)
	require.Positive(t, length)
	require.Equal(t, map[string][]string{"title": {"T"}, "tags": {"a", "b"}}, map[string][]string(got.Value))
	require.Len(t, got.File["more"], 2)
	f, err := got.File["file"][0].Open()
	require.NoError(t, err)
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, "from disk", string(text))
}
