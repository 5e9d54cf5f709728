package crest_test

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/har"
)

// outcome is what a call has left behind.
type outcome struct {
	*stage
	client   *crest.Client[*markedFailure]
	opts     []crest.ClientOption
	jar      *crest.Jar
	request  any
	prepared any // a *crest.Prepared
	response any // a *crest.Response
	err      error
	log      string // what went to log, log/slog and the standard error

	seen sharedText // requests, by middleware and limiter
	came sharedText // answers, by middleware
	har  har.Recorder

	taped func() string // a cassette, when the test is at its end
}

// sink is where a secret could come to light: it returns all that stands there. What writes texts of calls and is added to crest (logs,
// spans, recordings) is added here.
type sink func(o *outcome) string

var sinks = map[string]sink{
	"errors":           errorTexts,
	"values":           valueTexts,
	"request model":    func(o *outcome) string { return strings.Join(shown(o.request), "\n") },
	"log":              func(o *outcome) string { return o.log },
	"middleware":       func(o *outcome) string { return o.seen.take() },
	"answers":          func(o *outcome) string { return o.came.take() },
	"another origin":   foreignTexts,
	"proxy":            proxyTexts,
	"prepared request": preparedTexts,
	"curl":             curlTexts,
	"har":              harTexts,
	"figures":          figureTexts,
	"cassette":         func(o *outcome) string { return o.taped() },
}

// mayShow are the secrets that a sink may have, and why. Everything else is a leak.
var mayShow = map[string]map[string]string{
	"request model":    {"plain field": "a string is no Secret: the model is the caller's own type"},
	"middleware":       undeclared(map[string]string{"location query": "the server gives it to whom it leads to"}),
	"prepared request": undeclared(nil),
	"answers": {
		"answer cookie": answersOwn, "answer header": answersOwn, "location query": answersOwn, "location userinfo": answersOwn,
		"field path": "the server repeats it in its Location", "key query": "the server repeats it in its Location",
	},
	"har":            {"answer field": "the server puts it where the model has no Secret"},
	"cassette":       {"answer field": "the server puts it where the model has no Secret"},
	"another origin": {"location query": "the server at home gives it to that origin"},
	"proxy":          {"proxy user": "it is for the proxy", "proxy password": "it is for the proxy"},
}

const answersOwn = "middleware sees the answer as it came"

// undeclared are the headers, cookies and query parameters that the caller did not declare as secrets: they belong to the request.
func undeclared(more map[string]string) map[string]string {
	shows := map[string]string{}
	for _, place := range []string{"client header", "idempotency key", "client cookie", "client query", "url query"} {
		shows[place] = "given as a text, not as a Secret"
	}
	for place, why := range more {
		shows[place] = why
	}
	return shows
}

// TestR43MarkersEverywhere plants a unique secret in every place, lets calls end in every way, and looks for them everywhere.
func TestR43MarkersEverywhere(t *testing.T) {
	noProxies(t)
	t.Setenv("CREST_CASSETTES", "record")
	logged := captureLogs(t)
	for name, o := range outfits {
		for how, m := range modes {
			if m.only && o.form {
				continue
			}
			t.Run(name+"/"+how, func(t *testing.T) {
				end := perform(t, o, m)
				end.log = logged()
				checkEnd(t, end, o, m)
				for where, look := range sinks {
					text := look(end)
					for _, place := range markersIn(text) {
						if mayShow[where][place] == "" {
							t.Errorf("the secret of %q stands in %q: %s", place, where, around(text, place))
						}
					}
					require.False(t, formsIn(strings.ToLower(text), clientKeyForms()), "the client's key stands in %q", where)
				}
				if how == "success" && !o.noToken {
					arrived(t, end, o)
				}
			})
		}
	}
}

// perform makes the call of a mode.
func perform(t *testing.T, o outfit, m mode) (end *outcome) {
	l := newLab(t, nil)
	s := &stage{t: t, base: "https://a.example", lab: l, ctx: t.Context(), answer: m.answer, opts: []crest.ClientOption{crest.WithTransport(l)}}
	if s.answer == nil {
		s.answer = answerJSON(200, goodAnswer)
	}
	l.fallback = s.serve
	end = &outcome{stage: s, har: har.Recorder{Body: 1 << 20}}
	tape, taped := cassetteOf(t)
	end.taped = taped
	carried, jar := baggage(t)
	end.jar = jar
	s.opts = slices.Concat(s.opts, []crest.ClientOption{once, crest.WithLogger(slog.Default()), crest.WithStats(), crest.WithLogDetail(markedDetail), crest.WithMiddleware(end.watch, end.har.Middleware, tape), crest.WithLimiter(crest.LimitBy(end.choose))}, carried, o.auth(t))
	if m.set != nil {
		m.set(s)
	}
	var err error
	end.client, err = crest.New[*markedFailure](s.base, s.opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = end.client.Close() })
	if s.ready != nil {
		s.ready(end.client)
	}
	defer func() {
		if v := recover(); v != nil {
			require.True(t, s.panics, "%v", v)
		}
	}()
	if o.form {
		complete(end, crest.Post[markedForm, markedAnswer]("/{tenant}/login"), newMarkedForm())
		return end
	}
	model := newMarkedRequest()
	if s.edit != nil {
		s.edit(&model)
	}
	complete(end, crest.Post[markedRequest, markedAnswer]("/{tenant}/login"), model)
	return end
}

// markedDetail is all that a log can show.
var markedDetail = crest.LogDetail{Body: 1 << 20, Headers: []string{
	"Accept", "Content-Type", "Content-Length", "Location", "Link", "X-Request-Id", "Retry-After", "Proxy-Connection", "X-Key", "Api-Key", "User-Agent",
}}

// complete makes the call, and prepares it as well.
func complete[Req any](end *outcome, e *crest.Endpoint[Req, markedAnswer], model Req) {
	end.request = &model
	if p, err := e.Prepare(end.t.Context(), end.client, model, end.call...); err == nil {
		end.prepared = p
	}
	r, err := e.Do(end.ctx, end.client, model, end.call...)
	if end.err = err; err == nil {
		end.response = r
	}
}

// checkEnd sees that the call ended as the mode says: a test that never gets there shows nothing.
func checkEnd(t *testing.T, end *outcome, o outfit, m mode) {
	t.Helper()
	switch {
	case end.panics:
		require.Nil(t, end.response)
	case o.noToken && !errors.Is(end.err, crest.ErrRequest) && !errors.Is(end.err, crest.ErrClosed):
		require.ErrorIs(t, end.err, crest.ErrCredentials)
	case m.step == "":
		require.NoError(t, end.err)
	case !o.noToken:
		require.ErrorIs(t, end.err, m.step, "%v", end.err)
		require.True(t, m.kind == "" || errors.Is(end.err, m.kind), "%v", end.err)
	}
}

// arrived sees that the secrets are there: what was never planted cannot be found.
func arrived(t *testing.T, end *outcome, o outfit) {
	t.Helper()
	var text strings.Builder
	for _, v := range end.lab.at("a.example:443") {
		text.WriteString(v.text)
	}
	wanted := slices.Concat(fieldPlaces, baggagePlaces, o.places)
	if o.form {
		wanted = slices.Concat([]string{"field path"}, baggagePlaces, o.places)
	}
	require.Subset(t, markersIn(text.String()), wanted)
	require.Equal(t, 2, end.jar.Len(), "the cookie of the answer was kept")
}

// watch notes what a middleware can see.
func (o *outcome) watch(next http.RoundTripper) http.RoundTripper {
	return inMemory(func(req *http.Request) (*http.Response, error) {
		o.note(req)
		resp, err := next.RoundTrip(req)
		if resp != nil {
			o.note(resp.Request)
			fmt.Fprintln(&o.came, resp.Status, resp.Header)
		}
		return resp, err
	})
}

func (o *outcome) note(req *http.Request) {
	fmt.Fprintln(&o.seen, req.Method, req.URL, req.Host, req.Header)
}

// choose notes what the choice of a limiter can see.
func (o *outcome) choose(req *http.Request) crest.Limiter {
	o.note(req)
	return nil
}

// captureLogs returns a function that takes what was logged since it was asked before. The standard error itself must stay empty.
func captureLogs(t *testing.T) func() string {
	file, err := os.CreateTemp(t.TempDir(), "stderr")
	require.NoError(t, err)
	var written sharedText
	stderr, logger, flags, writer := os.Stderr, slog.Default(), log.Flags(), log.Writer()
	os.Stderr = file
	slog.SetDefault(slog.New(slog.NewJSONHandler(&written, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() {
		os.Stderr = stderr
		slog.SetDefault(logger)
		log.SetFlags(flags)
		log.SetOutput(writer)
		_ = file.Close()
	})
	return func() string {
		text, err := os.ReadFile(file.Name())
		require.NoError(t, err)
		require.Empty(t, string(text), "the standard error")
		return written.take()
	}
}

// sharedText is written by several goroutines.
type sharedText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *sharedText) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *sharedText) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.text.Reset()
	return b.text.String()
}

// clientKeyForms are those of the key of the client's certificate, as bytes and as the number that it is.
var clientKeyForms = sync.OnceValue(func() []string {
	key, err := markedCertificate().PrivateKey.(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		panic(err)
	}
	return append(markerForms(string(key)), new(big.Int).SetBytes(key).String())
})

// around is the beginning of a text's part that shows a secret.
func around(text, place string) string {
	lower := strings.ToLower(text)
	for _, form := range append(markerForms(marker(place)), coreForms...) {
		if at := strings.Index(lower, form); at >= 0 {
			return text[max(0, at-150):min(len(text), at+150)]
		}
	}
	return ""
}

// What cannot be used is told without what is secret in it.
func TestR43MarkersInMistakes(t *testing.T) {
	noProxies(t)
	secret := marker("mistake")
	broken := netrcFile(t, "machine a.example login\n"+secret+" password\nmachine "+secret+" port 1\n")
	for name, make := range map[string]func() error{
		"base URL with credentials":  newOf("https://" + secret + ":" + secret + "@a.example/"),
		"base URL with a bad port":   newOf("https://user:" + secret + "@a.example:x/"),
		"base URL with a query":      newOf("https://a.example/?key=" + secret),
		"base URL with a bad escape": newOf("https://user:" + secret + "@a.example%zz/%zz?" + secret),
		"header":                     newOf("https://a.example", crest.WithHeader("X-Key", secret+"\n")),
		"cookie":                     newOf("https://a.example", crest.WithCookie("sid", secret+";")),
		"key":                        newOf("https://a.example", crest.WithAPIKey("X-Key", crest.NewSecret(secret+"\r"))),
		"password":                   newOf("https://a.example", crest.WithBasic("user", crest.NewSecret(secret+"\n"))),
		"user":                       newOf("https://a.example", crest.WithBasic(secret+":", crest.NewSecret(secret))),
		"digest user":                newOf("https://a.example", crest.WithDigest(secret+":", crest.NewSecret(secret))),
		"plain http":                 newOf("http://a.example", crest.WithBearer(crest.NewSecret(secret))),
		"defaults":                   newOf("http://a.example", crest.WithDefaults(commonFields{Key: crest.NewSecret(secret)})),
		"netrc":                      newOf("https://a.example", crest.WithNetrc(broken), crest.WithHeader("X", "\n")),
		"saved cookies": func() error {
			path := t.TempDir() + "/jar.json"
			require.NoError(t, os.WriteFile(path, []byte(`{"version":1,"cookies":["`+secret+`"]}`), 0o600))
			return new(crest.Jar).Load(path)
		},
		"shared cookie": func() error { return new(crest.Jar).SetShared(&http.Cookie{Name: "a", Value: secret + "\n"}) },
		"Secret in JSON": func() error {
			return json.Unmarshal([]byte(`{"key":{"`+secret+`":1}}`), &struct {
				Key crest.Secret `json:"key"`
			}{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := make()
			require.Error(t, err)
			eachError(err, func(e error) {
				require.False(t, formsIn(strings.ToLower(texts(e)), coreForms), "%v", e)
			})
		})
	}
}

func newOf(base string, opts ...crest.ClientOption) func() error {
	return func() error {
		_, err := crest.New[*markedFailure](base, opts...)
		return err
	}
}
