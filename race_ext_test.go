package crest_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type upload struct {
	ID   int    `query:"id"`
	Data string `json:"data"`
}

type receipt struct {
	ID  int    `json:"id"`
	Sum string `json:"sum" validate:"required"`
}

func payloadOf(i int) string { return strings.Repeat(fmt.Sprintf("<%d>", i), 2000+37*i) }

func sumOf(data string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(data))) }

// R24: request bodies are never shared. A server that answers early, or closes in the middle of the upload, leaves the
// transport reading a body whose call is over; whatever arrives is still a beginning of exactly one known payload.
func TestR24BodiesAreNeverShared(t *testing.T) {
	const callers, rounds = 64, 4
	known := make([]string, callers)
	for i := range known {
		known[i] = fmt.Sprintf(`{"data":"%s"}`, payloadOf(i))
	}
	var mu sync.Mutex
	var foreign []string
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		var id int
		_, _ = fmt.Sscan(r.URL.Query().Get("id"), &id)
		part := make([]byte, 1<<10)
		switch id % 4 {
		case 0: // early answer
			n, _ := io.ReadFull(r.Body, part)
			part = part[:n]
			w.WriteHeader(500)
		case 1: // close in the middle
			n, _ := io.ReadFull(r.Body, part)
			part = part[:n]
			defer panic(http.ErrAbortHandler)
		default:
			part, _ = io.ReadAll(r.Body)
			replyJSON(200, fmt.Sprintf(`{"id":%d,"sum":"%s"}`, id, sumOf(string(part))))(w, r)
		}
		if !strings.HasPrefix(known[id], string(part)) {
			mu.Lock()
			foreign = append(foreign, string(part[:min(len(part), 40)]))
			mu.Unlock()
		}
	}))
	post := crest.Post[upload, receipt]("/upload")
	errs := make([]error, callers)
	var running sync.WaitGroup
	for i := range callers {
		running.Go(func() {
			for range rounds {
				got, err := post.Call(context.Background(), c, upload{i, strings.ReplaceAll(payloadOf(i), "&", "")})
				switch {
				case i%4 == 0 && !errors.Is(err, crest.Status(500)) && !errors.Is(err, crest.ErrTransport), i%4 == 1 && !errors.Is(err, crest.ErrTransport),
					i%4 > 1 && (err != nil || got != receipt{i, sumOf(known[i])}):
					errs[i] = fmt.Errorf("caller %d got %v, %w", i, got, err)
				}
			}
		})
	}
	running.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Empty(t, foreign, "bytes of another call arrived")
}

// 50 goroutines share one client and one endpoint; each gets its own answer.
func TestOneClientForMany(t *testing.T) {
	type request struct {
		ID    int          `path:"id"`
		Q     string       `query:"q"`
		Trace string       `header:"X-Trace"`
		Key   crest.Secret `header:"X-Key"`
		Lang  string       `query:"lang" default:"en"`
	}
	type answer struct {
		Echo string `json:"echo" validate:"required"`
		Etag string `header:"ETag"`
	}
	token := crest.NewToken("start")
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		echo := strings.Join([]string{r.URL.Path, r.URL.Query().Get("q"), r.Header.Get("X-Trace"), r.Header.Get("X-Key"), r.URL.Query().Get("lang")}, "|")
		status := 200
		if strings.HasSuffix(r.URL.Path, "7") {
			status = 404
		}
		body := fmt.Sprintf(`{"echo":%q,"message":%q}`, echo, echo)
		reply(status, gzipped(body), "Content-Type", "application/json", "Content-Encoding", "gzip", "ETag", r.URL.Query().Get("q"))(w, r)
	}), crest.WithBearer(token), crest.WithLimiter(&counting{}), crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) { return next.RoundTrip(req) })
	}))
	get := crest.Get[request, answer]("/things/{id}", crest.WithErrors(crest.ErrorMap{410: crest.As[*notFound]()}))
	errs := make(chan error, 50)
	var running sync.WaitGroup
	for i := range 50 {
		running.Go(func() {
			for n := range 10 {
				if i == 0 {
					token.Set(fmt.Sprint("token", n))
				}
				s := fmt.Sprint(i, "-", n)
				want := fmt.Sprintf("/things/%d|%s|%s|%s|en", i, s, s, s)
				got, err := get.Call(context.Background(), c, request{ID: i, Q: s, Trace: s, Key: crest.NewSecret(s)}, crest.WithHeader("X-Call", s))
				if strings.HasSuffix(fmt.Sprint(i), "7") {
					if model, ok := c.AsError(err); !ok || model.Message != want {
						errs <- fmt.Errorf("call %s: %w", s, err)
						return
					}
					continue
				}
				if err != nil || got.Echo != want || got.Etag != s {
					errs <- fmt.Errorf("call %s: got %v: %w", s, got, err)
					return
				}
			}
		})
	}
	running.Wait()
	close(errs)
	require.NoError(t, <-errs)
}
