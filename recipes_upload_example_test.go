package crest_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/crest-go/crest"
)

// recipe: retry-notice
// retryNotice is a slog.Handler that tells of attempts to come, and of nothing else.
type retryNotice func(ctx context.Context, cause string, wait time.Duration)

func (f retryNotice) Enabled(_ context.Context, level slog.Level) bool {
	return level == slog.LevelInfo
}
func (f retryNotice) WithAttrs([]slog.Attr) slog.Handler { return f }
func (f retryNotice) WithGroup(string) slog.Handler      { return f }

func (f retryNotice) Handle(ctx context.Context, r slog.Record) error {
	if r.Message != "crest: retry" {
		return nil
	}
	told := map[string]slog.Value{}
	r.Attrs(func(a slog.Attr) bool {
		told[a.Key] = a.Value
		return true
	})
	f(ctx, told["cause"].String(), told["wait"].Duration())
	return nil
}

// end of recipe

func Example_retryNotice() {
	attempts := 0
	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if attempts++; attempts == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	type Backup struct {
		Body crest.File
	}
	put := crest.Put[Backup, crest.Empty]("/backup")
	backup := Backup{crest.File{Open: func() (io.ReadCloser, error) { return http.NoBody, nil }}}
	retries := crest.WithRetry(crest.Retry{Backoff: constant(time.Millisecond)})
	// recipe: retry-notice-use
	notice := retryNotice(func(_ context.Context, cause string, wait time.Duration) {
		fmt.Printf("%s; trying again in %v\n", cause, wait)
	})
	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), retries, crest.WithLogger(slog.New(notice)))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = put.Call(context.Background(), c, backup)
	fmt.Println(err)
	// Output:
	// crest: PUT /backup: 503 Service Unavailable; trying again in 1ms
	// <nil>
}

// recipe: repr-digest
// reprDigest is the header Repr-Digest (RFC 9530) for a file, which is read for it now and once more when it is sent.
func reprDigest(file crest.File) (string, error) {
	r, err := file.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, r); err != nil {
		return "", err
	}
	return "sha-256=:" + base64.StdEncoding.EncodeToString(hash.Sum(nil)) + ":", nil
}

// end of recipe

func Example_reprDigest() {
	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		hash := sha256.New()
		_, _ = io.Copy(hash, r.Body)
		if r.Header.Get("Repr-Digest") != fmt.Sprintf("sha-256=:%s:", base64.StdEncoding.EncodeToString(hash.Sum(nil))) {
			w.WriteHeader(http.StatusBadRequest)
		}
		fmt.Println(r.Header.Get("Repr-Digest"))
	})
	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(path, []byte("remember the milk"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	// recipe: repr-digest-use
	type Backup struct {
		Name   string `path:"name"`
		Digest string `header:"Repr-Digest"`
		Body   crest.File
	}
	put := crest.Put[Backup, crest.Empty]("/backups/{name}")

	file, err := crest.OpenFile(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	digest, err := reprDigest(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = put.Call(ctx, c, Backup{Name: "today", Digest: digest, Body: file})
	// end of recipe
	fmt.Println(err)
	// Output:
	// sha-256=:AFcGGk8Wk0uW9z9XkWf3lcTUwg2MUB/ElRl8VQr1ERA=:
	// <nil>
}
