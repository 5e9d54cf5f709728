package har

import (
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/crest-go/crest"
)

// Recorder keeps the newest requests of one or more clients. [Recorder.Middleware] is what they are given, [Recorder.WriteTo] gives
// the archive. The zero value records everything but bodies. A Recorder is safe for concurrent use; its fields are set before the first, and it is
// not copied.
//
// A recorded body is copied as it is read, so that streams stay streams, and an entry is complete when the body of the answer has
// ended. What it costs is that copy, and writing the entry down in the goroutine that ends the body.
type Recorder struct {
	// Max is how many entries are kept; the oldest are dropped for new ones. 0 means 1,000, as does what is negative.
	Max int
	// Body is how many bytes of each body are kept, of the request's and of the answer's, after decompression: 0 for none. Bodies are data
	// that identifies people; the fields that are hidden in them are those of [crest.Secret] and of [crest.WithRedact]. A body that does
	// not fit is kept up to there, and not at all if something in it is to be hidden that cannot be found in a part.
	Body int
	// ShowQuery are the names of query parameters whose values are shown, beside a short list (limit, page and their like). WithRedact
	// hides a parameter all the same.
	ShowQuery []string

	mu      sync.Mutex
	entries []*entry
	oldest  int // where the ring begins once it is full
}

// Middleware is a [crest.Middleware] that records, for [crest.WithMiddleware]. It changes nothing: errors, bodies, contexts and panics
// pass as they are. Requests are recorded as it sees them: give it last, so that they are those that are sent. A nil Recorder records nothing.
func (r *Recorder) Middleware(next http.RoundTripper) http.RoundTripper {
	if r == nil {
		return next
	}
	return recording{r, next}
}

// WriteTo writes the archive, oldest entry first, and returns how many bytes that were. What is still under way stands in it as it is
// at this moment, with a comment that says so. The entries stay. An error is w's.
func (r *Recorder) WriteTo(w io.Writer) (int64, error) {
	out := &archiveWriter{to: w}
	out.begin()
	for _, e := range r.kept() {
		out.entry(e.text())
	}
	out.end()
	return out.n, out.err
}

// Reset forgets all entries. Requests under way are not recorded any more.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries, r.oldest = nil, 0
}

func (r *Recorder) kept() []*entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Concat(r.entries[r.oldest:], r.entries[:r.oldest])
}

func (r *Recorder) add(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	limit := r.Max
	if limit <= 0 {
		limit = 1000
	}
	if len(r.entries) < limit {
		r.entries = append(r.entries, e)
		return
	}
	r.entries[r.oldest] = e
	r.oldest = (r.oldest + 1) % len(r.entries)
}

// recording is the middleware around one way out.
type recording struct {
	recorder *Recorder
	next     http.RoundTripper
}

func (r recording) RoundTrip(req *http.Request) (*http.Response, error) {
	e := newEntry(r.recorder, req)
	r.recorder.add(e)
	sent := e.watch(req)
	returned := false
	defer func() {
		if !returned {
			e.failed(req, errPanic)
		}
	}()
	resp, err := r.next.RoundTrip(sent)
	returned = true
	if resp != nil && resp.Request == sent {
		resp.Request = req
	}
	if err != nil || resp == nil {
		e.failed(req, err)
	} else {
		e.answered(req, resp)
	}
	return resp, err
}

var _ crest.Middleware = (*Recorder)(nil).Middleware
