package crest

import (
	"bytes"
	"io"
	"strings"
	"testing"

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
