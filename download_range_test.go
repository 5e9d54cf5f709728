package crest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzContentRange holds the parser to the grammar of RFC 9110, section 14.4.
func FuzzContentRange(f *testing.F) {
	for _, seed := range []string{"bytes 0-9/10", "bytes 0-9/*", "bytes */10", "bytes */*", "Bytes 5-5/6", "bytes 9-0/10", "bytes 0-10/10", "bytes 00-09/010", "bytes -1-5/9", "pages 0-1/2", "bytes \r0-9/10", "bytes \t0-9/10"} {
		f.Add(seed)
	}
	grammar := regexp.MustCompile(`(?i)^\s*bytes +(?:(\d+)-(\d+)|\*)\s*/\s*(?:\d+|\*)\s*$`)
	f.Fuzz(func(t *testing.T, text string) {
		r, ok := parseContentRange(text)
		if !ok {
			return
		}
		require.Regexp(t, grammar, text)
		if r.from < 0 {
			require.Equal(t, span{-1, -1}, r.span)
			require.GreaterOrEqual(t, r.size, int64(0))
			return
		}
		require.Less(t, r.from, r.end)
		require.True(t, r.size == -1 || r.end <= r.size)
	})
}

// Runs of bytes that come in any order are those that are there, and what is missing is the rest.
func TestSpans(t *testing.T) {
	const size = 200
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var there [size]bool
		var all spans
		for range random.IntN(20) {
			from := random.Int64N(size)
			s := span{from, from + 1 + random.Int64N(size-from)}
			if s.end-s.from > 30 {
				s.end = s.from + 30
			}
			all = all.add(s)
			for i := s.from; i < s.end; i++ {
				there[i] = true
			}
			require.True(t, all.ordered(), "%v", all)
		}
		var n int64
		for _, s := range all {
			for i := s.from; i < s.end; i++ {
				require.True(t, there[i])
				n++
			}
		}
		require.Equal(t, n, all.length())
		most := 1 + random.Int64N(50)
		missing := all.gaps(size)
		require.LessOrEqual(t, len(missing), len(all)+1)
		for g, ok := missing.cut(most); ok; g, ok = missing.cut(most) {
			require.LessOrEqual(t, g.end-g.from, most)
			for i := g.from; i < g.end; i++ {
				require.False(t, there[i])
				there[i] = true
			}
		}
		for i, ok := range there {
			require.True(t, ok, "byte %d is missing", i)
		}
	}
}

// A note that is read again is the one that was written; no text makes reading panic.
func FuzzPartState(f *testing.F) {
	for _, s := range []partState{{Request: "x"}, {Request: "x", representation: representation{Validator: `"v"`, Size: 9}, Have: spans{{0, 3}, {5, 9}}}} {
		text, err := json.Marshal(s)
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Add(`{"have":[[1]]}`)
	f.Add(`{"have":[[5,4]]}`)
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "note")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		require.NoError(t, err)
		defer file.Close()
		first := readState(file)
		require.True(t, first.Have.ordered())
		require.NoError(t, first.write(file))
		require.Equal(t, fmt.Sprint(first), fmt.Sprint(readState(file)))
	})
}

// What an earlier call has left is given up at the first piece after the end of the context.
func TestEndsWith(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "part"))
	require.NoError(t, err)
	defer file.Close()
	require.NoError(t, file.Truncate(10*copyBuffer))
	ctx, cancel := context.WithCancel(t.Context())
	read := 0
	err = (&partFile{file: file}).readInto(&endsWith{ctx, writerFunc(func(p []byte) (int, error) {
		if read += len(p); read == 3*copyBuffer {
			cancel()
		}
		return len(p), nil
	})}, 0, 10*copyBuffer)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 3*copyBuffer, read)
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
