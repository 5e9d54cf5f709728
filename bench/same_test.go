package bench

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// recorded is a request as a server sees it.
type recorded struct {
	Method, Path, Host string
	Query              url.Values
	Tenant, RequestID  string
	ContentType        string
	Length             int64 // -1 if it was not known
	Body               string
}

// recorder notes each request before it passes it on. It is a transport in memory, and the handler of a server.
type recorder struct {
	next http.RoundTripper

	mu   sync.Mutex
	seen []recorded
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		body = b
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(b))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, recorded{
		Method:      req.Method,
		Path:        req.URL.Path,
		Host:        cmp.Or(req.URL.Host, req.Host),
		Query:       req.URL.Query(),
		Tenant:      req.Header.Get("X-Tenant"),
		RequestID:   req.Header.Get("X-Request-Id"),
		ContentType: req.Header.Get("Content-Type"),
		Length:      req.ContentLength,
		Body:        string(body),
	})
	return r.next.RoundTrip(req)
}

// ServeHTTP answers as the raw server does.
func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	resp, err := r.RoundTrip(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(w, resp.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// last returns the only request since the call before.
func (r *recorder) last(t *testing.T) recorded {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Len(t, r.seen, 1, "requests sent by one call")
	seen := r.seen[0]
	r.seen = nil
	return seen
}

// everywhere runs a test for every contender: in memory, over a server that sees what is sent, and over the same with each
// library's own transport. A contender that lacks the call says so by a nil function, and there is nothing to compare.
func everywhere(t *testing.T, test func(t *testing.T, link *Link, calls Calls, sent *recorder)) {
	seen := &recorder{next: memory{}}
	web := httptest.NewServer(seen)
	t.Cleanup(web.Close)
	wire := &Link{Name: linkLoopback, Base: web.URL, New: newTransport, server: &server{}}
	inside := &recorder{next: memory{}}
	mem := &Link{Name: linkMemory, Base: Memory().Base, New: func() http.RoundTripper { return inside }}
	for link, sent := range map[*Link]*recorder{mem: inside, wire: seen, wire.own(): seen} {
		for _, c := range Contenders() {
			t.Run(link.Name+"/"+c.Name, func(t *testing.T) {
				f := &Field{}
				t.Cleanup(f.Close)
				calls, err := f.open(link, c)
				require.NoError(t, err)
				test(t, link, calls, sent)
			})
		}
	}
}

func TestGetIsTheSame(t *testing.T) {
	everywhere(t, func(t *testing.T, link *Link, calls Calls, sent *recorder) {
		if calls.Get == nil {
			return // it has no such request, and the table says so
		}
		got, err := calls.Get(t.Context(), getInput)
		require.NoError(t, err)
		require.Equal(t, wantOrder, got)
		requireBodiless(t, link, "/v1/orders/4711", url.Values{"expand": {"items,customer"}, "version": {"3"}}, sent.last(t))
	})
}

func TestListIsTheSame(t *testing.T) {
	everywhere(t, func(t *testing.T, link *Link, calls Calls, sent *recorder) {
		if calls.List == nil {
			return // it has no such request, and the table says so
		}
		got, err := calls.List(t.Context(), listInput)
		require.NoError(t, err)
		require.Equal(t, wantList, got)
		requireBodiless(t, link, "/v1/orders", url.Values{"limit": {"2000"}, "cursor": {"c2Vjb25k/Mg=="}}, sent.last(t))
	})
}

func TestErrIsTheSame(t *testing.T) {
	everywhere(t, func(t *testing.T, link *Link, calls Calls, sent *recorder) {
		if calls.Get == nil {
			return // it has no such request, and the table says so
		}
		got, err := calls.Get(t.Context(), errInput)
		failure, ok := errors.AsType[*APIError](err)
		require.True(t, ok, "want an *APIError, got %v", err)
		require.Equal(t, wantError, *failure)
		require.Zero(t, got)
		requireBodiless(t, link, "/v1/orders/404", url.Values{"expand": {"items,customer"}, "version": {"3"}}, sent.last(t))
	})
}

func requireBodiless(t *testing.T, link *Link, path string, query url.Values, got recorded) {
	t.Helper()
	require.Equal(t, recorded{
		Method:    http.MethodGet,
		Path:      path,
		Host:      got.Host,
		Query:     query,
		Tenant:    "acme",
		RequestID: "req-8f14e45f",
	}, got)
	require.Equal(t, link.Base, "http://"+got.Host)
}

func TestPostIsTheSame(t *testing.T) {
	everywhere(t, func(t *testing.T, link *Link, calls Calls, sent *recorder) {
		if calls.Post == nil {
			return // it has no such request, and the table says so
		}
		got, err := calls.Post(t.Context(), postInput)
		require.NoError(t, err)
		require.Equal(t, wantReceipt, got)
		req := sent.last(t)
		require.Equal(t, http.MethodPost, req.Method)
		require.Equal(t, "/v1/orders", req.Path)
		require.Equal(t, link.Base, "http://"+req.Host)
		require.Empty(t, req.Query)
		require.Equal(t, "application/json", req.ContentType)
		require.JSONEq(t, string(mustMarshal(postInput)), req.Body)
	})
}

func TestDownIsTheSame(t *testing.T) {
	const size = 1<<20 + 17
	want := sha256.New()
	_, err := io.Copy(want, newFile(size))
	require.NoError(t, err)
	everywhere(t, func(t *testing.T, link *Link, calls Calls, sent *recorder) {
		if calls.Down == nil {
			return // it has no such request, and the table says so
		}
		got := sha256.New()
		n, err := calls.Down(t.Context(), GetFile{Size: size}, got)
		require.NoError(t, err)
		require.EqualValues(t, size, n)
		require.Equal(t, want.Sum(nil), got.Sum(nil))
		req := sent.last(t)
		require.Equal(t, recorded{Method: http.MethodGet, Path: "/v1/files/1048593", Host: req.Host, Query: url.Values{}}, req)
	})
}

func TestUpIsTheSame(t *testing.T) {
	const size = 1<<20 + 17
	want, err := io.ReadAll(newFile(size))
	require.NoError(t, err)
	everywhere(t, func(t *testing.T, link *Link, calls Calls, sent *recorder) {
		if calls.Up == nil {
			return // it has no such request, and the table says so
		}
		got, err := calls.Up(t.Context(), newFile(size))
		require.NoError(t, err)
		require.Equal(t, Stored{Size: size}, got)
		req := sent.last(t)
		require.True(t, req.Body == string(want), "%d bytes arrived", len(req.Body))
		require.Equal(t, recorded{
			Method: http.MethodPut, Path: "/v1/files", Host: req.Host, Query: url.Values{}, ContentType: fileType, Length: req.Length, Body: req.Body,
		}, req)
	})
}

func TestWatchIsTheSame(t *testing.T) {
	everywhere(t, func(t *testing.T, link *Link, calls Calls, sent *recorder) {
		if calls.Watch == nil {
			return // it has no such request, and the table says so
		}
		var got []Change
		require.NoError(t, calls.Watch(t.Context(), watchInput, func(c Change) error {
			got = append(got, c)
			return nil
		}))
		require.Equal(t, wantChanges, got)
		req := sent.last(t)
		require.Equal(t, recorded{
			Method: http.MethodGet, Path: "/v1/changes", Host: req.Host, Query: url.Values{"since": {"4711"}}, Tenant: "acme",
		}, req)
	})
}

// An error of who receives an event ends the watching, and is returned.
func TestWatchReportsWhatItsReceiverSays(t *testing.T) {
	everywhere(t, func(t *testing.T, _ *Link, calls Calls, _ *recorder) {
		if calls.Watch != nil {
			err := calls.Watch(t.Context(), watchInput, func(Change) error { return errUnexpected })
			require.ErrorIs(t, err, errUnexpected)
		}
	})
}

// A file that is not there is the error model for all, not 207 bytes of file.
func TestStreamsReportFailures(t *testing.T) {
	missing := &Link{Name: linkLoopback, Base: "http://files.example", New: func() http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			_, err := consume(req.Body)
			return errorAnswer.reply(req), err
		})
	}}
	for _, c := range Contenders() {
		t.Run(c.Name, func(t *testing.T) {
			f := &Field{}
			t.Cleanup(f.Close)
			calls, err := f.open(missing, c)
			require.NoError(t, err)
			if calls.Down != nil {
				var to bytes.Buffer
				_, err = calls.Down(t.Context(), GetFile{Size: 7}, &to)
				require.Error(t, err)
				require.Zero(t, to.Len())
			}
			if calls.Up != nil {
				_, err = calls.Up(t.Context(), newFile(7))
				failure, ok := errors.AsType[*APIError](err)
				require.True(t, ok, err)
				require.Equal(t, wantError, *failure)
			}
			if calls.Watch != nil {
				require.Error(t, calls.Watch(t.Context(), watchInput, func(Change) error { return nil }))
			}
		})
	}
}

// What is timed is the raw server: it answers as the one that the contenders were compared over.
func TestRawServerAnswersTheSame(t *testing.T) {
	raw, err := Loopback()
	require.NoError(t, err)
	t.Cleanup(raw.Close)
	for _, c := range Contenders() {
		t.Run(c.Name, func(t *testing.T) {
			f := &Field{}
			t.Cleanup(f.Close)
			calls, err := f.open(raw, c)
			require.NoError(t, err)
			requireAnswers(t, calls)
		})
	}
}

func requireAnswers(t *testing.T, calls Calls) {
	t.Helper()
	if calls.Get != nil {
		order, err := calls.Get(t.Context(), getInput)
		require.NoError(t, err)
		require.Equal(t, wantOrder, order)
		orders, err := calls.List(t.Context(), listInput)
		require.NoError(t, err)
		require.Equal(t, wantList, orders)
	}
	if calls.Up != nil {
		stored, err := calls.Up(t.Context(), newFile(123_456))
		require.NoError(t, err)
		require.EqualValues(t, 123_456, stored.Size)
		var to bytes.Buffer
		_, err = calls.Down(t.Context(), GetFile{Size: 123_456}, &to)
		require.NoError(t, err)
		file, err := io.ReadAll(newFile(123_456))
		require.NoError(t, err)
		require.True(t, bytes.Equal(file, to.Bytes()))
	}
	if calls.Watch != nil {
		var changes []Change
		require.NoError(t, calls.Watch(t.Context(), watchInput, func(c Change) error { changes = append(changes, c); return nil }))
		require.Equal(t, wantChanges, changes)
	}
	receipt, err := calls.Post(t.Context(), postInput)
	require.NoError(t, err)
	require.Equal(t, wantReceipt, receipt)
}

// The headers of the canned answers are shared by all responses in memory.
func TestAnswersStayAsTheyWere(t *testing.T) {
	f := &Field{scale: Quick}
	t.Cleanup(f.Close)
	for _, c := range Contenders() {
		require.NoError(t, f.add(t.Context(), Memory(), c))
	}
	for _, a := range []*answer{orderAnswer, receiptAnswer, listAnswer, errorAnswer} {
		require.Equal(t, newAnswer(a.status, json.RawMessage(a.body)), a)
	}
}
