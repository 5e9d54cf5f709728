package crest_test

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/crest-go/crest"
)

// receiving is a server that prints the parts of a form, or the whole body.
func receiving() fakeServer {
	return func(_ http.ResponseWriter, r *http.Request) {
		form, err := r.MultipartReader()
		if err != nil {
			body, _ := io.ReadAll(r.Body)
			fmt.Printf("%s, length %d: %q\n", r.Header.Get("Content-Type"), r.ContentLength, body)
			return
		}
		for part, err := form.NextPart(); err == nil; part, err = form.NextPart() {
			text, _ := io.ReadAll(part)
			fmt.Printf("%s %q %s: %q\n", part.FormName(), part.FileName(), part.Header.Get("Content-Type"), text)
		}
	}
}

// A field of type File makes a form multipart/form-data. The other fields are text parts of it.
func ExampleFile() {
	type Upload struct {
		Album  int          `path:"album"`
		Title  string       `form:"title"`
		Photo  crest.File   `form:"photo"`
		Others []crest.File `form:"others"`
		Tags   []string     `form:"tag"`
	}
	upload := crest.Post[Upload, crest.Empty]("/albums/{album}/photos")
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(receiving()))

	_, err := upload.Call(context.Background(), c, Upload{
		Album: 7,
		Title: "Dunes",
		Photo: crest.File{Name: "dunes.png", ContentType: "image/png", Content: strings.NewReader("PNG…")},
		Tags:  []string{"sand", "sun"},
	})
	fmt.Println(err)
	// Output:
	// title "" : "Dunes"
	// photo "dunes.png" image/png: "PNG…"
	// tag "" : "sand"
	// tag "" : "sun"
	// <nil>
}

// A file of the disk is opened for each attempt, sent as it is read, and closed. As the field Body it is the whole body.
func ExampleOpenFile() {
	type Backup struct {
		Name string     `path:"name"`
		Body crest.File // with a Content-Length, for the size is known
	}
	put := crest.Put[Backup, crest.Empty]("/backups/{name}")
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(receiving()))
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "notes.txt")
	_ = os.WriteFile(path, []byte("remember the milk"), 0o600)

	file, err := crest.OpenFile(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	file.ContentType = mime.TypeByExtension(filepath.Ext(path))
	_, err = put.Call(context.Background(), c, Backup{Name: "today", Body: file})
	fmt.Println(err)
	// Output:
	// text/plain; charset=utf-8, length 17: "remember the milk"
	// <nil>
}

// A source that is not a file: Open is called for each attempt, so that a retry can send the body again. Without a Size the
// request is chunked.
func ExampleFile_open() {
	type Import struct {
		Body crest.File
	}
	post := crest.Post[Import, crest.Empty]("/imports", crest.WithIdempotent())
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(receiving()))

	export := func() (io.ReadCloser, error) { // a query, an archive, another server …
		r, w := io.Pipe()
		go func() {
			_, err := fmt.Fprintln(w, "id,name")
			_ = w.CloseWithError(err)
		}()
		return r, nil
	}
	_, err := post.Call(context.Background(), c, Import{crest.File{ContentType: "text/csv", Open: export}})
	fmt.Println(err)
	// Output:
	// text/csv, length -1: "id,name\n"
	// <nil>
}

// Progress is reported after each piece of the upload, and of the answer.
func ExampleWithProgress() {
	type Backup struct {
		Body crest.File
	}
	put := crest.Put[Backup, crest.Empty]("/backup")
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	quarters := int64(0)
	show := func(p crest.Progress) {
		if !p.Upload || p.Total <= 0 {
			return
		}
		if now := p.Done * 4 / p.Total; now != quarters {
			quarters = now
			fmt.Printf("%d %% sent\n", quarters*25)
		}
	}
	backup := strings.NewReader(strings.Repeat("x", 1<<20))
	_, err := put.Call(context.Background(), c, Backup{crest.File{Content: backup}}, crest.WithProgress(show))
	fmt.Println(err)
	// Output:
	// 25 % sent
	// 50 % sent
	// 75 % sent
	// 100 % sent
	// <nil>
}
