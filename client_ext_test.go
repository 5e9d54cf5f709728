package crest_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// sdk is a client as SDK authors write it.
type sdk struct{ *crest.Client[*failure] }

// FEATURES S4.28: however the host of a base URL is written, requests go to one spelling of it, and so does the Host header.
func TestBaseURLHost(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.example.com./v1":    "api.example.com",
		"https://API.Example.com":        "api.example.com",
		"https://api.example.com:443":    "api.example.com",
		"https://api.example.com.:8443/": "api.example.com:8443",
		"https://bücher.example":         "xn--bcher-kva.example",
	} {
		rec := &recorder{}
		_, err := ping.Call(t.Context(), newClient(t, base, crest.WithTransport(rec)), crest.Empty{})
		require.NoError(t, err)
		got := rec.last(t)
		require.Equal(t, []string{want, want}, []string{got.URL.Host, got.Host}, base)
	}
}

func TestR15BaseURL(t *testing.T) {
	for name, tt := range map[string]struct{ base, want string }{
		"plain":           {"https://api.example.com", ""},
		"path":            {"https://api.example.com/v1/", ""},
		"port":            {"http://127.0.0.1:8080", ""},
		"IPv6":            {"http://[::1]:8080/x", ""},
		"IDN":             {"https://bücher.example", ""},
		"empty":           {"", "the URL is empty"},
		"relative":        {"/v1", "no scheme"},
		"host and port":   {"localhost:8080/v1", "has no scheme"},
		"IP and port":     {"127.0.0.1:8080", "has no scheme"},
		"no scheme":       {"api.example.com", "no scheme"},
		"ftp":             {"ftp://api.example.com", "neither http nor https"},
		"file":            {"file:///etc/passwd", "neither http nor https"},
		"opaque":          {"http:api.example.com", "no host"},
		"no host":         {"http://", "no host"},
		"no host, port":   {"http://:80", "no host"},
		"userinfo":        {"https://u:hunter2@api.example.com", "holds credentials"},
		"user":            {"https://u@api.example.com", "holds credentials"},
		"fragment":        {"https://api.example.com/#x", "fragment"},
		"query":           {"https://api.example.com/?k=v", "WithQuery"},
		"empty query":     {"https://api.example.com/?", "WithQuery"},
		"R4 zone":         {"http://[::1%25.a.example]/", "zone"},
		"backslash":       {`https:\\api.example.com`, "backslash"},
		"newline inside":  {"https://api.exa\nmple.com", "control character"},
		"space inside":    {"https://api.exa mple.com", "cannot be parsed"},
		"empty label":     {"https://api..example.com", "empty label"},
		"wildcard":        {"https://*.example.com", "wildcard"},
		"short IP":        {"https://127.1", "four parts"},
		"hexadecimal IP":  {"https://0x7f000001", "four parts"},
		"port is no port": {"https://api.example.com:port", "cannot be parsed"},
		"bracket":         {"https://[::1", "cannot be parsed"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := crest.New[*failure](tt.base)
			if tt.want == "" {
				require.NoError(t, err)
				require.NoError(t, c.Close())
				return
			}
			require.ErrorContains(t, err, tt.want)
			require.True(t, strings.HasPrefix(err.Error(), "crest: New: "), err.Error())
			require.Nil(t, c)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

// A password that a typing mistake has moved out of the userinfo is not printed either.
func TestR43BaseURLErrorsHidePasswords(t *testing.T) {
	for _, base := range []string{
		"https://u:hunter2#@h.example", "https://u:hunter2/@h.example", "https://u:hunter2?@h.example", "https://u:hun ter2@h.example",
		"https://u:hunter2%zz@h.example", "https://u:hunter2[@h.example", "u:hunter2@h.example", "https://hunter2 u@h", "https://u:hunter2\x7f@h",
	} {
		_, err := crest.New[*failure](base)
		require.Error(t, err, base)
		require.NotContains(t, err.Error(), "hunter2", base)
		require.NotContains(t, err.Error(), "ter2", base)
	}
}

func TestNewReportsAllMistakes(t *testing.T) {
	_, err := crest.New[error]("ftp://x", crest.WithHeader("A B", "c"), nil, crest.WithTransport(nil), crest.WithTransport((*http.Transport)(nil)))
	require.ErrorContains(t, err, "neither http nor https")
	require.ErrorContains(t, err, "error is an interface and cannot be decoded into")
	require.ErrorContains(t, err, `"A B" is not a token`)
	require.Equal(t, 2, strings.Count(err.Error(), "the transport is nil"))
}

func TestNewRefusesABadErrorModel(t *testing.T) {
	_, err := crest.New[*badModel]("https://api.example.com")
	require.ErrorContains(t, err, "badModel.C is a chan")
}

type badModel struct {
	C chan int `json:"c"`
}

func (*badModel) Error() string { return "" }

// The zero SDK struct and a nil client give an error from the call, never a panic.
func TestNoClient(t *testing.T) {
	for name, caller := range map[string]crest.Caller{
		"nil":              nil,
		"nil client":       (*crest.Client[*failure])(nil),
		"zero client":      &crest.Client[*failure]{},
		"zero sdk":         &sdk{},
		"zero sdk value":   sdk{},
		"nil sdk":          (*sdk)(nil),
		"sdk, zero client": &sdk{&crest.Client[*failure]{}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ping.Call(t.Context(), caller, crest.Empty{})
			fails(t, err, crest.ErrRequest, "", crest.SentNo)
			require.EqualError(t, err, "crest: GET /ping: request: the client is nil or zero: make it with crest.New, or with that of its SDK")
		})
	}
	require.NoError(t, (*crest.Client[*failure])(nil).Close())
	require.NoError(t, (&crest.Client[*failure]{}).Close())
}

func TestEmbeddedClient(t *testing.T) {
	rec := &recorder{}
	s := &sdk{newClient(t, "https://api.example.com/v1/", crest.WithTransport(rec))}
	for name, caller := range map[string]crest.Caller{"pointer": s, "value": *s, "client": s.Client, "deeper": &struct{ *sdk }{s}} {
		t.Run(name, func(t *testing.T) {
			_, err := ping.Call(t.Context(), caller, crest.Empty{})
			require.NoError(t, err)
			require.Equal(t, "https://api.example.com/v1/ping", rec.last(t).URL.String())
		})
	}
}

func TestClose(t *testing.T) {
	c := newClient(t, serve(t, replyJSON(200, thingJSON)))
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	prepared, err := getThing.Prepare(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, c.Close(), "Close is idempotent")

	_, err = getThing.Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrClosed, "", crest.SentNo)
	require.EqualError(t, err, "crest: GET /thing: closed: the client was closed")
	_, err = getThing.Prepare(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.ErrClosed)
	_, err = prepared.Send(t.Context())
	fails(t, err, crest.ErrClosed, "", crest.SentNo)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/", nil)
	_, err = crest.RoundTripper(c).RoundTrip(req)
	fails(t, err, crest.ErrClosed, "", crest.SentNo)
}

// A call that is under way when its client is closed goes on, and leaves no connection behind (the leak check of TestMain sees one).
func TestCloseDuringACall(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		close(started)
		<-release
		replyJSON(200, thingJSON)(w, r)
	}))
	done := make(chan error)
	go func() {
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		done <- err
	}()
	<-started
	require.NoError(t, c.Close())
	close(release)
	require.NoError(t, <-done)
}

// closeCounter sees whether a transport of the caller's is left alone.
type closeCounter struct {
	recorder
	closed int
}

func (c *closeCounter) CloseIdleConnections() { c.closed++ }

func TestCloseLeavesTheCallersTransport(t *testing.T) {
	rt := &closeCounter{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rt))
	require.NoError(t, c.Close())
	require.Zero(t, rt.closed)
}

func TestAsError(t *testing.T) {
	c := newClient(t, serve(t, replyJSON(409, `{"code":"taken","message":"name taken"}`)))
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	model, ok := c.AsError(err)
	require.True(t, ok)
	require.Equal(t, &failure{"taken", "name taken"}, model)
	_, ok = c.AsError(errors.New("other"))
	require.False(t, ok)
	_, ok = c.AsError(nil)
	require.False(t, ok)
}
