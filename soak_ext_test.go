package crest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type (
	soakID struct {
		ID int `path:"id"`
	}
	soakUpload struct {
		ID   int        `path:"id"`
		Note string     `form:"note"`
		File crest.File `form:"file"`
	}
	soakPost struct {
		ID   int    `path:"id"`
		Text string `json:"text"`
	}
)

var (
	soakGet    = crest.Get[soakID, thing]("/get/{id}")
	soakGone   = crest.Get[soakID, thing]("/gone/{id}")
	soakSend   = crest.Post[soakPost, thing]("/post/{id}")
	soakMoved  = crest.Put[soakPost, thing]("/moved/{id}")
	soakPut    = crest.Put[soakUpload, thing]("/upload/{id}")
	soakFetch  = crest.Get[soakID, io.ReadCloser]("/file/{id}")
	soakEvents = crest.NewStream[soakID, thing](http.MethodGet, "/events/{id}")
	soakLines  = crest.NewStream[soakID, thing](http.MethodGet, "/lines/{id}")
	soakPages  = crest.NewPager[Book](crest.Get[listBooks, bookList]("/pages"), crest.Paging{Items: "data", Cursor: "cursor", NextCursor: "next_cursor"})
)

var errSoakAnswer = errors.New("a call without an error gave something else than the server meant")

// soakCalls are the kinds of calls; each returns the call's error, or errSoakAnswer.
var soakCalls = map[string]func(ctx context.Context, c crest.Caller, n int) error{
	"get": func(ctx context.Context, c crest.Caller, n int) error {
		return soakJudge(n)(soakGet.Call(ctx, c, soakID{n}))
	},
	"post": func(ctx context.Context, c crest.Caller, n int) error {
		return soakJudge(n)(soakSend.Call(ctx, c, soakPost{n, "text"}))
	},
	"moved": func(ctx context.Context, c crest.Caller, n int) error {
		return soakJudge(n)(soakMoved.Call(ctx, c, soakPost{n, strings.Repeat("x", 1000)}))
	},
	"gone": func(ctx context.Context, c crest.Caller, n int) error {
		_, err := soakGone.Call(ctx, c, soakID{n})
		if errors.Is(err, crest.Status(404)) {
			if model, ok := errors.AsType[*failure](err); !ok || model.Code != "gone" {
				return errSoakAnswer
			}
		}
		return err
	},
	"events": func(ctx context.Context, c crest.Caller, n int) error {
		return soakCount(soakEvents.Call(ctx, c, soakID{n}))
	},
	"lines": func(ctx context.Context, c crest.Caller, n int) error {
		return soakCount(soakLines.Call(ctx, c, soakID{n}))
	},
	"left early": func(ctx context.Context, c crest.Caller, n int) error {
		for _, err := range soakEvents.Call(ctx, c, soakID{n}) {
			return err
		}
		return nil
	},
	"pages": func(ctx context.Context, c crest.Caller, _ int) error {
		return soakCount(soakPages.Items(ctx, c, listBooks{}))
	},
	"upload": func(ctx context.Context, c crest.Caller, n int) error {
		file := crest.File{Name: "f", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(soakFile)), nil }}
		_, err := soakPut.Call(ctx, c, soakUpload{n, "note", file})
		return err
	},
	"download": func(ctx context.Context, c crest.Caller, n int) error {
		var out bytes.Buffer
		_, err := crest.Download(ctx, c, soakFetch, soakID{n}, &out)
		if err == nil && out.String() != soakFile && !strings.Contains(out.String(), "{") && !strings.Contains(out.String(), "<html>") {
			return errSoakAnswer
		}
		return err
	},
	"body left": func(ctx context.Context, c crest.Caller, n int) error {
		body, err := soakFetch.Call(ctx, c, soakID{n})
		if err == nil {
			_, _ = io.CopyN(io.Discard, body, 100)
			return body.Close()
		}
		return err
	},
	"prepared": func(ctx context.Context, c crest.Caller, n int) error {
		p, err := soakGet.Prepare(ctx, c, soakID{n})
		if err != nil {
			return err
		}
		_, err = p.Send(ctx)
		_, again := p.Send(ctx)
		return errors.Join(err, again)
	},
	"cancelled": func(ctx context.Context, c crest.Caller, n int) error {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(3000))*time.Microsecond)
		defer cancel()
		return soakJudge(n)(soakGet.Call(ctx, c, soakID{n}))
	},
}

// soakJudge looks at a thing that the server made of n, or that a redirect led to.
func soakJudge(n int) func(thing, error) error {
	return func(got thing, err error) error {
		if err == nil && (got.ID != n && got.ID != 1 || got.Name != "thing") {
			return fmt.Errorf("%w: %+v", errSoakAnswer, got)
		}
		return err
	}
}

// soakCount reads a sequence to its end.
func soakCount[T any](loop func(yield func(T, error) bool)) error {
	n := 0
	for _, err := range loop {
		if err != nil {
			return err
		}
		n++
	}
	if n > soakPieces {
		return errSoakAnswer
	}
	return nil
}

// soaking is one client under many goroutines.
type soaking struct {
	c          *crest.Client[*failure]
	server     *moody
	calls      atomic.Int64
	broken     atomic.Int64
	mu         sync.Mutex
	unexpected map[string]int
}

func newSoaking(t *testing.T) *soaking {
	s := &soaking{server: &moody{}, unexpected: map[string]int{}}
	s.c = newClient(t, serve(t, s.server.ServeHTTP),
		crest.WithRetry(crest.Retry{Max: 1, Backoff: func(int, error) time.Duration { return time.Millisecond }}), crest.WithRateLimit(100_000, time.Second), crest.WithBearer(crest.NewSecret("token")),
		crest.WithPlainCredentials(), crest.WithTimeouts(crest.Timeouts{Total: 20 * time.Second, Header: time.Second, Idle: time.Second}))
	return s
}

// run lets goroutines call until ctx ends.
func (s *soaking) run(ctx context.Context, goroutines int) *sync.WaitGroup {
	var running sync.WaitGroup
	for range goroutines {
		running.Go(func() {
			for ctx.Err() == nil {
				for kind, call := range soakCalls { // in any order
					s.note(kind, call(context.Background(), s.c, rand.IntN(1000)))
				}
			}
		})
	}
	return &running
}

// note counts a call; an error must be one of crest's own.
func (s *soaking) note(kind string, err error) {
	s.calls.Add(1)
	if err == nil {
		return
	}
	s.broken.Add(1)
	var known *crest.CallError
	late := errors.Is(err, context.DeadlineExceeded) // which is ErrRequest before anything is done
	if !errors.As(err, &known) || errors.Is(err, errSoakAnswer) || errors.Is(err, crest.ErrRequest) && !late || errors.Is(err, crest.ErrCredentials) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.unexpected[kind+": "+err.Error()]++
	}
}

// TestSoak: calls of every kind, many at once, while the server breaks a third of them in every way. Each answer is right or an error of
// crest's own, and nothing grows. CREST_SOAK is how long it goes on, "30m" for instance.
func TestSoak(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("CREST_SOAK"))
	if err != nil {
		long = 2 * time.Second
	}
	s := newSoaking(t)
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	running := s.run(ctx, 32)
	select {
	case <-ctx.Done():
	case <-time.After(long / 4):
	}
	early := heapInUse()
	running.Wait()
	late := heapInUse()
	require.Empty(t, s.unexpected)
	t.Logf("%d calls, %d with an error, %d faults; heap %d KiB after a quarter, %d KiB at the end; %d descriptors", s.calls.Load(), s.broken.Load(), s.server.faults.Load(), early>>10, late>>10, descriptors())
	require.Greater(t, s.broken.Load(), s.calls.Load()/20, "the server breaks nothing")
	require.Greater(t, s.calls.Load()-s.broken.Load(), s.calls.Load()/4, "nothing works")
	require.Less(t, late, early+32<<20, "the heap grows")
	s.server.calm.Store(true)
	for kind, call := range soakCalls { // the next call works
		if err := call(t.Context(), s.c, 7); kind != "gone" && kind != "cancelled" {
			require.NoError(t, err, kind)
		}
	}
	require.NoError(t, s.c.Close())
	eventually(t, func() bool { return descriptors() < 64 })
}

// heapInUse is what lives.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// descriptors counts the open ones, where the system shows them.
func descriptors() int {
	all, _ := os.ReadDir("/proc/self/fd")
	return len(all)
}

// R26, R37: a client that is closed under 64 goroutines. What was under way ends by itself, what comes later ends at once in ErrClosed, and
// nothing is left.
func TestR37CloseInTheMiddle(t *testing.T) {
	for range 3 {
		s := newSoaking(t)
		ctx, cancel := context.WithCancel(t.Context())
		running := s.run(ctx, 64)
		eventually(t, func() bool { return s.calls.Load() > 100 })
		require.NoError(t, s.c.Close())
		for kind, call := range soakCalls {
			require.ErrorIs(t, call(t.Context(), s.c, 1), crest.ErrClosed, kind)
		}
		cancel()
		running.Wait()
		require.Empty(t, s.unexpected)
	}
}
