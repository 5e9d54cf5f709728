package crest_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// uploadSource opens readers and keeps count of them.
type uploadSource struct {
	text string
	then error // what a reader ends with, in place of io.EOF
	fail error // of the opening

	mu                   sync.Mutex
	opened, closed, open int
	most                 int // open at one time
	again                int // closed more than once
}

func (s *uploadSource) Open() (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return nil, s.fail
	}
	s.opened, s.open = s.opened+1, s.open+1
	s.most = max(s.most, s.open)
	r := io.Reader(strings.NewReader(s.text))
	if s.then != nil {
		r = io.MultiReader(r, failingReader{s.then})
	}
	return &sourceReader{Reader: r, source: s}, nil
}

type sourceReader struct {
	io.Reader
	source *uploadSource
	closed bool
}

func (r *sourceReader) Close() error {
	s := r.source
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.closed {
		s.again++
		return errors.New("closed twice")
	}
	r.closed = true
	s.closed, s.open = s.closed+1, s.open-1
	return nil
}

// file is a File of the source. A size of 0 is not known.
func (s *uploadSource) file(name string, size int) crest.File {
	return crest.File{Name: name, Size: int64(size), Open: s.Open}
}

// settled fails the test unless each reader is closed, once. The transport may close a moment after the call is over.
func (s *uploadSource) settled(t testing.TB, opened int) {
	t.Helper()
	eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.open == 0
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Zero(t, s.again, "a reader was closed twice")
	if opened >= 0 {
		require.Equal(t, opened, s.opened, "opened")
	}
}

// rawUpload is a body of one file, twoFiles a form of two with text around them.
type (
	rawUpload struct{ Body crest.File }
	twoFiles  struct {
		A string     `form:"a"`
		F crest.File `form:"f"`
		B string     `form:"b"`
		G crest.File `form:"g"`
	}
)

// uploads are the calls that send a file as it is and as one of a form.
func uploads(f func() crest.File) map[string]func(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
	form, raw := crest.Put[twoFiles, crest.Empty]("/x"), crest.Put[rawUpload, crest.Empty]("/x")
	return map[string]func(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error{
		"form": func(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
			_, err := form.Call(ctx, c, twoFiles{"1", textFile("first", "one"), "2", f()}, opts...)
			return err
		},
		"raw": func(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
			_, err := raw.Call(ctx, c, rawUpload{f()}, opts...)
			return err
		},
	}
}
