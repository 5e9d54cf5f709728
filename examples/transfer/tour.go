package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/crest-go/crest"
)

// The API: a file that is put and got.
type putFile struct{ Body crest.File }

var (
	put = crest.Put[putFile, crest.Empty]("/file")
	get = crest.Get[crest.Empty, io.ReadCloser]("/file")
)

// tour is what the steps work on.
type tour struct {
	out   io.Writer
	store *store
	dir   string
	left  int64 // what the process that was killed had fetched
}

func (t *tour) original() string { return filepath.Join(t.dir, "original.bin") }
func (t *tour) copied() string   { return filepath.Join(t.dir, "copy.bin") }

// create makes a file that looks like nothing else.
func (t *tour) create(size int64) error {
	file, err := os.Create(t.original())
	if err != nil {
		return err
	}
	_, err = io.CopyN(file, rand.NewChaCha8([32]byte{1}), size)
	return errors.Join(err, file.Close())
}

func (t *tour) upload(ctx context.Context) error {
	c, err := crest.New[*crest.Problem](t.store.server.URL)
	if err != nil {
		return err
	}
	defer c.Close()
	file, err := crest.OpenFile(t.original())
	if err != nil {
		return err
	}
	shown := newDisplay(t.out, "up")
	defer shown.close()
	_, err = put.Call(ctx, c, putFile{file}, crest.WithProgress(shown.show))
	return err
}

// The environment of a process that fetches.
const (
	childURL  = "TRANSFER_EXAMPLE_URL"
	childPath = "TRANSFER_EXAMPLE_PATH"
)

// fetch is what such a process does. Nothing in it knows of processes: DownloadFile goes on with whatever it finds beside the path.
func fetch(ctx context.Context, out io.Writer, url, path string) error {
	c, err := crest.New[*crest.Problem](url)
	if err != nil {
		return err
	}
	defer c.Close()
	shown := newDisplay(out, "down")
	defer shown.close()
	got, err := crest.DownloadFile(ctx, c, get, crest.Empty{}, path, crest.WithProgress(shown.show))
	if err != nil {
		return err
	}
	shown.close()
	_, err = fmt.Fprintf(out, "   %d bytes, %d of them fetched now, checked by %.14s…\n", got.Size, got.Fetched, got.Digest)
	return err
}

// child prepares the process: this program again.
func (t *tour) child(ctx context.Context) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childURL+"="+t.store.server.URL, childPath+"="+t.copied())
	cmd.Stdout, cmd.Stderr = t.out, os.Stderr
	return cmd, nil
}

func (t *tour) fetchAndKill(ctx context.Context) error {
	cmd, err := t.child(ctx)
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	for t.part() < t.store.size()*2/5 {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), cmd.Wait())
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		return err
	}
	_ = cmd.Wait() // it was killed
	t.left = t.part()
	if _, err := os.Stat(t.copied()); err == nil {
		return errors.New("half of the file has its name")
	}
	fmt.Fprintf(t.out, "\n   killed: %d bytes lie beside the name, which nothing has yet\n", t.left)
	return nil
}

// part is how much of the file is there.
func (t *tour) part() int64 {
	info, err := os.Stat(t.copied() + ".part")
	if err != nil {
		return 0
	}
	return info.Size()
}

func (t *tour) fetchTheRest(ctx context.Context) error {
	cmd, err := t.child(ctx)
	if err != nil {
		return err
	}
	return cmd.Run()
}

// compare is the verdict.
func (t *tour) compare() error {
	copied, err := os.ReadFile(t.copied())
	if err != nil {
		return err
	}
	original, err := os.ReadFile(t.original())
	if err != nil {
		return err
	}
	asked := t.store.asked()
	fmt.Fprintf(t.out, "\nThe server was asked for %q.\n", asked)
	switch {
	case !bytes.Equal(copied, original):
		return errors.New("the files differ")
	case len(asked) != 2 || asked[1] != fmt.Sprintf("bytes=%d-", t.left):
		return fmt.Errorf("the second process did not go on at byte %d", t.left)
	}
	fmt.Fprintf(t.out, "The file is the one that went up: SHA-256 %x.\n", sha256.Sum256(copied))
	return nil
}
