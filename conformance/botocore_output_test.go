package conformance

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/crest-go/crest"
)

// outputFloor is how many output cases pass.
const outputFloor = 59

// outputSkips are the output cases that crest does not pass, with the reason.
var outputSkips = map[string]string{}

// TestBotocoreOutput serves each case's response from loopback and compares the model, or the error, that comes of it.
func TestBotocoreOutput(t *testing.T) {
	suites := botoSuites(t, "output.json")
	server := &player{}
	server.Server = httptest.NewServer(server)
	t.Cleanup(server.Close)
	client, err := crest.New[*crest.Problem](server.URL, crest.WithTransport(server.Client().Transport))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	count := newTally("botocore output", outputSkips)
	for _, suite := range suites {
		for _, c := range suite.Cases {
			server.current = c
			count.run(c.ID, func() error { return suite.checkOutput(t, client, c) })
		}
	}
	count.done(t, outputFloor)
}

// checkOutput runs one case.
func (s *botoSuite) checkOutput(t *testing.T, client crest.Caller, c *botoCase) error {
	b := s.newBuilder(true, c.Result)
	model := reflect.TypeFor[crest.Empty]()
	if c.Given.Output != nil {
		model = b.model(c.Given.Output)
	}
	known, err := s.errorMap(c)
	if err != nil {
		return err
	}
	endpoint, err := crest.NewEndpointOf(c.Given.HTTP.Method, c.route(), reflect.TypeFor[crest.Empty](), model, crest.WithErrors(known))
	if err != nil {
		return fmt.Errorf("declaring: %w", err)
	}
	response, err := endpoint.Do(t.Context(), client, nil)
	if c.ErrorCode != "" {
		return c.compareError(err)
	}
	if err != nil {
		return fmt.Errorf("calling: %w", err)
	}
	return differ("result", orEmpty(c.Result), b.result(c, response))
}

// result is what came, in the suite's terms: the model and, where the output names it, the status.
func (b *typeBuilder) result(c *botoCase, response *crest.Response[any]) map[string]any {
	if c.Given.Output == nil {
		return map[string]any{}
	}
	found := b.read(reflect.ValueOf(response.Model), c.Given.Output)
	for _, member := range b.shape(c.Given.Output).Members {
		switch member.value.Location {
		case "statusCode":
			found[member.name] = float64(response.StatusCode)
		case "headers":
			dropTransport(member.value, found[member.name])
		}
	}
	return found
}

// dropTransport takes out of a map of all headers what the server's own HTTP adds to each answer.
func dropTransport(m *botoMember, headers any) {
	all, _ := headers.(map[string]any)
	if m.LocationName != "" || all == nil {
		return
	}
	for _, name := range []string{"date", "content-length"} {
		delete(all, name)
	}
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// player answers as the current case says.
type player struct {
	*httptest.Server
	current *botoCase
}

// ServeHTTP writes the response of the case. A body without a type is JSON: the case leaves that open.
func (p *player) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	response := p.current.Response
	for name, value := range response.Headers {
		w.Header().Set(name, value)
	}
	if response.Body != "" && w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write([]byte(response.Body))
}

// The error models of the suite, as an SDK would write them.
type (
	fooError     struct{}
	complexError struct {
		Header   *string `header:"X-Header,omitzero"`
		TopLevel *string `json:"TopLevel,omitzero"`
		Nested   *struct {
			Foo *string `json:"Fooooo,omitzero"`
		} `json:"Nested,omitzero"`
	}
	invalidGreeting struct {
		Message *string `json:"Message,omitzero"`
	}
)

// Error names the error.
func (*fooError) Error() string { return "FooError" }

// Error names the error.
func (*complexError) Error() string { return "ComplexError" }

// Error is what the server said.
func (e *invalidGreeting) Error() string {
	if e.Message == nil {
		return "InvalidGreeting"
	}
	return *e.Message
}

// errorModels are the entries for an error map, by the name of the shape.
var errorModels = map[string]crest.ErrorModel{
	"FooError":        crest.As[*fooError](),
	"ComplexError":    crest.As[*complexError](),
	"InvalidGreeting": crest.As[*invalidGreeting](),
}

// errorMap declares the errors of an operation by the statuses that the model gives them.
func (s *botoSuite) errorMap(c *botoCase) (crest.ErrorMap, error) {
	known := crest.ErrorMap{}
	for _, m := range c.Given.Errors {
		entry := errorModels[m.Shape]
		if entry == nil {
			return nil, fmt.Errorf("the driver has no error model for %s", m.Shape)
		}
		known[s.shape(m).Error.HTTPStatusCode] = entry
	}
	return known, nil
}

// compareError holds the error of a call to the one that the case wants: its type, its members and the status.
func (c *botoCase) compareError(err error) error {
	if !errors.Is(err, crest.Status(c.Response.StatusCode)) {
		return fmt.Errorf("the error does not match the status %d: %v", c.Response.StatusCode, err)
	}
	answer, _ := errors.AsType[*crest.Error](err)
	code, members := describeError(answer.Model)
	problems := []error{
		differ("error code", c.ErrorCode, code),
		differ("error", orEmpty(c.Error), members),
	}
	if c.ErrorMessage != "" && answer.Model != nil {
		problems = append(problems, differ("error message", c.ErrorMessage, answer.Model.Error()))
	}
	return errors.Join(problems...)
}

// describeError is the shape's name of an error model, and its members that are set.
func describeError(model error) (code string, members map[string]any) {
	members = map[string]any{}
	put := func(name string, value *string) {
		if value != nil {
			members[name] = *value
		}
	}
	switch e := model.(type) {
	case *fooError:
		return "FooError", members
	case *complexError:
		put("Header", e.Header)
		put("TopLevel", e.TopLevel)
		if e.Nested != nil {
			members["Nested"] = map[string]any{}
			if e.Nested.Foo != nil {
				members["Nested"] = map[string]any{"Foo": *e.Nested.Foo}
			}
		}
		return "ComplexError", members
	case *invalidGreeting:
		put("Message", e.Message)
		return "InvalidGreeting", members
	}
	return fmt.Sprintf("%T", model), members
}
