package crest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// The body of these tests has 20 bytes, of which 8 come before the connection breaks for the first time.
const (
	alphabet = "abcdefghijklmnopqrst"
	brokenAt = 8
)

// afterTheBreak answers the first request with 8 of 20 bytes, the second with answer and all others with what is right.
func afterTheBreak(answer http.HandlerFunc) (*store, http.Handler) {
	s := newStore(0)
	s.content, s.cuts = []byte(alphabet), []int{brokenAt}
	return s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		second := len(s.asked) == 1
		if second && answer != nil {
			s.asked = append(s.asked, r.Header.Clone())
		}
		s.mu.Unlock()
		if second && answer != nil {
			answer(w, r)
			return
		}
		s.ServeHTTP(w, r)
	})
}

// partial answers 206 with these headers.
func partial(contentRange, body string, headers ...string) http.HandlerFunc {
	return reply(206, body, append([]string{"Content-Range", contentRange, "ETag", `"v1"`}, headers...)...)
}

// R54, row 47: what answers a request for the rest is held to what was asked for. Bytes never land where they do not belong.
func TestR54AnswersToAResume(t *testing.T) {
	rest := alphabet[brokenAt:]
	chunked := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 8-19/20")
			w.WriteHeader(206)
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, body)
		}
	}
	for name, tt := range map[string]struct {
		answer   http.HandlerFunc
		kind     crest.Kind // of ErrResponse; "" for success
		status   int        // the *Error in place of it
		requests int
		anew     bool // the output is taken back
	}{
		"right":                        {partial("bytes 8-19/20", rest), "", 0, 2, false},
		"right, without an ETag":       {reply(206, rest, "Content-Range", "bytes 8-19/20"), "", 0, 2, false},
		"right, chunked":               {chunked(rest), "", 0, 2, false},
		"right, unit in capitals":      {partial("Bytes 8-19/20", rest), "", 0, 2, false},
		"less than there is":           {partial("bytes 8-9/20", rest[:2]), "", 0, 3, false},
		"total not told":               {partial("bytes 8-19/*", rest), "", 0, 2, false},
		"from elsewhere":               {partial("bytes 10-19/20", rest[2:]), crest.KindRange, 0, 2, false},
		"from before":                  {partial("bytes 0-19/20", alphabet), crest.KindRange, 0, 2, false},
		"no Content-Range":             {reply(206, rest), crest.KindRange, 0, 2, false},
		"no range in it":               {partial("bytes */20", rest), crest.KindRange, 0, 2, false},
		"backwards":                    {partial("bytes 19-8/20", rest), crest.KindRange, 0, 2, false},
		"beyond its total":             {partial("bytes 8-20/20", rest+"u"), crest.KindRange, 0, 2, false},
		"garbage":                      {partial("bytes x", rest), crest.KindRange, 0, 2, false},
		"negative":                     {partial("bytes 8--19/20", rest), crest.KindRange, 0, 2, false},
		"other unit":                   {partial("pages 8-19/20", rest), crest.KindRange, 0, 2, false},
		"too large for a number":       {partial("bytes 8-99999999999999999999/20", rest), crest.KindRange, 0, 2, false},
		"length that is not the range": {partial("bytes 8-19/20", rest[:5]), crest.KindRange, 0, 2, false},
		"more than it says":            {chunked(rest + "more"), crest.KindRange, 0, 2, false},
		"less than it says":            {chunked(rest[:4]), "", 0, 3, false},
		"multipart": {
			reply(206, "--x\r\n", "Content-Type", "multipart/byteranges; boundary=x"), crest.KindRange, 0, 2, false},
		"compressed": {partial("bytes 8-19/20", gzipped(rest), "Content-Encoding", "gzip"), crest.KindRange, 0, 2, false},
		"204":        {reply(204, ""), crest.KindRange, 0, 2, false},
		"200 for a part": {
			reply(200, rest, "Content-Range", "bytes 8-19/20"), crest.KindRange, 0, 2, false},
		"200":                 {reply(200, alphabet, "ETag", `"v1"`), "", 0, 2, true},
		"200 with all of it":  {reply(200, alphabet, "Content-Range", "bytes 0-19/20"), "", 0, 2, true},
		"another ETag":        {partial("bytes 8-19/20", rest, "ETag", `"v2"`), "", 0, 2, false}, // two ETag lines: the first counts
		"another version":     {reply(206, rest, "Content-Range", "bytes 8-19/20", "ETag", `"v2"`), "", 0, 3, true},
		"another total":       {partial("bytes 8-29/30", rest+"0123456789"), "", 0, 3, true},
		"416, another length": {reply(416, "", "Content-Range", "bytes */5"), "", 0, 3, true},
		"416, no length":      {reply(416, ""), "", 0, 3, true},
		"412":                 {reply(412, ""), "", 0, 3, true},
		"404":                 {reply(404, ""), "", 404, 2, false},
		"206 of an error":     {reply(500, "no"), "", 500, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			check := func(t *testing.T, s *store, err error, anew bool) {
				switch {
				case tt.kind != "":
					fails(t, err, crest.ErrResponse, tt.kind, crest.SentYes)
				case tt.status != 0:
					fails(t, err, crest.ErrStatus, "", crest.SentYes)
					require.ErrorIs(t, err, crest.Status(tt.status))
				case anew && tt.anew:
					fails(t, err, crest.ErrResponse, crest.KindRange, crest.SentYes)
					return
				default:
					require.NoError(t, err)
				}
				require.Len(t, s.asked, tt.requests)
			}
			t.Run("file", func(t *testing.T) {
				s, h := afterTheBreak(tt.answer)
				f := newFolder(t)
				_, err := crest.DownloadFile(t.Context(), newClient(t, serve(t, h.ServeHTTP), crest.WithRetry(crest.Retry{Max: 3, Backoff: noWait, Statuses: []int{}})),
					download, crest.Empty{}, f.path)
				check(t, s, err, false)
				switch {
				case err == nil:
					f.holds([]byte(alphabet))
				case tt.status != 0:
					f.keeps()
				default:
					f.has()
				}
			})
			t.Run("writer", func(t *testing.T) {
				s, h := afterTheBreak(tt.answer)
				var out bytes.Buffer
				_, err := crest.Download(t.Context(), newClient(t, serve(t, h.ServeHTTP), crest.WithRetry(crest.Retry{Max: 3, Backoff: noWait, Statuses: []int{}})),
					download, crest.Empty{}, plainWriter{&out})
				check(t, s, err, true)
				require.True(t, strings.HasPrefix(alphabet, out.String()), "%q", out.String())
				if err == nil {
					require.Equal(t, alphabet, out.String())
				}
			})
		})
	}
}

// The total may stay unknown to the end: then a request for more is refused, and that is the end.
func TestDownloadOfUnknownSize(t *testing.T) {
	for name, end := range map[string]http.HandlerFunc{
		"told by the 416": reply(416, "", "Content-Range", "bytes */20"), "not told": reply(416, ""),
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			c := resuming(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch n++; n {
				case 1: // chunked, and breaks
					w.Header().Set("ETag", `"v1"`)
					_, _ = io.WriteString(w, alphabet[:brokenAt])
					_ = http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				case 2:
					partial("bytes 8-15/*", alphabet[brokenAt:16])(w, r)
				case 3:
					partial("bytes 16-19/*", alphabet[16:])(w, r)
				default:
					end(w, r)
				}
			}))
			var out bytes.Buffer
			got, err := crest.Download(t.Context(), c, download, crest.Empty{}, &out)
			require.NoError(t, err)
			require.Equal(t, alphabet, out.String())
			require.EqualValues(t, len(alphabet), got.Size)
			require.Equal(t, 4, n)
		})
	}
}

// A 206 that nobody asked for is not taken for the whole, and a 416 is what it says.
func TestDownloadOfAPartUnasked(t *testing.T) {
	var out bytes.Buffer
	_, err := crest.Download(t.Context(), resuming(t, partial("bytes 0-4/20", "abcde")), download, crest.Empty{}, &out)
	fails(t, err, crest.ErrResponse, crest.KindRange, crest.SentYes)
	require.Empty(t, out.Bytes())
	_, err = crest.Download(t.Context(), resuming(t, reply(416, "no")), download, crest.Empty{}, &out)
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	_, err = crest.Download(t.Context(), resuming(t, newStore(10)), download, crest.Empty{}, &out, crest.WithHeader("Range", "bytes=0-4"))
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
	require.Empty(t, out.Bytes())
}

// RFC 9110, section 13.1.5: a body is continued only by what identifies it to the byte.
func TestDownloadValidators(t *testing.T) {
	old, now := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC).Format(http.TimeFormat), time.Now().UTC().Truncate(time.Second)
	for name, tt := range map[string]struct {
		etag    string
		headers []string
		ifRange string // "" where the body is begun anew
	}{
		"strong ETag":             {`"a"`, nil, `"a"`},
		"strong ETag and a date":  {`"a"`, []string{"Last-Modified", old}, `"a"`},
		"weak ETag":               {`W/"a"`, nil, ""},
		"weak ETag and a date":    {`W/"a"`, []string{"Last-Modified", old}, ""},
		"no ETag":                 {"", nil, ""},
		"ETag without quotes":     {`a`, nil, ""},
		"ETag with a quote in it": {`"a"b"`, nil, ""},
		"date":                    {"", []string{"Last-Modified", old}, old},
		"date of this second":     {"", []string{"Last-Modified", now.Format(http.TimeFormat), "Date", now.Format(http.TimeFormat)}, ""},
		"date that is none":       {"", []string{"Last-Modified", "yesterday"}, ""},
		"no ranges":               {`"a"`, []string{"Accept-Ranges", "none"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(100)
			s.etag, s.headers, s.cuts = tt.etag, tt.headers, []int{40}
			f := newFolder(t)
			c := resuming(t, s)
			got, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path)
			require.NoError(t, err)
			f.holds(s.content)
			require.Len(t, s.asked, 2)
			require.Equal(t, tt.ifRange, s.asked[1].Get("If-Range"))
			require.Equal(t, tt.ifRange != "", s.asked[1].Get("Range") != "")
			require.Equal(t, tt.ifRange != "", got.Resumed == 1)

			s.forget()
			var out bytes.Buffer
			_, err = crest.Download(t.Context(), c, download, crest.Empty{}, &out)
			if tt.ifRange == "" {
				failed := fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
				require.ErrorIs(t, failed, io.ErrUnexpectedEOF)
				require.ErrorContains(t, err, "cannot be taken back")
				require.Equal(t, s.content[:40], out.Bytes())
				return
			}
			require.NoError(t, err)
			require.Equal(t, s.content, out.Bytes())
		})
	}
}

// A server that compresses although identity was asked: the bound is on decoded bytes, and the body is begun anew where it breaks.
func TestDownloadOfACompressedBody(t *testing.T) {
	text := strings.Repeat("0123456789", 1000)
	packed := gzipped(text)
	n := 0
	h := func(w http.ResponseWriter, r *http.Request) {
		n++
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(packed)))
		if n == 1 {
			_, _ = io.WriteString(w, packed[:len(packed)-9])
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, packed)
	}
	c := resuming(t, http.HandlerFunc(h))
	f := newFolder(t)
	got, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path)
	require.NoError(t, err)
	f.holds([]byte(text))
	require.EqualValues(t, len(text), got.Size)
	require.Zero(t, got.Resumed)
	require.Equal(t, 2, n)
	_, err = crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, crest.WithBounds(crest.Bounds{Body: 9999}))
	fails(t, err, crest.ErrResponse, crest.KindTooLarge, crest.SentYes)
	f.holds([]byte(text))
	_, err = crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, crest.WithBounds(crest.Bounds{Body: 10000}))
	require.NoError(t, err)
}

// R29: the bound is on the whole, also where it comes in pieces, and a size that is told is believed before anything is read.
func TestR29Downloads(t *testing.T) {
	for name, tt := range map[string]struct {
		bound int64
		cuts  []int
		ok    bool
	}{
		"one more":          {101, nil, true},
		"exact":             {100, nil, true},
		"one less":          {99, nil, false},
		"exact, in pieces":  {100, []int{30, 30}, true},
		"exact, in restart": {100, []int{0, 30}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(100)
			s.cuts = tt.cuts
			f := newFolder(t)
			_, err := crest.DownloadFile(t.Context(), resuming(t, s), download, crest.Empty{}, f.path, crest.WithBounds(crest.Bounds{Body: tt.bound}))
			if tt.ok {
				require.NoError(t, err)
				f.holds(s.content)
				return
			}
			fails(t, err, crest.ErrResponse, crest.KindTooLarge, crest.SentYes)
			f.has()
		})
	}
	t.Run("chunked", func(t *testing.T) {
		var out bytes.Buffer
		c := resuming(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range 10 {
				_, _ = io.WriteString(w, "0123456789")
				_ = http.NewResponseController(w).Flush()
			}
		}))
		_, err := crest.Download(t.Context(), c, download, crest.Empty{}, &out, crest.WithBounds(crest.Bounds{Body: 99}))
		fails(t, err, crest.ErrResponse, crest.KindTooLarge, crest.SentYes)
		require.LessOrEqual(t, out.Len(), 99)
		_, err = crest.Download(t.Context(), c, download, crest.Empty{}, &out, crest.WithBounds(crest.Bounds{Body: 100}))
		require.NoError(t, err)
	})
}

// S1.33: where a body is begun anew, a writer that can be taken back holds one copy, after what was there before it.
func TestDownloadTakesBack(t *testing.T) {
	for name, tt := range map[string]struct {
		flags  int
		before string
		at     int64 // where the file stands
		ok     bool
	}{
		"empty":              {os.O_RDWR, "", 0, true},
		"after something":    {os.O_RDWR, "before", 6, true},
		"appending":          {os.O_RDWR | os.O_APPEND, "before", 0, true},
		"something behind":   {os.O_RDWR, strings.Repeat("x", 500), 0, false},
		"overwrites exactly": {os.O_RDWR, strings.Repeat("x", 40), 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(100)
			s.etag, s.cuts = "", []int{40}
			f := newFolder(t)
			f.write("", tt.before)
			file, err := os.OpenFile(f.path, tt.flags, 0)
			require.NoError(t, err)
			defer file.Close()
			_, err = file.Seek(tt.at, io.SeekStart)
			require.NoError(t, err)
			_, err = crest.Download(t.Context(), resuming(t, s), download, crest.Empty{}, file)
			if !tt.ok {
				fails(t, err, crest.ErrResponse, crest.KindRange, crest.SentYes)
				got, err := os.ReadFile(f.path)
				require.NoError(t, err)
				require.Equal(t, string(s.content[:40])+tt.before[40:], string(got))
				return
			}
			require.NoError(t, err)
			before := tt.before
			if tt.at == 0 && tt.flags&os.O_APPEND == 0 {
				before = ""
			}
			got, err := os.ReadFile(f.path)
			require.NoError(t, err)
			require.Equal(t, before+string(s.content), string(got))
		})
	}
}

// Another version of the body on each request, or a body that breaks off for ever, comes to an end.
func TestDownloadsEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		cut    int
		change func(n int, s *store, r *http.Request)
		kinds  []crest.Kind
	}{
		"always another version": {40, func(n int, s *store, _ *http.Request) { s.etag = fmt.Sprintf(`"v%d"`, n) }, []crest.Kind{crest.KindTruncated, crest.KindRange}},
		"never a byte":           {0, nil, []crest.Kind{crest.KindTruncated}},
		"never a validator":      {40, func(_ int, s *store, _ *http.Request) { s.etag = "" }, []crest.Kind{crest.KindTruncated}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(100)
			s.change = tt.change
			for range 100 {
				s.cuts = append(s.cuts, tt.cut)
			}
			f := newFolder(t)
			_, err := crest.DownloadFile(t.Context(), resuming(t, s), download, crest.Empty{}, f.path)
			failed := callError(t, err)
			require.Contains(t, tt.kinds, failed.Kind)
			require.LessOrEqual(t, len(s.asked), 8)
		})
	}
	t.Run("a byte at a time", func(t *testing.T) { // bytes that arrive set the count back
		s := newStore(100)
		for range 100 {
			s.cuts = append(s.cuts, 1)
		}
		f := newFolder(t)
		got, err := crest.DownloadFile(t.Context(), resuming(t, s), download, crest.Empty{}, f.path)
		require.NoError(t, err)
		f.holds(s.content)
		require.EqualValues(t, 100, got.Fetched)
	})
}
