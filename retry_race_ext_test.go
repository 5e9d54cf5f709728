package crest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// R24 with retries: a server that answers 500 early, or closes in the middle of an upload, leaves the transport reading a body
// while the next attempt begins. Whatever arrives is a beginning of exactly one known payload; and in the end all of it does.
func TestR24BodiesAreNotSharedByAttempts(t *testing.T) {
	type asText struct {
		ID   int `query:"id"`
		Body string
	}
	type asReader struct {
		ID   int `query:"id"`
		Body io.Reader
	}
	type asFactory struct {
		ID   int `query:"id"`
		Body func() (io.ReadCloser, error)
	}
	const callers = 64
	known := make([]string, callers)
	for i := range known {
		known[i] = strings.Repeat(fmt.Sprintf("<%d>", i), 30_000+137*i)
	}
	var mu sync.Mutex
	times, complaints := map[int]int{}, []string{}
	c, _ := onWire(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		var id int
		_, _ = fmt.Sscan(r.URL.Query().Get("id"), &id)
		mu.Lock()
		times[id]++
		n := times[id]
		mu.Unlock()
		part := make([]byte, 1<<10)
		got, _ := io.ReadFull(r.Body, part)
		text := string(part[:got])
		defer func() {
			if !strings.HasPrefix(known[id], text) {
				mu.Lock()
				complaints = append(complaints, fmt.Sprintf("%d got %.40q", id, text))
				mu.Unlock()
			}
		}()
		switch {
		case n < 3 && id%2 == 0: // early answer
			w.WriteHeader(500)
		case n < 3: // close in the middle
			panic(http.ErrAbortHandler)
		default:
			rest, _ := io.ReadAll(r.Body)
			if text += string(rest); text != known[id] {
				mu.Lock()
				complaints = append(complaints, fmt.Sprintf("%d has %d bytes of %d", id, len(text), len(known[id])))
				mu.Unlock()
			}
		}
	}), nil)
	var opened, closed atomic.Int32
	calls := []func(i int) error{
		func(i int) error { return putOf(asText{i, known[i]})(context.Background(), c) },
		func(i int) error { return putOf(asReader{i, strings.NewReader(known[i])})(context.Background(), c) },
		func(i int) error {
			return putOf(asFactory{i, func() (io.ReadCloser, error) {
				opened.Add(1)
				return &tallied{Reader: strings.NewReader(known[i]), closed: func() { closed.Add(1) }}, nil
			}})(context.Background(), c)
		},
	}
	errs := make([]error, callers)
	var running sync.WaitGroup
	for i := range callers {
		running.Go(func() { errs[i] = calls[i%3](i) })
	}
	running.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Empty(t, complaints, "bytes of another call, or of another attempt, arrived")
	require.Positive(t, opened.Load())
	require.Eventually(t, func() bool { return closed.Load() >= opened.Load() }, time.Minute, time.Millisecond, "each reader is closed")
}
