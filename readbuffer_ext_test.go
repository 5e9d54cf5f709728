package crest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// everyKind has a field of each kind that a decoder could leave pointing into the body.
type everyKind struct {
	Text   string                     `json:"text"`
	Raw    json.RawMessage            `json:"raw"`
	Any    any                        `json:"any"`
	Map    map[string]string          `json:"map"`
	Raws   map[string]json.RawMessage `json:"raws"`
	List   []string                   `json:"list"`
	Bytes  []byte                     `json:"bytes"`
	Number json.Number                `json:"number"`
	Maybe  crest.Opt[string]          `json:"maybe"`
	Pieces crest.Opt[any]             `json:"pieces"`
	Secret crest.Secret               `json:"secret"`
	Own    copied                     `json:"own"`
	At     time.Time                  `json:"at"`
}

// plainKinds takes the decoder's quickest way.
type plainKinds struct {
	Text string            `json:"text"`
	Raw  json.RawMessage   `json:"raw"`
	Map  map[string]string `json:"map"`
	List []string          `json:"list"`
}

// withHeader is read field by field.
type withHeader struct {
	Tag  string          `header:"X-Tag"`
	Text string          `json:"text"`
	Raw  json.RawMessage `json:"raw"`
	List []string        `json:"list"`
}

// copied does in its UnmarshalJSON what it has to.
type copied struct{ text []byte }

func (c *copied) UnmarshalJSON(data []byte) error {
	c.text = bytes.Clone(data)
	return nil
}

type lettered struct {
	Letter string `path:"letter"`
}

func everyKindJSON(letter string) string {
	w := strings.Repeat(letter, 40)
	return fmt.Sprintf(`{"text":%q,"raw":{"in":%q},"any":{"x":[%q,1.5]},"map":{%q:%q},"raws":{%q:[%q]},"list":[%q,%q],"bytes":"%s","number":%d,`+
		`"maybe":%q,"pieces":{"y":%q},"secret":%q,"own":%q,"at":"2026-01-02T03:04:05Z"}`,
		w, w, w, w, w, w, w, w, w, strings.Repeat("QUJD", 10), 123456, w, w, w, w)
}

func serveLetters(t *testing.T) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, everyKindJSON(strings.TrimPrefix(r.URL.Path, "/")))
	})
}

// A body of one call is read into what another one's was read into: nothing of a model may lie in it.
func TestModelsKeepNothingOfAReadBuffer(t *testing.T) {
	c := newClient(t, serveLetters(t))
	t.Run("every kind", func(t *testing.T) { keepsItsModel(t, c, crest.Get[lettered, everyKind]("/{letter}")) })
	t.Run("strict", func(t *testing.T) {
		keepsItsModel(t, c, crest.Get[lettered, everyKind]("/{letter}", crest.WithStrictFields()))
	})
	t.Run("plain", func(t *testing.T) { keepsItsModel(t, c, crest.Get[lettered, plainKinds]("/{letter}")) })
	t.Run("header", func(t *testing.T) { keepsItsModel(t, c, crest.Get[lettered, withHeader]("/{letter}")) })
	t.Run("any", func(t *testing.T) { keepsItsModel(t, c, crest.Get[lettered, any]("/{letter}")) })
	t.Run("raw", func(t *testing.T) { keepsItsModel(t, c, crest.Get[lettered, json.RawMessage]("/{letter}")) })
	t.Run("raws", func(t *testing.T) { keepsItsModel(t, c, crest.Get[lettered, map[string]json.RawMessage]("/{letter}")) })
}

// keepsItsModel calls from several goroutines; what one got must still be what it was when the others have called.
func keepsItsModel[Res any](t *testing.T, c crest.Caller, e *crest.Endpoint[lettered, Res]) {
	var all sync.WaitGroup
	for _, letter := range []string{"a", "b", "c", "d"} {
		all.Go(func() {
			var got []Res
			for range 5 {
				one, err := e.Call(t.Context(), c, lettered{letter})
				if err != nil {
					t.Error(err)
					return
				}
				got = append(got, one)
			}
			for _, one := range got {
				assert.Equal(t, got[0], one)
			}
			if text, err := json.Marshal(got[0]); err != nil || !bytes.Contains(text, []byte(letter+letter+letter)) {
				t.Errorf("%s has nothing of %s (%v)", text, letter, err)
			}
		})
	}
	all.Wait()
}

// lingering is a body that writes into what it was given once more, when its call is over: as a Read does that gave up on a goroutine.
type lingering struct {
	io.ReadCloser
	over   chan struct{}
	others *sync.WaitGroup
}

func (l lingering) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	l.others.Go(func() {
		<-l.over
		for i := range p {
			p[i] = '!'
		}
	})
	return n, err
}

// What a foreign body was read into is not used again, since nobody knows whether it is done with it. The race detector sees it, if it is.
func TestNoBufferIsLentToForeignBodies(t *testing.T) {
	var others sync.WaitGroup
	var over chan struct{}
	wrap := func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil {
				resp.Body = lingering{resp.Body, over, &others}
			}
			return resp, err
		})
	}
	base := serveLetters(t)
	own := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(own.CloseIdleConnections)
	clean := newClient(t, base)
	for name, c := range map[string]crest.Caller{
		"middleware": newClient(t, base, crest.WithMiddleware(wrap)),
		"transport":  newClient(t, base, crest.WithTransport(wrap(own))),
	} {
		t.Run(name, func(t *testing.T) {
			e := crest.Get[lettered, plainKinds]("/{letter}")
			for range 20 {
				over = make(chan struct{})
				got, err := e.Call(t.Context(), c, lettered{"x"})
				require.NoError(t, err)
				require.Equal(t, strings.Repeat("x", 40), got.Text)
				close(over)
				got, err = e.Call(t.Context(), clean, lettered{"y"})
				require.NoError(t, err)
				require.Equal(t, strings.Repeat("y", 40), got.Text)
			}
			others.Wait()
		})
	}
}

// Response.Body is the caller's, and that of an error is.
func TestShownBodiesAreNotLent(t *testing.T) {
	c := newClient(t, serveLetters(t))
	e := crest.Get[lettered, plainKinds]("/{letter}")
	r, err := e.Do(t.Context(), c, lettered{"a"})
	require.NoError(t, err)
	text, err := crest.Get[lettered, []byte]("/{letter}").Call(t.Context(), c, lettered{"a"})
	require.NoError(t, err)
	for range 5 {
		_, err = e.Call(t.Context(), c, lettered{"b"})
		require.NoError(t, err)
	}
	require.Equal(t, everyKindJSON("a"), string(r.Body))
	require.Equal(t, everyKindJSON("a"), string(text))
}

// The body of a large answer is not allocated anew for each call.
func TestLargeBodiesShareABuffer(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector a pool drops some of what it is given")
	}
	large := []byte(`{"code":"x","pad":"` + strings.Repeat("y", 1<<20) + `"}`)
	c := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(len(large)))
		_, _ = w.Write(large)
	}))
	e := crest.Get[crest.Empty, struct {
		Code string `json:"code"`
	}]("/")
	const calls = 30
	call := func() {
		_, err := e.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
	}
	call()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		call()
	}
	runtime.ReadMemStats(&after)
	require.Less(t, (after.TotalAlloc-before.TotalAlloc)/calls, uint64(len(large)/2))
}

// An error keeps its body, and a check may keep what it is shown.
func TestBodiesThatAreKept(t *testing.T) {
	text, status := `{"code":"first"}`, 404
	c := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	var shown []*crest.Error
	get := crest.Get[crest.Empty, map[string]string]("/")
	checked := crest.Get[crest.Empty, map[string]string]("/", crest.WithCheck(func(e *crest.Error) bool {
		shown = append(shown, e)
		return false
	}))
	_, err := get.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.Status(404))
	status = 200
	_, failed := checked.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, failed)
	text = `{"code":"other"}`
	for range 20 {
		_, failed = get.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, failed)
	}
	var known *crest.Error
	require.ErrorAs(t, err, &known)
	require.JSONEq(t, `{"code":"first"}`, string(known.Body))
	require.JSONEq(t, `{"code":"first"}`, string(shown[0].Body))
}
