package cresttest

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/crest-go/crest"
)

// Cassette records the exchanges of a client into a file, and plays them back from there:
//
//	store, err := petstore.New("token", crest.WithMiddleware(cresttest.Cassette(t, "testdata/pets.http", cresttest.Of(getPet))))
//
// The file is raw HTTP as text, to be read, reviewed and edited by hand; docs/testing.md describes it. What crest hides in its own texts is not in it
// ([crest.RedactionOf]): a Cassette lies above the credentials, and values of queries, headers and fields that are a [crest.Secret] are
// left out or stand as [redacted]. Give it to the client, not to endpoints, and as the last of the client's middleware, so that others see what is played.
//
// The variable CREST_CASSETTES says what is done:
//
//	""      a file that exists is played, one that does not is recorded; where the variable CI is set it means strict
//	record  the file is recorded anew
//	strict  the file is played, and must be there; each of its exchanges has to be played before the test ends
//
// What is played reaches no transport, limiter and cookie jar; a [crest.TokenSource] is asked, since credentials are got before. A request takes the first exchange of its operation
// that was not played, has its method, path and query as they are shown, and the same body, or else the first with any body. Retries, redirects and pages are
// exchanges like others. A request that finds none fails the test and its call, with [ErrCassette].
//
// Operations that the file may have are given by [Of] and [OfStream]. When a file is loaded, its requests and answers are read with them: what the declared models and their
// rules do not accept fails the test, with the line.
//
// A recording is written when the test ends, also of a test that failed. A request without an answer, and an answer that broke off, are
// left out, and a comment says so. Bodies have up to 10 MiB. The result is safe for concurrent use.
func Cassette(t TB, file string, opts ...CassetteOption) crest.Middleware {
	t.Helper()
	c := &cassette{t: t, file: file}
	for _, o := range opts {
		if o != nil {
			o(c)
		}
	}
	c.open()
	t.Cleanup(c.end)
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			if c.mode == recording {
				return c.record(next, req)
			}
			return c.play(req)
		})
	}
}

// CassetteOption is an option of [Cassette].
type CassetteOption func(c *cassette)

// ErrCassette is the error of a request that a [Cassette] does not have. It is not retried, unless a [crest.Retry] says so by its If.
var ErrCassette = errors.New("the cassette does not have the request")

// Of lets a [Cassette] have exchanges of an endpoint, and checks them with it. The endpoint of a pager is its [crest.Pager.Endpoint].
//
// Requests are read with [crest.Endpoint.DecodeRequest]; answers by a call of the endpoint that gets nothing else. The options of
// the client are not known there: its error model is not looked at, and of codecs it has those of crest.
func Of[Req, Res any](e *crest.Endpoint[Req, Res]) CassetteOption {
	return operationOf[Req](e, "", reflect.TypeFor[Res](), func(c *checker, req Req) error {
		res, err := e.Call(c.ctx, c.client, req, c.options()...)
		closeBody(res)
		return err
	})
}

// OfStream is [Of] for streams: each piece is read.
func OfStream[Req, T any](s *crest.Stream[Req, T]) CassetteOption {
	return operationOf[Req](s, mediaTypeOf(s), reflect.TypeFor[T](), func(c *checker, req Req) error {
		for _, err := range s.Call(c.ctx, c.client, req, c.options()...) {
			if err != nil {
				return err
			}
			c.pieces++
		}
		return nil
	})
}

// ShowQuery lets a [Cassette] show the values of query parameters, in requests and in the URLs of Location and Link. Without it
// they stand as [redacted], but for those that crest shows everywhere ([crest.Redaction.URL]).
func ShowQuery(names ...string) CassetteOption {
	return func(c *cassette) { c.show = append(c.show, names...) }
}

// mode is what a cassette does.
type mode int

const (
	playing mode = iota
	recording
	broken // the file cannot be used, which the test was told
)

// cassette is one file in the hands of one test.
type cassette struct {
	t      TB
	file   string
	ops    []*operation
	show   []string // query parameters
	mode   mode
	strict bool
	marks  atomic.Int64 // in links

	mu     sync.Mutex
	tape   *tape
	played map[*exchange]bool
	lost   []string // what was not recorded, as comments
}

// The variables of the environment that say what is done.
const (
	modeVariable = "CREST_CASSETTES"
	ciVariable   = "CI"
)

// open finds out what is to be done, and loads the file if that is to play it.
func (c *cassette) open() {
	c.t.Helper()
	c.tape, c.played = &tape{}, map[*exchange]bool{}
	wanted := os.Getenv(modeVariable)
	switch wanted {
	case "", "strict":
		c.strict = wanted == "strict" || !slices.Contains([]string{"", "0", "false"}, strings.ToLower(os.Getenv(ciVariable)))
	case "record":
		c.mode = recording
		return
	default:
		c.fails("the variable %s is %q: it is record, strict or empty", modeVariable, wanted)
		return
	}
	text, err := readFile(c.file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !c.strict:
		c.mode = recording
	case err != nil:
		c.fails("%v: record it with %s", err, c.again())
	default:
		c.load(text)
	}
}

func (c *cassette) load(text []byte) {
	c.t.Helper()
	parsed, err := parseTape(c.file, text)
	if err != nil {
		c.fails("%v", err)
		return
	}
	c.tape = parsed
	for _, mistake := range c.check() {
		c.t.Errorf("cresttest: %s", mistake)
	}
}

// fails tells the test that there is nothing to play.
func (c *cassette) fails(format string, args ...any) {
	c.t.Helper()
	c.mode = broken
	c.t.Errorf("cresttest: "+format, args...)
}

// again is the command that records.
func (c *cassette) again() string {
	run := "go test"
	if named, ok := c.t.(interface{ Name() string }); ok {
		name, _, _ := strings.Cut(named.Name(), "/")
		run += " -run '^" + regexp.QuoteMeta(name) + "$'"
	}
	return modeVariable + "=record " + run
}

// end is the end of the test.
func (c *cassette) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.mode == recording:
		if err := c.save(); err != nil {
			c.t.Errorf("cresttest: the recording could not be written: %v", err)
		}
	case c.strict && c.mode == playing:
		for _, x := range c.left() {
			c.t.Errorf("cresttest: %s:%d: %s was not played: take it out, or record anew with %s", c.file, x.line, x.title(), c.again())
		}
	}
}

// left are the exchanges that were not played.
func (c *cassette) left() []*exchange {
	return slices.DeleteFunc(slices.Clone(c.tape.exchanges), func(x *exchange) bool { return c.played[x] })
}

// operation finds one by its name and, of an endpoint and a stream that have the same, by what the request accepts.
func (c *cassette) operation(name string, header http.Header) (found *operation) {
	for _, op := range c.ops {
		if op.name != name {
			continue
		}
		if found == nil || op.mediaType != "" && accepts(header, op.mediaType) || found.mediaType != "" && !accepts(header, found.mediaType) {
			found = op
		}
	}
	return found
}

// known lists the operations, for messages.
func (c *cassette) known() string {
	if len(c.ops) == 0 {
		return "the cassette has no operations"
	}
	names := make([]string, len(c.ops))
	for i, op := range c.ops {
		names[i] = op.name
	}
	return "the cassette is of " + strings.Join(names, ", ")
}

// title is how messages name an exchange.
func (x *exchange) title() string { return fmt.Sprintf("%s (%s %s)", x.operation, x.method, x.target) }

// roundTrip is a function as a RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
