package har

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/crest-go/crest"
)

// The members of an archive that are objects. Those whose names begin with _ are crest's own, as the format allows.
type (
	record struct {
		Started    string         `json:"startedDateTime"`
		Time       millis         `json:"time"`
		Request    requestRecord  `json:"request"`
		Response   responseRecord `json:"response"`
		Cache      struct{}       `json:"cache"`
		Timings    timings        `json:"timings"`
		Server     string         `json:"serverIPAddress,omitempty"`
		Connection string         `json:"connection,omitempty"`
		Comment    string         `json:"comment,omitempty"`

		Endpoint string `json:"_endpoint,omitempty"`
		Attempt  int    `json:"_attempt,omitempty"`
		Hop      int    `json:"_hop,omitempty"`
		Slots    millis `json:"_slotWait,omitempty"` // a part of blocked
		Error    string `json:"_error,omitempty"`
	}
	requestRecord struct {
		Method      string      `json:"method"`
		URL         string      `json:"url"`
		Version     string      `json:"httpVersion"`
		Cookies     []cookie    `json:"cookies"`
		Headers     []pair      `json:"headers"`
		Query       []pair      `json:"queryString"`
		PostData    *postRecord `json:"postData,omitempty"`
		HeadersSize int         `json:"headersSize"`
		BodySize    int64       `json:"bodySize"`
	}
	responseRecord struct {
		Status      int           `json:"status"`
		StatusText  string        `json:"statusText"`
		Version     string        `json:"httpVersion"`
		Cookies     []cookie      `json:"cookies"`
		Headers     []pair        `json:"headers"`
		Content     contentRecord `json:"content"`
		RedirectURL string        `json:"redirectURL"`
		HeadersSize int           `json:"headersSize"`
		BodySize    int64         `json:"bodySize"`
	}
	// postRecord has either Params, of a form, or Text.
	postRecord struct {
		MimeType string  `json:"mimeType"`
		Params   []pair  `json:"params,omitzero"`
		Text     *string `json:"text,omitempty"`
		Comment  string  `json:"comment,omitempty"`
	}
	contentRecord struct {
		Size        int64  `json:"size"`
		Compression *int64 `json:"compression,omitempty"`
		MimeType    string `json:"mimeType"`
		Text        string `json:"text,omitempty"`
		Encoding    string `json:"encoding,omitempty"`
		Comment     string `json:"comment,omitempty"`
	}
	pair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	cookie struct {
		pair
		Expires  string `json:"expires,omitempty"`
		HTTPOnly bool   `json:"httpOnly,omitempty"`
		Secure   bool   `json:"secure,omitempty"`
	}
)

const (
	// notKnown is the size of what is not seen: header lines are the transport's.
	notKnown = -1
	// unknownVersion is that of a message which nobody has answered.
	unknownVersion = "unknown"
	redacted       = "[redacted]"
)

// archiveWriter writes an archive entry by entry.
type archiveWriter struct {
	to      io.Writer
	n       int64
	err     error
	entries int
}

func (w *archiveWriter) begin() {
	w.write([]byte(`{"log":{"version":"1.2","creator":{"name":"crest","version":"` + crest.Version + `"},"entries":[`))
}

func (w *archiveWriter) entry(text []byte) {
	if w.entries++; w.entries > 1 {
		w.write([]byte(","))
	}
	w.write([]byte("\n"))
	w.write(text)
}

func (w *archiveWriter) end() { w.write([]byte("\n]}}\n")) }

func (w *archiveWriter) write(p []byte) {
	if w.err != nil {
		return
	}
	n, err := w.to.Write(p)
	w.n += int64(n)
	w.err = err
}

// text writes a flight down as it stands.
func (f *flight) text() []byte {
	r := record{
		Started: isoTime(f.clock.begun), Timings: f.clock.timings(time.Now(), f.info.Wait), Server: f.clock.server, Connection: f.clock.port,
		Request: f.request(), Response: f.response(), Comment: strings.Join(f.state(), "; "),
		Endpoint: f.info.Endpoint, Attempt: f.info.Attempt, Hop: f.info.Hop, Slots: millis(f.info.Wait.Microseconds()), Error: cmp.Or(f.err, f.body.err),
	}
	r.Time = r.Timings.sum()
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false) // & is in most URLs
	_ = out.Encode(r)        // these types have nothing that could fail
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

func isoTime(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z07:00") }

// state is what is not complete about an entry.
func (f *flight) state() (notes []string) {
	open := f.clock.ended.IsZero()
	switch {
	case open && f.answer == nil:
		notes = append(notes, "under way: there is no answer yet")
	case open:
		notes = append(notes, "under way: the body of the answer has not ended yet")
	case f.answer == nil:
		notes = append(notes, "there was no answer")
	case f.body.err != "":
		notes = append(notes, "the body of the answer broke off")
	case f.answer.status == http.StatusSwitchingProtocols:
		notes = append(notes, "what was said after the upgrade is not recorded")
	case !f.body.whole && f.body.n != f.answer.length && f.answer.hasBody:
		notes = append(notes, "the body of the answer was closed before its end")
	}
	return notes
}

func (f *flight) request() requestRecord {
	r := requestRecord{
		Method: f.method, URL: f.url, Version: unknownVersion, Cookies: cookies(f.asked.cookies), Headers: headers(f.asked.header),
		Query: query(f.url), HeadersSize: notKnown,
	}
	if f.answer != nil {
		r.Version = f.answer.proto
	}
	if f.sent != nil {
		r.BodySize = f.sent.n
		r.PostData = f.posted()
	}
	return r
}

// posted is the body of the request.
func (f *flight) posted() *postRecord {
	mediaType := f.asked.contentType
	c := f.sent.content(f.asked.coding, f.limit, func(body []byte) ([]byte, bool) { return f.rules.RequestBody(body, mediaType) })
	if f.asked.coding != "" && c.bytes != nil {
		c = c.note("it was sent with the content coding " + quoted(f.asked.coding))
	}
	p := &postRecord{MimeType: f.asked.header.Get("Content-Type")}
	switch {
	case strings.HasPrefix(strings.ToLower(mediaType), "application/x-www-form-urlencoded"):
		p.Params = values(string(c.bytes))
	case isText(c.bytes, mediaType):
		p.Text = new(string(c.bytes))
	default:
		p.Text = new("")
		c = c.note("the body is no text, and the format has no place for bytes here")
	}
	p.Comment = strings.Join(c.notes, "; ")
	return p
}

func (f *flight) response() responseRecord {
	a := f.answer
	if a == nil {
		return responseRecord{Version: unknownVersion, Cookies: []cookie{}, Headers: []pair{}, HeadersSize: notKnown, BodySize: notKnown}
	}
	r := responseRecord{
		Status: a.status, StatusText: a.statusText, Version: a.proto, Cookies: cookies(a.cookies), Headers: headers(a.header),
		Content: f.content(), RedirectURL: a.header.Get("Location"), HeadersSize: notKnown, BodySize: f.body.n,
	}
	if a.opened {
		r.BodySize = notKnown
	}
	return r
}

// content is the body of the answer.
func (f *flight) content() contentRecord {
	a := f.answer
	c := f.body.content(a.coding, f.limit, func(body []byte) ([]byte, bool) {
		if a.repeatsURL() {
			return nil, false
		}
		return f.rules.ResponseBody(a.status, body, a.contentType)
	})
	r := contentRecord{Size: c.size, MimeType: a.header.Get("Content-Type")}
	if c.opened {
		r.Compression = new(c.size - f.body.n)
	} else if a.coding != "" && f.body.n > 0 {
		c = c.note("the size is that of the compressed body")
	}
	if r.Text = string(c.bytes); !isText(c.bytes, a.contentType) {
		r.Text, r.Encoding = base64.StdEncoding.EncodeToString(c.bytes), "base64"
	}
	r.Comment = strings.Join(c.notes, "; ")
	return r
}

// repeatsURL reports whether the body may have a URL with what is hidden of it: many servers write that of a redirect into it, query and all.
func (a *answer) repeatsURL() bool {
	to := a.header.Get("Location")
	return to != "" && a.status/100 == 3 || strings.Contains(to, redacted)
}

func headers(h http.Header) []pair {
	out := []pair{}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			out = append(out, pair{name, value})
		}
	}
	return out
}

// cookies are told by their names.
func cookies(in []*http.Cookie) []cookie {
	out := []cookie{}
	for _, c := range in {
		told := cookie{pair: pair{c.Name, redacted}, HTTPOnly: c.HttpOnly, Secure: c.Secure}
		if !c.Expires.IsZero() {
			told.Expires = isoTime(c.Expires)
		}
		out = append(out, told)
	}
	return out
}

func query(shown string) []pair {
	_, raw, _ := strings.Cut(shown, "?")
	return values(raw)
}

// values are the pairs of a query or a form, in their order.
func values(raw string) []pair {
	out := []pair{}
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		out = append(out, pair{unescaped(name), unescaped(value)})
	}
	return out
}

func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}
