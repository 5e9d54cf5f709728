package har

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/crest-go/crest"
)

// entry is one request, first on its way and then written down: a flight holds on to its call, which must not live as long as the
// archive.
type entry struct {
	mu      sync.Mutex
	flight  *flight // nil when it is over
	written []byte  // JSON
}

// flight is what is known of a request that is not complete.
type flight struct {
	rules  crest.Redaction
	limit  int // of bodies
	show   []string
	info   crest.Info // the zero value for requests of other libraries
	asked  head
	method string
	url    string
	clock  clock
	sent   *capture // the body that was begun last; nil for none
	answer *answer  // nil for none
	body   capture  // the answer's
	err    string
}

// head is what a request and its answer have in common.
type head struct {
	header      http.Header // redacted
	cookies     []*http.Cookie
	contentType string
	coding      string
}

// answer is the head of one.
type answer struct {
	head
	status     int
	statusText string
	proto      string
	length     int64 // -1 when not declared
	opened     bool  // decompressed by the transport
	hasBody    bool
}

func newEntry(r *Recorder, req *http.Request) *entry {
	f := &flight{rules: crest.RedactionOf(req), limit: max(0, r.Body), show: r.ShowQuery, method: cmp.Or(req.Method, http.MethodGet)}
	f.info, _ = crest.EndpointInfo(req)
	f.url = f.rules.URL(req.URL, f.show...)
	header := f.rules.RequestHeader(req.Header)
	if header != nil && req.Host != "" && req.Host != req.URL.Host {
		header["Host"] = []string{req.Host}
	}
	f.asked = headOf(req.Header, header, req.Cookies())
	f.clock.begun = time.Now()
	return &entry{flight: f}
}

func headOf(h, shown http.Header, cookies []*http.Cookie) head {
	coding := strings.ToLower(strings.TrimSpace(strings.Join(h["Content-Encoding"], ",")))
	if coding == "identity" {
		coding = ""
	}
	return head{shown, cookies, h.Get("Content-Type"), coding}
}

// do changes the flight, unless that is over.
func (e *entry) do(change func(f *flight)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flight != nil {
		change(e.flight)
	}
}

// end writes the entry down.
func (e *entry) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f := e.flight; f != nil {
		f.clock.ended = time.Now()
		e.written, e.flight = f.text(), nil
	}
}

// text is the entry as it stands.
func (e *entry) text() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flight != nil {
		return e.flight.text()
	}
	return e.written
}

var (
	errPanic    = errors.New("a transport or a middleware panicked")
	errNoAnswer = errors.New("the transport or a middleware returned neither a response nor an error")
)

// failed ends an entry without an answer.
func (e *entry) failed(req *http.Request, err error) {
	if err == nil {
		err = errNoAnswer
	}
	info, _ := crest.EndpointInfo(req)
	e.do(func(f *flight) { f.info, f.err = info, errorText(err) })
	e.end()
}

// answered notes the head of the answer, and looks on as its body is read. The connection of an upgrade is left as it is.
func (e *entry) answered(req *http.Request, resp *http.Response) {
	info, _ := crest.EndpointInfo(req)
	hasBody := resp.Body != nil && resp.Body != http.NoBody && resp.StatusCode != http.StatusSwitchingProtocols
	e.do(func(f *flight) {
		f.info, f.clock.answered = info, time.Now()
		f.answer = &answer{
			head: headOf(resp.Header, f.rules.ResponseHeader(resp.Header, f.show...), resp.Cookies()), status: resp.StatusCode,
			statusText: reason(resp), proto: cmp.Or(resp.Proto, unknownVersion), length: resp.ContentLength, opened: resp.Uncompressed, hasBody: hasBody,
		}
		f.body.limit = f.room(f.answer.coding)
	})
	if !hasBody {
		e.end()
		return
	}
	resp.Body = &receivedBody{resp.Body, e}
}

// reason is the text behind the status.
func reason(resp *http.Response) string {
	return strings.TrimSpace(strings.TrimPrefix(resp.Status, strconv.Itoa(resp.StatusCode)))
}

// errorText is an error without the URL that net/url writes into its messages, query and all.
func errorText(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*url.Error](err); ok {
		text = strings.ReplaceAll(text, strconv.Quote(e.URL), "the URL")
	}
	if len(text) > maxErrorText {
		text = text[:maxErrorText] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// maxErrorText is how long the text of an error may be: a server can have had a hand in it.
const maxErrorText = 1024
