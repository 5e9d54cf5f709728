package crest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/crest-go/crest"
)

// serveReport is what the server of these Examples has: a file that http.ServeContent serves, in parts if they are asked for.
func serveReport(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"v7"`)
	w.Header().Set("Content-Type", "text/csv")
	w.Header().Set("Content-Disposition", `attachment; filename="../report 2026.csv"`)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader("id;total\n7;12.50\n"))
}

// An endpoint whose response model is io.ReadCloser can be downloaded to any writer.
func ExampleDownload() {
	type GetReport struct {
		Year int `path:"year"`
	}
	getReport := crest.Get[GetReport, io.ReadCloser]("/reports/{year}")
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(fakeServer(serveReport)))

	var out bytes.Buffer
	got, err := crest.Download(context.Background(), c, getReport, GetReport{2026}, &out)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d bytes, suggested name %q\n%s", got.Size, got.Name, out.String())
	// Output:
	// 17 bytes, suggested name "report 2026.csv"
	// id;total
	// 7;12.50
}

// The file appears when all of it is there and right. A call that is broken off is continued by the next one with the same path.
func ExampleDownloadFile() {
	getReport := crest.Get[crest.Empty, io.ReadCloser]("/report")
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(fakeServer(serveReport)))
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)

	got, err := crest.DownloadFile(context.Background(), c, getReport, crest.Empty{}, filepath.Join(dir, "report.csv"),
		crest.WithProgress(func(p crest.Progress) { fmt.Printf("%d of %d bytes\n", p.Done, p.Total) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	files, _ := os.ReadDir(dir)
	fmt.Println(got.Size, len(files), files[0].Name())
	// Output:
	// 17 of 17 bytes
	// 17 1 report.csv
}

// A body that has not the checksum that it should have never gets its name.
func ExampleWithTransfer() {
	getReport := crest.Get[crest.Empty, io.ReadCloser]("/report")
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(fakeServer(serveReport)))
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "report.csv")

	_, err := crest.DownloadFile(context.Background(), c, getReport, crest.Empty{}, path,
		crest.WithTransfer(crest.Transfer{Parallel: 4, Digest: "md5:00000000000000000000000000000000"}))
	fmt.Println(errors.Is(err, crest.KindChecksum))
	_, err = os.Stat(path)
	fmt.Println(errors.Is(err, os.ErrNotExist))
	// Output:
	// true
	// true
}

// A name that a server suggests is made safe before it is used as one.
func ExampleResponse_FileName() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(fakeServer(serveReport)))

	r, err := crest.Get[crest.Empty, []byte]("/report").Do(context.Background(), c, crest.Empty{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.FileName())
	// Output: report 2026.csv
}
