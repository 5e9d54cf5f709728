package crest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/crestdebug"
	"github.com/crest-go/crest/cresttest"
)

// errorTexts are all errors of a call, each with what hangs on it, in everything that prints.
func errorTexts(o *outcome) string {
	var all []any
	errs := []error{o.err}
	for _, err := range o.reported {
		errs = append(errs, err)
	}
	for _, err := range errs {
		eachError(err, func(e error) { all = append(all, parts(e)...) })
	}
	return texts(all...)
}

// eachError walks an error and everything that it wraps.
func eachError(err error, visit func(error)) {
	if err == nil {
		return
	}
	visit(err)
	switch w := err.(type) {
	case interface{ Unwrap() error }:
		eachError(w.Unwrap(), visit)
	case interface{ Unwrap() []error }:
		for _, inner := range w.Unwrap() {
			eachError(inner, visit)
		}
	}
}

// parts is an error with those of its fields that are made to be read.
func parts(err error) []any {
	all := []any{err, err.Error()}
	switch e := err.(type) {
	case *crest.CallError:
		all = append(all, *e, e.URL, e.Endpoint, e.RequestID, e.Kind, e.Step, e.History, e.Attempts)
		for _, a := range e.Attempts {
			eachError(a.Err, func(inner error) { all = append(all, inner) })
		}
		for i := range e.History {
			all = append(all, &e.History[i], e.History[i].URL)
		}
	case *crest.Error:
		all = append(all, *e, e.URL, e.Endpoint, e.RequestID)
	}
	return all
}

// valueTexts are crest's own values, as they are after the call.
func valueTexts(o *outcome) string {
	rt := crest.RoundTripper(o.client)
	all := []any{o.client, *o.client, rt, &rt, o.opts, o.jar, &struct{ jar *crest.Jar }{o.jar}, o.prepared, o.response}
	if p, ok := o.prepared.(*crest.Prepared[markedAnswer]); ok {
		all = append(all, *p)
	}
	if r, ok := o.response.(*crest.Response[markedAnswer]); ok {
		page := crest.Page[string, markedAnswer]{Response: r, Next: "https://a.example/?signature=" + marker("next page")}
		all = append(all, *r, page, &page, r.Model, r.Attempts, r.History, r.Status, r.RequestID, struct{ R *crest.Response[markedAnswer] }{r})
	}
	return texts(all...)
}

// preparedTexts is a request before it is sent, in the caller's hands.
func preparedTexts(o *outcome) string {
	p, ok := o.prepared.(*crest.Prepared[markedAnswer])
	if !ok {
		return ""
	}
	return fmt.Sprintln(p.Method(), p.URL(), p.Host(), p.Header())
}

// curlTexts is the command line of the prepared request.
func curlTexts(o *outcome) string {
	if p, ok := o.prepared.(interface{ Curl() string }); ok {
		return p.Curl()
	}
	return ""
}

// harTexts is the archive of all requests, with all of their bodies.
func harTexts(o *outcome) string {
	var b strings.Builder
	_, _ = o.har.WriteTo(&b)
	return b.String()
}

// figureTexts are the client's figures: as a value, as JSON, and on a page. The page is read as it is sent and as a browser shows it.
func figureTexts(o *outcome) string {
	s := crest.StatsOf(o.client)
	asJSON, err := json.Marshal(s)
	require.NoError(o.t, err)
	if o.err != nil && !errors.Is(o.err, crest.ErrClosed) {
		require.NotEmpty(o.t, s.Errors, "the call was counted")
	}
	w := httptest.NewRecorder()
	crestdebug.Handler(o.client).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return texts(s) + string(asJSON) + fmt.Sprint(w.Header()) + w.Body.String() + html.UnescapeString(w.Body.String())
}

// foreignTexts is all that other origins received.
func foreignTexts(o *outcome) string {
	var b strings.Builder
	for _, v := range o.lab.all() {
		if v.addr != "a.example:443" {
			b.WriteString(v.text)
		}
	}
	return b.String()
}

// proxyTexts is all that a proxy could read.
func proxyTexts(o *outcome) string {
	if o.proxy == nil {
		return ""
	}
	return fmt.Sprint(o.proxy.all())
}

// texts is all of it as anything prints it.
func texts(all ...any) string {
	var b strings.Builder
	for _, v := range all {
		for _, text := range shown(v) {
			b.WriteString(text)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// cassetteOf records a call; texts is the file, and what the cassette had to say.
func cassetteOf(t *testing.T) (tape crest.Middleware, texts func() string) {
	run := &cassetteRun{}
	file := filepath.Join(t.TempDir(), "tape.http")
	tape = cresttest.Cassette(run, file,
		cresttest.Of(crest.Post[markedRequest, markedAnswer]("/{tenant}/login")), cresttest.ShowQuery("page", "key"))
	return tape, func() string {
		run.end()
		text, _ := os.ReadFile(file) // none where nothing was answered
		return run.said.take() + string(text)
	}
}

// cassetteRun is the test that a cassette is of.
type cassetteRun struct {
	said sharedText
	end  func()
}

func (r *cassetteRun) Helper()                           {}
func (r *cassetteRun) Errorf(format string, args ...any) { fmt.Fprintf(&r.said, format+"\n", args...) }
func (r *cassetteRun) Cleanup(f func())                  { r.end = f }
