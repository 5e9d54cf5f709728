package sse

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

const limit = 16 << 20

// readAll reads a stream to its end.
func readAll(r *Reader) (events []event, err error) {
	for {
		e, err := r.Next()
		if err != nil {
			return events, err
		}
		events = append(events, event{r.LastID(), e.Type, string(e.Data)})
	}
}

func TestEvents(t *testing.T) {
	for name, tt := range map[string]struct {
		stream string
		want   []event
		last   string
	}{
		"nothing":               {"", nil, "before"},
		"one":                   {"data: a\n\n", []event{{"before", "message", "a"}}, "before"},
		"id":                    {"id: 7\nevent: put\ndata: a\ndata: b\n\n", []event{{"7", "put", "a\nb"}}, "7"},
		"empty id":              {"id\ndata: a\n\n", []event{{"", "message", "a"}}, ""},
		"id of no event":        {"id: 7\n\n", nil, "7"},
		"id of no end":          {"data: a\n\nid: 7\ndata: b\n", []event{{"before", "message", "a"}}, "before"},
		"CR is an end at once":  {"data: a\r\r", []event{{"before", "message", "a"}}, "before"},
		"surrogates, overlongs": {"data: \xED\xA0\x80|\xE0\x80|\xF0\x90\x80|\xF5\xC2\n\n", []event{{"before", "message", "���|��|�|��"}}, "before"},
	} {
		for way, wrap := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "with its end": iotest.DataErrReader,
		} {
			t.Run(name+"/"+way, func(t *testing.T) {
				r := NewReader(wrap(strings.NewReader(tt.stream)), limit, "before")
				got, err := readAll(r)
				require.Equal(t, io.EOF, err)
				require.Equal(t, tt.want, got)
				require.Equal(t, tt.last, r.LastID())
				_, again := r.Next()
				require.Equal(t, err, again, "an end stays")
			})
		}
	}
}

func TestRetry(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"0": 0, "1500": 1500 * time.Millisecond, "007": 7 * time.Millisecond, strings.Repeat("9", 40): (1<<31 - 1) * time.Millisecond,
	} {
		r := NewReader(strings.NewReader("retry: "+value+"\nretry: -1\nretry:\nretry: 1.5\n"), limit, "")
		_, err := readAll(r)
		require.Equal(t, io.EOF, err)
		got, told := r.Retry()
		require.True(t, told)
		require.Equal(t, want, got)
	}
	r := NewReader(strings.NewReader("retry: x\ndata: a\n\n"), limit, "")
	_, _ = readAll(r)
	_, told := r.Retry()
	require.False(t, told)
}

// R32: a line, an event and an id of exactly the bound are fine, one byte more is an error.
func TestR32Bounds(t *testing.T) {
	const limit = 100 << 10 // more than one buffer
	x := func(n int) string { return strings.Repeat("x", n) }
	for name, tt := range map[string]struct {
		stream string
		events int
		what   string // "" is no error
	}{
		"a line":             {"data: " + x(limit-6) + "\n\n", 1, ""},
		"a longer line":      {"data: a\n\ndata: " + x(limit-5) + "\n\n", 1, "a line of the stream"},
		"a line with no end": {"data: " + x(10*limit), 0, "a line of the stream"},
		"a comment":          {":" + x(limit-1) + "\ndata: a\n\n", 1, ""},
		"a longer comment":   {":" + x(limit) + "\ndata: a\n\n", 0, "a line of the stream"},
		"an event":           {"data: " + x(limit-8) + "\ndata: " + x(7) + "\n\n", 1, ""},
		"a longer event":     {"data: " + x(limit-8) + "\ndata: " + x(8) + "\n\n", 0, "an event of the stream"},
		"many empty lines":   {strings.Repeat("data\n", limit+1) + "\n", 1, ""},
		"one more":           {strings.Repeat("data\n", limit+2) + "\n", 0, "an event of the stream"},
		"repaired":           {"data: " + strings.Repeat("\xFF", limit/2) + "\n\n", 0, "an event of the stream"},
		"an id":              {"id: " + x(MaxID) + "\ndata: a\n\n", 1, ""},
		"a repaired id":      {"id: " + strings.Repeat("\xFF", MaxID/2) + "\ndata: a\n\n", 0, "the id of an event"},
		"a longer id":        {"id: " + x(MaxID+1) + "\ndata: a\n\n", 0, "the id of an event"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(NewReader(strings.NewReader(tt.stream), limit, ""))
			require.Len(t, got, tt.events)
			if tt.what == "" {
				require.Equal(t, io.EOF, err)
				return
			}
			var large *TooLarge
			require.ErrorAs(t, err, &large)
			require.Equal(t, tt.what, large.What)
		})
	}
}

// The buffers of a large event are given back.
func TestMemoryAfterALargeEvent(t *testing.T) {
	small := strings.Repeat("data: b\n\n", 100)
	r := NewReader(strings.NewReader("data: "+strings.Repeat("a", 4<<20)+"\n\n"+small+"data\ndata: "+strings.Repeat("a", 4<<20)+"\n\n"+strings.Repeat(small, 200)), limit, "")
	got, err := readAll(r)
	require.Equal(t, io.EOF, err)
	require.Len(t, got, 20102)
	require.LessOrEqual(t, len(r.lines.buf), 2*bufferSize)
	require.LessOrEqual(t, cap(r.data.own), bufferSize)
}

func TestSourceFailures(t *testing.T) {
	broken := errors.New("broken")
	r := NewReader(io.MultiReader(strings.NewReader("data: a\n\ndata: b\n"), iotest.ErrReader(broken)), limit, "")
	got, err := readAll(r)
	require.Equal(t, broken, err)
	require.Len(t, got, 1)

	_, err = readAll(NewReader(silent{}, limit, ""))
	require.Equal(t, io.ErrNoProgress, err)
}

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

// Whatever ends the lines, and however they come, a megabyte takes no time to speak of.
func TestNoQuadraticTime(t *testing.T) {
	for name, stream := range map[string]string{
		"CR": strings.Repeat("data: a\r\r", 1<<16), "LF": strings.Repeat("data: a\n\n", 1<<16), "CR in one long line": strings.Repeat("x\r", 1<<18),
		"one line": "data: " + strings.Repeat("x", 1<<20), "empty lines": strings.Repeat("\n", 1<<19),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := readAll(NewReader(iotest.OneByteReader(strings.NewReader(stream)), limit, ""))
			require.Equal(t, io.EOF, err)
			_, err = readAll(NewReader(strings.NewReader(stream), limit, ""))
			require.Equal(t, io.EOF, err)
			require.Less(t, time.Since(start), 10*time.Second)
		})
	}
}

// FuzzReader compares with the standard's own words, however the bytes are cut.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"data: a\n\n", "\uFEFFid: 1\r\ndata: a\rdata: b\n\r\n", "retry: 10\n: c\nevent: put\ndata\n\n", "id: a\x00\ndata: \xE2\x82\n\n", "data\r\n\r\ndata\r\r\n",
		"id: " + strings.Repeat("\x87", 1400) + "\ndata: a\n\n",
	} {
		f.Add([]byte(s), uint64(1))
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		want, last, delay, told, largest := reference(stream, "before")
		for _, src := range []io.Reader{bytes.NewReader(stream), &randomReader{bytes.NewReader(stream), rand.New(rand.NewPCG(seed, 0))}} {
			r := NewReader(src, limit, "before")
			got, err := readAll(r)
			if largest > MaxID { // as it is sent back: what replaces invalid bytes is longer than they are
				require.IsType(t, &TooLarge{}, err)
			} else if len(stream) < MaxID {
				require.Equal(t, io.EOF, err)
			}
			if err != io.EOF {
				return
			}
			require.Equal(t, want, got)
			require.Equal(t, last, r.LastID())
			gotDelay, gotTold := r.Retry()
			require.Equal(t, told, gotTold)
			require.Equal(t, delay, gotDelay)
		}
	})
}

// randomReader cuts at random places.
type randomReader struct {
	r   io.Reader
	rng *rand.Rand
}

func (r *randomReader) Read(p []byte) (int, error) {
	return r.r.Read(p[:min(len(p), r.rng.IntN(8))])
}

func BenchmarkReader(b *testing.B) {
	stream := bytes.Repeat([]byte("id: 1234\ndata: {\"id\":12345,\"name\":\"Rex\",\"tags\":[\"a\",\"b\"]}\n\n"), 10_000)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(bytes.NewReader(stream), limit, "")
		for _, err := r.Next(); err == nil; _, err = r.Next() {
		}
	}
}
