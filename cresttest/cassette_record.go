package cresttest

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/crest-go/crest"
)

// maxBody is how much of a body is held.
const maxBody = 10 << 20

// redacted stands in place of what is hidden.
const redacted = "[redacted]"

// take is one exchange while it is recorded.
type take struct {
	*cassette
	hide crest.Redaction
	into *exchange // its place among the others
	req  *http.Request
	resp *http.Response
	sent copied
	came copied
	once sync.Once
}

// record sends a request on and writes down what comes.
func (c *cassette) record(next http.RoundTripper, req *http.Request) (*http.Response, error) {
	r := &take{cassette: c, hide: crest.RedactionOf(req), into: &exchange{}, req: req}
	c.mu.Lock()
	c.tape.exchanges = append(c.tape.exchanges, r.into)
	c.mu.Unlock()
	resp, err := next.RoundTrip(r.copying(req))
	switch {
	case err != nil || resp == nil || resp.Body == nil:
		r.lose("had no answer")
	case resp.StatusCode < http.StatusOK:
		r.lose("changed the protocol, which cannot be played")
	default:
		r.resp = resp
		resp.Body = &takenBody{resp.Body, r}
	}
	return resp, err
}

// copying is the request with a body that is written down as it is read.
func (r *take) copying(req *http.Request) *http.Request {
	if req.Body == nil || req.Body == http.NoBody || r.inMemory(req) {
		return req
	}
	out := req.WithContext(req.Context())
	out.Body = r.sent.of(req.Body)
	if again := req.GetBody; again != nil {
		out.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			if err != nil {
				return nil, err
			}
			return r.sent.of(body), nil
		}
	}
	return out
}

// inMemory notes a body that is bytes, and leaves the request as it is: net/http sends the header of any other body first, in a
// packet of its own.
func (r *take) inMemory(req *http.Request) bool {
	if req.GetBody == nil || reflect.TypeOf(req.Body) != reflect.TypeOf(io.NopCloser(&bytes.Reader{})) {
		return false
	}
	again, err := req.GetBody()
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, r.sent.of(again))
	return again.Close() == nil
}

// lose leaves the exchange out, and says so.
func (r *take) lose(why string) {
	r.once.Do(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		name, _ := r.name()
		r.lost = append(r.lost, fmt.Sprintf("not recorded: a request of %s %s", name, why))
		r.tape.exchanges = slices.DeleteFunc(r.tape.exchanges, func(x *exchange) bool { return x == r.into })
	})
}

// name is that of the operation.
func (r *take) name() (name string, info crest.Info) {
	info, called := crest.EndpointInfo(r.req)
	if !called {
		return r.req.Method + " " + r.path(), info
	}
	return info.Endpoint, info
}

func (r *take) path() string {
	path, _, _ := strings.Cut(shownTarget(r.hide, r.req.URL, nil), "?")
	return path
}

// done puts the exchange into its place; partial says that nobody has read the body to its end.
func (r *take) done(partial bool) {
	r.once.Do(func() {
		x := r.exchange(partial)
		r.mu.Lock()
		defer r.mu.Unlock()
		*r.into = *x
		if !x.foreign && r.operation(x.operation, r.req.Header) == nil {
			r.t.Errorf("cresttest: %s was recorded into %s, and is not among its operations: add cresttest.Of; %s", x.operation, r.file, r.known())
		}
	})
}

func (r *take) exchange(partial bool) *exchange {
	name, info := r.name()
	x := &exchange{
		operation: oneLine(name), foreign: info.Endpoint == "", method: r.req.Method, target: shownTarget(r.hide, r.req.URL, r.show),
		status: r.resp.StatusCode, reason: http.StatusText(r.resp.StatusCode),
	}
	x.request = r.request(x.target)
	x.answer = r.answer(partial)
	if op := r.operation(name, r.req.Header); op != nil && !x.foreign {
		_, err := op.decode(x)
		x.elsewhere = info.Redirects > 0 || errors.Is(err, crest.KindRoute)
	}
	return x
}

// request is what may be seen of it.
func (r *take) request(target string) message {
	var hidden hiding
	hidden.query(r.req.URL.RawQuery, target)
	raw, whole := r.sent.bytes()
	m := message{header: kept(r.req.Header, r.hide.RequestHeader(r.req.Header), nil, &hidden), partial: !whole && int64(len(raw)) != r.req.ContentLength}
	m.header["Host"] = []string{oneLine(firstOf(r.req.Host, r.req.URL.Host))}
	body := r.bounded("request", uncoded(m.header, raw))
	text, ok := r.hide.RequestBody(body, m.header.Get("Content-Type"))
	m.body = hidden.body(body, text, ok)
	m.notes = hidden.notes
	return m
}

// answer is what may be seen of it.
func (r *take) answer(partial bool) message {
	var hidden hiding
	name, _ := r.name()
	op := r.operation(name, r.req.Header)
	if op == nil {
		op = &operation{}
	}
	m := message{header: kept(r.resp.Header, r.hide.ResponseHeader(r.resp.Header, r.show...), op.headers, &hidden), partial: partial}
	repeated := r.resp.StatusCode/100 == 3 && !slices.Equal(m.header["Location"], r.resp.Header["Location"])
	r.numberLinks(m.header)
	op.keepSecrets(m.header, r.resp)
	keepChallenge(m.header, r.resp)
	raw, _ := r.came.bytes()
	body := r.bounded("answer", uncoded(m.header, raw))
	text, ok := r.hide.ResponseBody(r.resp.StatusCode, body, m.header.Get("Content-Type"))
	if repeated && len(body) > 0 { // many servers write the URL into the body, query and all
		ok = false
	}
	m.body = hidden.body(body, text, ok)
	m.notes = hidden.notes
	return m
}

// numberLinks tells hidden values in links apart: pages that all lead to the same URL would be a loop.
func (r *take) numberLinks(header http.Header) {
	for i, link := range header["Link"] {
		if strings.Contains(link, redacted) {
			mark := fmt.Sprintf("%s-%d]", strings.TrimSuffix(redacted, "]"), r.marks.Add(1))
			header["Link"][i] = strings.ReplaceAll(link, redacted, mark)
		}
	}
}

// bounded fails the test for a body that is cut.
func (r *take) bounded(what string, body []byte) []byte {
	if len(body) <= maxBody {
		return body
	}
	name, _ := r.name()
	r.t.Errorf("cresttest: the %s of %s has more than %d MiB, which a cassette does not hold: it is cut there", what, name, maxBody>>20)
	return body[:maxBody]
}

// hiding gathers what a section does not show.
type hiding struct{ notes []string }

func (h *hiding) query(raw, target string) {
	_, query, _ := strings.Cut(target, "?")
	was, is := strings.Split(raw, "&"), strings.Split(query, "&")
	var names []string
	for i := range is {
		if name, value, _ := strings.Cut(is[i], "="); value == redacted && i < len(was) && was[i] != is[i] {
			names = append(names, name)
		}
	}
	if query == redacted {
		names = []string{"all of it"}
	}
	if len(names) > 0 {
		h.notes = append(h.notes, "hidden in the query: "+strings.Join(names, ", ")+" (cresttest.ShowQuery shows what no WithRedact names)")
	}
}

func (h *hiding) body(body, shown []byte, ok bool) []byte {
	switch {
	case !ok:
		h.notes = append(h.notes, "the body is hidden: it has a Secret, a name of WithRedact, or what is hidden in Location, that cannot be told from the rest")
		return []byte(redacted)
	case !bytes.Equal(body, shown):
		h.notes = append(h.notes, "hidden in the body: what is a Secret in the model or named by WithRedact")
	}
	return shown
}

// volatile are headers that differ each time, or speak of the way and not of the message.
var volatile = []string{
	"Accept-Encoding", "Age", "Alt-Svc", "Connection", "Content-Length", "Date", "Keep-Alive", "Proxy-Connection", "Server-Timing", "Te", "Traceparent",
	"Tracestate", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Via",
}

// kept is a header without what is hidden or differs each time. What a model reads is kept all the same.
func kept(header, shown http.Header, read []string, hidden *hiding) http.Header {
	out := http.Header{}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(header)) {
		switch {
		case slices.Contains(volatile, name) && !slices.Contains(read, name), !token(name):
		case slices.Equal(shown[name], header[name]) || !slices.Contains(shown[name], redacted):
			for _, value := range shown[name] {
				out[name] = append(out[name], oneLine(value))
			}
		default:
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		hidden.notes = append(hidden.notes, "hidden headers: "+strings.Join(names, ", "))
	}
	return out
}

func firstOf(texts ...string) string {
	i := slices.IndexFunc(texts, func(text string) bool { return text != "" })
	if i < 0 {
		return ""
	}
	return texts[i]
}

// shownTarget is path and query of a URL as they may be seen, in a form that fits into a request line.
func shownTarget(hide crest.Redaction, u *url.URL, show []string) string {
	text := hide.URL(&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}, show...)
	if !strings.HasPrefix(text, "/") {
		text = "/" + text
	}
	var b strings.Builder
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// uncoded is a body without its content coding, whose header is taken away. One that cannot be decoded stays as it is.
func uncoded(header http.Header, raw []byte) []byte {
	var r io.Reader
	var err error
	switch strings.ToLower(strings.Join(header["Content-Encoding"], ",")) {
	case "":
		return raw
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(raw))
	case "deflate":
		r, err = zlib.NewReader(bytes.NewReader(raw))
	default:
		return raw
	}
	if len(raw) > 0 {
		if err != nil {
			return raw
		}
		plain, err := io.ReadAll(io.LimitReader(r, maxBody+1))
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return raw
		}
		raw = plain
	}
	delete(header, "Content-Encoding")
	return raw
}

// save writes the file, if there is something to write.
func (c *cassette) save() error {
	c.tape.notes = c.lost
	c.tape.exchanges = slices.DeleteFunc(c.tape.exchanges, func(x *exchange) bool {
		if x.method == "" {
			c.tape.notes = append(c.tape.notes, "not recorded: a request whose answer nobody has closed")
		}
		return x.method == ""
	})
	if len(c.tape.exchanges) == 0 {
		return nil
	}
	dir := filepath.Dir(c.file)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, filepath.Base(c.file)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(c.tape.text())
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), c.file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
