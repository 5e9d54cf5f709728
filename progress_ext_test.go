package crest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// reports are what a call reported. It fails the test where two come at once.
type reports struct {
	t    testing.TB
	busy atomic.Bool

	mu  sync.Mutex
	all []crest.Progress
}

func (r *reports) option() crest.Option { return crest.WithProgress(r.add) }

func (r *reports) add(p crest.Progress) {
	if !r.busy.CompareAndSwap(false, true) {
		r.t.Error("two reports at once")
	}
	defer r.busy.Store(false)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, p)
}

// series are the reports of one direction as "attempt:done/total", cut where they begin anew.
func (r *reports) series(upload bool) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ends []string
	var last crest.Progress
	for _, p := range r.all {
		if p.Upload != upload {
			continue
		}
		if p.Done <= last.Done && last.Done > 0 {
			ends = append(ends, fmt.Sprintf("%d:%d/%d", last.Attempt, last.Done, last.Total))
		}
		last = p
	}
	if last.Done > 0 {
		ends = append(ends, fmt.Sprintf("%d:%d/%d", last.Attempt, last.Done, last.Total))
	}
	return ends
}

func newReports(t testing.TB) *reports { return &reports{t: t} }

// Both directions are counted, in pieces, whatever the body is.
func TestProgress(t *testing.T) {
	const size = 100_000
	text := strings.Repeat("x", size)
	var zipped bool
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if zipped {
			reply(200, gzipped(text), "Content-Encoding", "gzip")(w, r)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(size))
		_, _ = io.WriteString(w, text)
	})
	form, asText := crest.Post[twoFiles, string]("/x"), crest.Post[struct{ Body string }, string]("/x")
	live := crest.Post[rawUpload, io.ReadCloser]("/x")
	read := func(body io.ReadCloser, err error) error {
		if err == nil {
			_, err = io.Copy(io.Discard, body)
			_ = body.Close()
		}
		return err
	}
	src := uploadSource{text: text}
	for name, tt := range map[string]struct {
		call     func(c crest.Caller, opt crest.CallOption) error
		up, down string
		opts     []crest.ClientOption
	}{
		"a model": {func(c crest.Caller, opt crest.CallOption) error {
			_, err := asText.Call(t.Context(), c, struct{ Body string }{text}, opt)
			return err
		}, "1:100000/100000", "1:100000/100000", nil},
		"a file, live": {func(c crest.Caller, opt crest.CallOption) error {
			return read(live.Call(t.Context(), c, rawUpload{src.file("a", size)}, opt))
		}, "1:100000/100000", "1:100000/100000", nil},
		"lengths that are not known": {func(c crest.Caller, opt crest.CallOption) error {
			zipped = true
			defer func() { zipped = false }()
			return read(live.Call(t.Context(), c, rawUpload{src.file("a", 0)}, opt))
		}, "1:100000/-1", "1:100000/-1", nil},
		"compressed": {func(c crest.Caller, opt crest.CallOption) error {
			return read(live.Call(t.Context(), c, rawUpload{src.file("a", size)}, opt))
		}, "1:100000/100000", "1:100000/100000", []crest.ClientOption{crest.WithCompression("gzip")}},
		"nothing to send": {func(c crest.Caller, opt crest.CallOption) error {
			_, err := asText.Call(t.Context(), c, struct{ Body string }{}, opt)
			return err
		}, "", "1:100000/100000", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := newReports(t)
			require.NoError(t, tt.call(newClient(t, base, tt.opts...), got.option()))
			require.Equal(t, tt.up, strings.Join(got.series(true), " "))
			require.Equal(t, tt.down, strings.Join(got.series(false), " "))
			if tt.up != "" {
				require.Greater(t, len(got.all), 3, "in pieces")
			}
		})
	}
	t.Run("a form, with what stands between its files", func(t *testing.T) {
		got := newReports(t)
		_, err := form.Call(t.Context(), newClient(t, base), twoFiles{"1", src.file("a", size), "2", src.file("b", size)}, got.option())
		require.NoError(t, err)
		last := got.series(true)
		require.Len(t, last, 1)
		var attempt, done, total int
		_, err = fmt.Sscanf(last[0], "%d:%d/%d", &attempt, &done, &total)
		require.NoError(t, err)
		require.Equal(t, total, done)
		require.Greater(t, total, 2*size)
	})
	src.settled(t, -1)
}

// Each attempt, and each hop that takes the body along, begins anew; bodies of failures are not counted, nor is what a
// signature reads.
func TestProgressBeginsAnew(t *testing.T) {
	const size = 50_000
	text := strings.Repeat("x", size)
	challenge := gives(401, "WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth-int", algorithm=SHA-256`)
	digest := crest.WithDigest("me", crest.NewSecret("s3cret"))
	full := func(attempt int) string { return fmt.Sprintf("%d:%d/%d", attempt, size, size) }
	for name, tt := range map[string]struct {
		steps []step
		want  []string
		opts  []crest.ClientOption
	}{
		"retries":    {[]step{gives(503), givesBody(503, "an error page"), gives(204)}, []string{full(1), full(2), full(3)}, nil},
		"redirects":  {[]step{gives(307, "Location", "/y"), gives(308, "Location", "/z"), gives(204)}, []string{full(1), full(1), full(1)}, nil},
		"signatures": {[]step{challenge, gives(204)}, []string{full(1), full(1)}, []crest.ClientOption{digest}},
	} {
		t.Run(name, func(t *testing.T) {
			src, got := uploadSource{text: text}, newReports(t)
			server := play(tt.steps...)
			_, err := crest.Put[rawUpload, crest.Empty]("/x").Call(t.Context(), retried(t, server, tt.opts...), rawUpload{src.file("a", size)}, got.option())
			require.NoError(t, err)
			require.Equal(t, tt.want, got.series(true))
			require.Empty(t, got.series(false))
			src.settled(t, -1)
		})
	}
}

// Each attempt with a body is reported as it begins, also one of which nothing is taken.
func TestProgressAtTheBeginning(t *testing.T) {
	var begun []crest.Progress
	begins := crest.WithProgress(func(p crest.Progress) {
		if p.Done == 0 {
			begun = append(begun, p)
		}
	})
	src := uploadSource{text: "content"}
	early := inMemory(func(req *http.Request) (*http.Response, error) {
		_ = req.Body.Close()
		return response(req, 503, ""), nil
	})
	put, quick := crest.Put[rawUpload, crest.Empty]("/x"), crest.WithRetry(crest.Retry{Max: 2, Backoff: constant(0)})
	c := newClient(t, "https://x.example", crest.WithTransport(early), quick)
	_, err := put.Call(t.Context(), c, rawUpload{src.file("a", 7)}, begins)
	require.ErrorIs(t, err, crest.Status(503))
	require.Equal(t, []crest.Progress{{Upload: true, Total: 7, Attempt: 1}, {Upload: true, Total: 7, Attempt: 2}, {Upload: true, Total: 7, Attempt: 3}}, begun)
	src.settled(t, 3)

	begun = nil
	_, err = getThing.Call(t.Context(), c, crest.Empty{}, begins)
	require.Error(t, err)
	require.Empty(t, begun, "there is no body")

	src = uploadSource{text: "content"}
	_, err = put.Call(t.Context(), c, rawUpload{src.file("a", 7)}, crest.WithProgress(func(crest.Progress) { panic("the bar is broken") }))
	fails(t, err, crest.ErrRequest, crest.KindRequestBody, crest.SentNo)
	require.ErrorContains(t, err, "the function of WithProgress panicked: the bar is broken")
	src.settled(t, 1)
}

func TestProgressOfTheNearestLevel(t *testing.T) {
	client, call := newReports(t), newReports(t)
	c := newClient(t, "https://x.example", crest.WithTransport(fixed(200, "text")), client.option())
	get := crest.Get[crest.Empty, string]("/x")
	_, err := get.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	_, err = get.Call(t.Context(), c, crest.Empty{}, call.option())
	require.NoError(t, err)
	require.Equal(t, []string{"1:4/4"}, client.series(false))
	require.Equal(t, []string{"1:4/4"}, call.series(false))
	_, err = crest.New[*crest.Problem]("https://x.example", crest.WithProgress(nil))
	require.ErrorContains(t, err, "WithProgress: the function is nil")
}

// A transport may read on for a call that is over: nobody hears of it.
func TestProgressEndsWithTheCall(t *testing.T) {
	var late io.ReadCloser
	early := inMemory(func(req *http.Request) (*http.Response, error) {
		_, _ = io.ReadFull(req.Body, make([]byte, 10))
		late = req.Body
		return response(req, 204, ""), nil
	})
	got := newReports(t)
	_, err := crest.Put[struct{ Body string }, crest.Empty]("/x").Call(t.Context(), newClient(t, "https://x.example", crest.WithTransport(early)),
		struct{ Body string }{strings.Repeat("x", 100)}, got.option())
	require.NoError(t, err)
	heard := len(got.all)
	require.Positive(t, heard)
	_, _ = io.Copy(io.Discard, late)
	require.NoError(t, late.Close())
	require.Len(t, got.all, heard)
}

// A function that panics ends an upload in an error, for it runs where nobody could recover it; a download's is the reader's. Nothing is left.
func TestProgressPanics(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
	})
	breaks := func(upload bool) crest.CallOption {
		return crest.WithProgress(func(p crest.Progress) {
			if p.Upload == upload && p.Done > 1000 {
				panic("the bar is broken")
			}
		})
	}
	for kind := range uploads(nil) {
		src := uploadSource{text: strings.Repeat("x", 100_000)}
		err := uploads(func() crest.File { return src.file("a", 0) })[kind](t.Context(), newClient(t, base), breaks(true))
		fails(t, err, crest.ErrTransport, crest.KindRequestBody, crest.SentMaybe)
		require.ErrorContains(t, err, "the function of WithProgress panicked: the bar is broken")
		src.settled(t, 1)
	}
	c := newClient(t, base, crest.WithPool(crest.Pool{MaxConns: 1}))
	for range 3 { // a place that is not given back would end in a wait for ever
		require.PanicsWithValue(t, "the bar is broken", func() {
			_, _ = crest.Get[crest.Empty, string]("/x").Call(context.Background(), c, crest.Empty{}, breaks(false))
		})
		body, err := download.Call(t.Context(), c, crest.Empty{}, breaks(false))
		require.NoError(t, err)
		require.PanicsWithValue(t, "the bar is broken", func() { _, _ = io.Copy(io.Discard, body) })
		require.NoError(t, body.Close())
	}
}
