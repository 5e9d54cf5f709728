package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/crest-go/crest"
)

// inputFloor is how many input cases pass.
const inputFloor = 74

// inputSkips are the input cases that crest does not pass, with the reason.
var inputSkips = map[string]string{}

// TestBotocoreInput sends each case's value through an endpoint that is made of its model, and compares what a server gets.
func TestBotocoreInput(t *testing.T) {
	suites := botoSuites(t, "input.json")
	server := newRecorder(t)
	count := newTally("botocore input", inputSkips)
	for _, suite := range suites {
		client := server.client(t, suite.basePath())
		for _, c := range suite.Cases {
			count.run(c.ID, func() error { return suite.checkInput(t, client, server, c) })
		}
	}
	count.done(t, inputFloor)
}

// checkInput runs one case.
func (s *botoSuite) checkInput(t *testing.T, client crest.Caller, server *recorder, c *botoCase) error {
	endpoint, request, err := s.inputCall(c)
	if err != nil {
		return fmt.Errorf("declaring: %w", err)
	}
	server.last = recorded{}
	if _, err := endpoint.Call(t.Context(), client, request); err != nil {
		return fmt.Errorf("calling: %w", err)
	}
	return c.compareRequest(server.last)
}

// inputCall declares the operation and makes the request of a case.
func (s *botoSuite) inputCall(c *botoCase) (*crest.Endpoint[any, any], any, error) {
	model, request := reflect.TypeFor[crest.Empty](), any(nil)
	var options []crest.EndpointOption
	if c.Given.Input != nil {
		b := s.newBuilder(false, c.Params)
		model = b.model(c.Given.Input)
		v := reflect.New(model).Elem()
		b.fill(v, c.Given.Input, c.Params)
		request = v.Interface()
		options = s.payloadOptions(c.Given.Input)
	}
	endpoint, err := crest.NewEndpointOf(c.Given.HTTP.Method, c.route(), model, reflect.TypeFor[crest.Empty](), options...)
	return endpoint, request, err
}

// payloadOptions are what the protocol says of bodies of text: text/plain without a charset, which crest would add.
func (s *botoSuite) payloadOptions(m *botoMember) []crest.EndpointOption {
	shape := s.shape(m)
	for _, member := range shape.Members {
		if member.name == shape.Payload && s.shape(member.value).Type == "string" {
			return []crest.EndpointOption{crest.WithHeader("Content-Type", "text/plain")}
		}
	}
	return nil
}

// compareRequest holds what a server got to what the case wants. All differences are reported.
func (c *botoCase) compareRequest(got recorded) error {
	want := c.Serialized
	errs := []error{
		differ("method", want.Method, got.method),
		differ("uri", want.URI, got.uri),
	}
	if want.Body != nil {
		errs = append(errs, compareBody(*want.Body, got.body))
	}
	for _, name := range sortedKeys(want.Headers) {
		errs = append(errs, differ("header "+name, []string{want.Headers[name]}, got.header.Values(name)))
	}
	for _, name := range want.ForbidHeaders {
		if values := got.header.Values(name); values != nil {
			errs = append(errs, fmt.Errorf("header %s is there: %q", name, values))
		}
	}
	for _, name := range want.RequireHeaders {
		if got.header.Values(name) == nil {
			errs = append(errs, fmt.Errorf("header %s is missing", name))
		}
	}
	return errors.Join(errs...)
}

// compareBody compares JSON values if a body is JSON is wanted, else bytes.
func compareBody(want, got string) error {
	var wantValue, gotValue any
	if json.Unmarshal([]byte(want), &wantValue) != nil {
		return differ("body", want, got)
	}
	if err := json.Unmarshal([]byte(got), &gotValue); err != nil {
		return fmt.Errorf("body: %w: %q", err, got)
	}
	return differ("body", wantValue, gotValue)
}

// differ returns an error unless two values are equal.
func differ(what string, want, got any) error {
	if reflect.DeepEqual(want, got) {
		return nil
	}
	return fmt.Errorf("%s: want %#v, got %#v", what, want, got)
}

// recorder is a server on loopback that keeps what it was sent last.
type recorder struct {
	*httptest.Server
	last recorded
}

type recorded struct {
	method, uri, body string
	header            http.Header
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	rec := &recorder{}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		rec.last = recorded{r.Method, r.RequestURI, string(body), r.Header}
	}))
	t.Cleanup(rec.Close)
	return rec
}

// client makes a client of the recorder, with a path of the base URL and options.
func (r *recorder) client(t *testing.T, path string, opts ...crest.ClientOption) crest.Caller {
	t.Helper()
	opts = slices.Concat([]crest.ClientOption{crest.WithTransport(r.Client().Transport)}, opts)
	client, err := crest.New[*crest.Problem](strings.TrimSuffix(r.URL, "/")+path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}
