package har_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/har"
)

// failure is the error model of the tests' API.
type failure struct {
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

var never = crest.WithRetry(crest.Retry{Max: -1})

// inMemory is a transport, or a middleware's, without a network.
type inMemory func(*http.Request) (*http.Response, error)

func (f inMemory) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// serve starts a server and a client of it that rec records.
func serve(t testing.TB, rec *har.Recorder, handler http.HandlerFunc, opts ...crest.ClientOption) *crest.Client[*failure] {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return client(t, rec, server.URL, opts...)
}

func client(t testing.TB, rec *har.Recorder, base string, opts ...crest.ClientOption) *crest.Client[*failure] {
	t.Helper()
	c, err := crest.New[*failure](base, append([]crest.ClientOption{crest.WithMiddleware(rec.Middleware)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func answer(req *http.Request, status int, body string, header ...string) *http.Response {
	w := httptest.NewRecorder()
	for i := 0; i < len(header); i += 2 {
		w.Header().Add(header[i], header[i+1])
	}
	w.WriteHeader(status)
	_, _ = w.WriteString(body)
	resp := w.Result()
	resp.Request, resp.ContentLength = req, int64(len(body))
	return resp
}

// archive is one that was read.
type archive struct {
	Log struct {
		Version string
		Creator struct{ Name, Version string }
		Entries []archived
	}
}

type archived struct {
	StartedDateTime, ServerIPAddress, Connection, Comment string
	Time                                                  float64
	Request                                               struct {
		Method, URL, HTTPVersion      string
		Cookies, Headers, QueryString []named
		PostData                      *struct {
			MimeType, Text, Comment string
			Params                  []named
		}
		BodySize int64
	}
	Response struct {
		Status                               int
		StatusText, HTTPVersion, RedirectURL string
		Cookies, Headers                     []named
		Content                              struct {
			MimeType, Text, Encoding, Comment string
			Size, Compression                 int64
		}
		BodySize int64
	}
	Timings   struct{ Blocked, DNS, Connect, SSL, Send, Wait, Receive float64 }
	Endpoint  string  `json:"_endpoint"`
	Attempt   int     `json:"_attempt"`
	Hop       int     `json:"_hop"`
	SlotWait  float64 `json:"_slotWait"`
	ErrorText string  `json:"_error"`
}

type named struct {
	Name, Value, Expires string
	HTTPOnly, Secure     bool
}

func header(in []named, name string) string {
	for _, h := range in {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// entries are those of an archive that is as the format says.
func entries(t testing.TB, rec *har.Recorder) []archived {
	t.Helper()
	text := written(t, rec)
	var a archive
	require.NoError(t, json.Unmarshal([]byte(text), &a))
	return a.Log.Entries
}

func written(t testing.TB, rec *har.Recorder) string {
	t.Helper()
	var text bytes.Buffer
	n, err := rec.WriteTo(&text)
	require.NoError(t, err)
	require.EqualValues(t, text.Len(), n)
	require.Empty(t, mistakes(text.Bytes()), "%s", text.String())
	return text.String()
}

func one(t testing.TB, rec *har.Recorder) archived {
	t.Helper()
	all := entries(t, rec)
	require.Len(t, all, 1)
	return all[0]
}

// long is a text that does not fit.
func long(n int) string { return strings.Repeat("crest ", n/6+1)[:n] }
