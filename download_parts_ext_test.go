package crest_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func inParts(n int, size int64) crest.Option {
	return crest.WithTransfer(crest.Transfer{Parallel: n, PartSize: size})
}

// Parts come at the same time, and make the same file.
func TestDownloadInParts(t *testing.T) {
	for name, tt := range map[string]struct {
		size     int
		parallel int
		part     int64
		requests int
	}{
		"four":                 {1000, 4, 250, 4},
		"a rest":               {1001, 4, 250, 5},
		"more than needed":     {100, 16, 60, 2},
		"smaller than a part":  {100, 4, 101, 1},
		"exactly a part":       {100, 4, 100, 1},
		"one byte":             {1, 4, 100, 1},
		"empty":                {0, 4, 100, 1},
		"many, few at a time":  {10_000, 3, 100, 100},
		"the size is standard": {100, 2, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(tt.size)
			f := newFolder(t)
			got, err := crest.DownloadFile(t.Context(), resuming(t, s), download, crest.Empty{}, f.path, inParts(tt.parallel, tt.part))
			require.NoError(t, err)
			f.holds(s.now())
			require.EqualValues(t, tt.size, got.Size)
			require.EqualValues(t, tt.size, got.Fetched)
			require.Len(t, s.ranges(), tt.requests)
		})
	}
}

// They really are under way together: the server answers none before all have asked.
func TestDownloadPartsAreParallel(t *testing.T) {
	s := newStore(400)
	var waiting atomic.Int32
	all := make(chan struct{})
	c := resuming(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "bytes=0-99" {
			if waiting.Add(1) == 3 {
				close(all)
			}
			<-all
		}
		s.ServeHTTP(w, r)
	}))
	f := newFolder(t)
	_, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, inParts(3, 100))
	require.NoError(t, err)
	f.holds(s.now())
}

// A part that fails is tried again by itself; where that does not help, the others end, and a later call goes on.
func TestDownloadPartFails(t *testing.T) {
	s := newStore(1000)
	var tries atomic.Int32
	mends := atomic.Int32{}
	mends.Store(2)
	c := resuming(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") == "bytes=300-399" && tries.Add(1) <= mends.Load() {
			reply(503, "busy")(w, r)
			return
		}
		s.ServeHTTP(w, r)
	}))
	f := newFolder(t)
	got, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, inParts(3, 100))
	require.NoError(t, err)
	f.holds(s.now())
	require.EqualValues(t, 1000, got.Fetched)
	require.EqualValues(t, 3, tries.Load())

	require.NoError(t, os.Remove(f.path))
	tries.Store(0)
	mends.Store(100)
	_, err = crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, inParts(3, 100))
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.ErrorIs(t, err, crest.Status(503))
	f.keeps()

	mends.Store(0)
	s.forget()
	got, err = crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path) // in one piece now: gaps are filled all the same
	require.NoError(t, err)
	f.holds(s.now())
	require.Less(t, got.Fetched, int64(1000))
	require.GreaterOrEqual(t, got.Fetched, int64(100))
	require.NotContains(t, s.ranges(), "", "nothing is begun anew")
}

// A server that does not do what parts need is read in one piece.
func TestDownloadPartsThatAreNone(t *testing.T) {
	for name, tt := range map[string]struct {
		serve    func(s *store) http.HandlerFunc
		requests int
	}{
		"no ranges": {func(s *store) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				r.Header.Del("Range")
				s.ServeHTTP(w, r)
			}
		}, 1},
		"weak ETag": {func(s *store) http.HandlerFunc { s.etag = `W/"v1"`; return s.ServeHTTP }, 2},
		"no ETag":   {func(s *store) http.HandlerFunc { s.etag = ""; return s.ServeHTTP }, 2},
		"no total": {func(s *store) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") != "" {
					s.note(r)
					partial("bytes 0-99/*", string(s.content[:100]))(w, r)
					return
				}
				s.ServeHTTP(w, r)
			}
		}, 2},
		"416": {func(s *store) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") != "" {
					s.note(r)
					reply(416, "")(w, r)
					return
				}
				s.ServeHTTP(w, r)
			}
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(1000)
			f := newFolder(t)
			_, err := crest.DownloadFile(t.Context(), resuming(t, tt.serve(s)), download, crest.Empty{}, f.path, inParts(3, 100))
			require.NoError(t, err)
			f.holds(s.now())
			require.Len(t, s.ranges(), tt.requests)
			require.Empty(t, s.ranges()[tt.requests-1])
		})
	}
}

// A server that claims more than anybody has: what is noted of the parts does not grow with it.
func TestDownloadPartsOfAVastBody(t *testing.T) {
	vast := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "bytes=0-99" {
			w.WriteHeader(404)
			return
		}
		partial("bytes 0-99/2305843009213693952", strings.Repeat("x", 100))(w, r)
	})
	_, err := crest.DownloadFile(t.Context(), resuming(t, vast), download, crest.Empty{}, newFolder(t).path, inParts(3, 100))
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
}

// Another version in the middle: nothing of the first one is in the file.
func TestDownloadPartsOfAnotherVersion(t *testing.T) {
	for name, tt := range map[string]func(s *store, r *http.Request){
		"with If-Range":        func(s *store, _ *http.Request) {},
		"If-Range not obeyed":  func(_ *store, r *http.Request) { r.Header.Del("If-Range") },
		"shorter than it was":  func(s *store, _ *http.Request) { s.content = s.content[:50] },
		"shorter, not obeyed":  func(s *store, r *http.Request) { s.content = s.content[:50]; r.Header.Del("If-Range") },
		"for one request only": nil,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(1000)
			s.change = func(n int, s *store, r *http.Request) {
				if n == 4 || n > 4 && tt != nil {
					s.etag, s.content = `"v2"`, []byte(fmt.Sprintf("%01000d", 2))
					if tt != nil {
						tt(s, r)
					}
				} else if n > 4 {
					s.etag, s.content = `"v1"`, noise(1000)
				}
			}
			f := newFolder(t)
			_, err := crest.DownloadFile(t.Context(), resuming(t, s), download, crest.Empty{}, f.path, inParts(3, 100))
			require.NoError(t, err)
			f.holds(s.now())
			require.Contains(t, s.ranges(), "", "in one piece, at last")
		})
	}
}

// The connection of any part breaks anywhere, again and again.
func TestDownloadPartsBreak(t *testing.T) {
	s := newStore(5000)
	for i := range 60 {
		s.cuts = append(s.cuts, (i*37)%100)
	}
	f := newFolder(t)
	got, err := crest.DownloadFile(t.Context(), resuming(t, s, atOnce(60)), download, crest.Empty{}, f.path, inParts(4, 100))
	require.NoError(t, err)
	f.holds(s.now())
	require.EqualValues(t, 5000, got.Fetched)
	require.Positive(t, got.Resumed)
}

// A panic in a function of the caller's goes on in the goroutine of the call, and nothing is left behind.
func TestDownloadPartPanics(t *testing.T) {
	s := newStore(1000)
	var n atomic.Int32
	f := newFolder(t)
	c := resuming(t, s)
	require.PanicsWithValue(t, "mine", func() {
		_, _ = crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, inParts(3, 100),
			crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
				return inMemory(func(req *http.Request) (*http.Response, error) {
					if n.Add(1) == 3 {
						panic("mine")
					}
					return next.RoundTrip(req)
				})
			}))
	})
	_, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path)
	require.NoError(t, err, "the path is free again")
	f.holds(s.now())
}

// Progress is told by one goroutine at a time, goes up alone, and ends at the whole.
func TestDownloadProgress(t *testing.T) {
	for name, how := range map[string]crest.Option{"one piece": inParts(1, 0), "parts": inParts(4, 1000)} {
		t.Run(name, func(t *testing.T) {
			s := newStore(10_000)
			s.cuts = []int{700, 900, 100}
			var busy sync.Mutex
			var all []crest.Progress
			f := newFolder(t)
			_, err := crest.DownloadFile(t.Context(), resuming(t, s), download, crest.Empty{}, f.path, how, crest.WithProgress(func(p crest.Progress) {
				require.True(t, busy.TryLock(), "two at the same time")
				defer busy.Unlock()
				all = append(all, p)
			}))
			require.NoError(t, err)
			done := int64(0)
			for _, p := range all {
				require.Greater(t, p.Done, done)
				done = p.Done
				require.EqualValues(t, 10_000, p.Total)
				require.Equal(t, 1, p.Attempt)
				require.False(t, p.Upload)
			}
			require.EqualValues(t, 10_000, done)
		})
	}
	t.Run("begun anew", func(t *testing.T) {
		s := newStore(100)
		s.etag, s.cuts = "", []int{40}
		var all []crest.Progress
		f := newFolder(t)
		_, err := crest.DownloadFile(t.Context(), resuming(t, s), download, crest.Empty{}, f.path, crest.WithProgress(func(p crest.Progress) { all = append(all, p) }))
		require.NoError(t, err)
		require.Equal(t, []crest.Progress{{Done: 40, Total: 100, Attempt: 1}, {Done: 100, Total: 100, Attempt: 2}}, all)
	})
	t.Run("goes on", func(t *testing.T) {
		s := newStore(100)
		s.cuts = []int{40}
		f := newFolder(t)
		c := resuming(t, s)
		_, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, once)
		require.Error(t, err)
		var all []crest.Progress
		_, err = crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, crest.WithProgress(func(p crest.Progress) { all = append(all, p) }))
		require.NoError(t, err)
		require.Equal(t, []crest.Progress{{Done: 100, Total: 100, Attempt: 1}}, all)
	})
}
