package crest

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// A compressor that waits for its next body holds nothing of the last one, and writes as a new one would.
func TestCompressorsAreUsedAgain(t *testing.T) {
	for name, c := range requestCodings {
		if c == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			fresh := &coding{name: name, make: c.make}
			want := fresh.whole([]byte("the second body"))
			var first, second bytes.Buffer
			e := c.encoder(&first)
			_, _ = io.WriteString(e, strings.Repeat("the first body, which is longer", 5000))
			c.finish(e)
			require.Nil(t, e.to.Writer)
			wrote := first.String()
			e.to.Writer = &second
			e.Reset(&e.to)
			_, _ = io.WriteString(e, "the second body")
			require.NoError(t, e.Close())
			require.Equal(t, want, second.Bytes())
			require.Equal(t, wrote, first.String())
		})
	}
}

// unread counts the Reads of a body that nobody should read.
type unread struct{ reads, closes int }

func (u *unread) Read([]byte) (int, error) { u.reads++; return 0, io.EOF }
func (u *unread) Close() error             { u.closes++; return io.ErrClosedPipe }

// What is opened and not read costs nothing, and however often it is closed, its source is closed once.
func TestCompressedBodyUnread(t *testing.T) {
	u := &unread{}
	body := requestCodings["gzip"].compressed(u)
	for range 3 {
		require.Equal(t, io.ErrClosedPipe, body.Close())
	}
	require.Equal(t, unread{0, 1}, *u)
	require.Nil(t, body.(*compressedBody).to)
}

// chunks is a compressor that writes how much it is given.
type chunks struct{ to io.Writer }

func (p *chunks) Reset(w io.Writer)              { p.to = w }
func (p *chunks) Write(data []byte) (int, error) { return fmt.Fprintf(p.to, "%d ", len(data)) }
func (p *chunks) Close() error                   { _, err := io.WriteString(p.to, "end"); return err }

// The compressor is fed alike however the source hands out its bytes, and nothing but the source's end ends it.
func TestCompressedPieces(t *testing.T) {
	plain := strings.Repeat("x", 2*readPiece+5)
	for name, tt := range map[string]struct {
		source io.Reader
		want   string
		err    error
	}{
		"whole":       {strings.NewReader(plain), "32768 32768 5 end", nil},
		"by bytes":    {iotest.OneByteReader(strings.NewReader(plain)), "32768 32768 5 end", nil},
		"by halves":   {iotest.HalfReader(strings.NewReader(plain)), "32768 32768 5 end", nil},
		"early EOF":   {iotest.DataErrReader(strings.NewReader(plain)), "32768 32768 5 end", nil},
		"even":        {strings.NewReader(plain[:readPiece]), "32768 0 end", nil},
		"nothing":     {strings.NewReader(""), "0 end", nil},
		"broken off":  {io.MultiReader(strings.NewReader(plain), iotest.ErrReader(iotest.ErrTimeout)), "32768 32768 ", iotest.ErrTimeout},
		"cut":         {io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(io.ErrUnexpectedEOF)), "", io.ErrUnexpectedEOF},
		"data and so": {iotest.DataErrReader(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(iotest.ErrTimeout))), "", iotest.ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			c := &coding{make: func() compressor { return &chunks{} }}
			got, err := io.ReadAll(iotest.OneByteReader(c.compressed(io.NopCloser(tt.source))))
			require.Equal(t, tt.want, string(got))
			require.Equal(t, tt.err, err)
		})
	}
}
