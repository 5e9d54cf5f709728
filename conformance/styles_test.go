package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/crest-go/crest"
)

// styleSuite is OpenAPI's table of style examples.
type styleSuite struct {
	Name   string                     `json:"name"`
	Values map[string]json.RawMessage `json:"values"`
	Groups map[string][]styleCase     `json:"groups"`
}

type styleCase struct {
	In         string `json:"in"`
	Style      string `json:"style"`
	Explode    bool   `json:"explode"`
	Value      string `json:"value"`
	Serialized string `json:"serialized"`
}

// id names a case: "path matrix explode=true array".
func (c styleCase) id() string {
	return fmt.Sprintf("%s %s explode=%t %s", c.In, c.Style, c.Explode, c.Value)
}

// The groups of the table, how many of their cases pass, and which do not, with the reason.
var styleGroups = map[string]struct {
	floor int
	skips map[string]string
}{
	"core":      {floor: 31},
	"undefined": {skips: undefinedSkips},
	"cookie":    {floor: 8},
}

const noPathValue = "a path parameter without a value is an error: it would ask for another resource"

var undefinedSkips = map[string]string{
	"path matrix explode=false undefined": noPathValue,
	"path matrix explode=true undefined":  noPathValue,
	"path label explode=false undefined":  noPathValue,
	"path label explode=true undefined":   noPathValue,
	"path simple explode=false undefined": noPathValue,
	"path simple explode=true undefined":  noPathValue,
}

// TestOpenAPIStyles sends each value of the table in each style and compares the text literally.
func TestOpenAPIStyles(t *testing.T) {
	var suite styleSuite
	if err := json.Unmarshal(data(t, "suites/openapi-styles/styles.json"), &suite); err != nil {
		t.Fatal(err)
	}
	server := newRecorder(t)
	client := server.client(t, "")
	for _, name := range sortedKeys(suite.Groups) {
		group := styleGroups[name]
		count := newTally("openapi styles "+name, group.skips)
		for _, c := range suite.Groups[name] {
			count.run(c.id(), func() error { return suite.check(t, client, server, c) })
		}
		count.done(t, group.floor)
	}
}

// check runs one case.
func (s *styleSuite) check(t *testing.T, client crest.Caller, server *recorder, c styleCase) error {
	value, err := s.value(c.Value)
	if err != nil {
		return err
	}
	model := reflect.New(reflect.StructOf([]reflect.StructField{{
		Name: "Field", Type: value.Type(),
		Tag: reflect.StructTag(fmt.Sprintf(`%s:"%s,style=%s,explode=%t"`, c.In, s.Name, c.Style, c.Explode)),
	}})).Elem()
	model.Field(0).Set(value)
	route := "/"
	if c.In == "path" {
		route += "{" + s.Name + "}"
	}
	endpoint, err := crest.NewEndpointOf(http.MethodGet, route, model.Type(), reflect.TypeFor[crest.Empty]())
	if err != nil {
		return err
	}
	server.last = recorded{}
	if _, err := endpoint.Call(t.Context(), client, model.Interface()); err != nil {
		if !errors.Is(err, crest.ErrRequest) || server.last.method != "" {
			t.Errorf("%s: refused, but not before anything was sent: %v", c.id(), err)
		}
		return err
	}
	return differ(c.In, c.Serialized, c.sent(server.last))
}

// sent is the part of a request that a case is about.
func (c styleCase) sent(r recorded) string {
	path, query, found := strings.Cut(r.uri, "?")
	switch {
	case c.In == "query" && found:
		return "?" + query
	case c.In == "path":
		return strings.TrimPrefix(path, "/")
	case c.In == "header" || c.In == "cookie":
		return strings.Join(r.header[map[string]string{"header": "Color", "cookie": "Cookie"}[c.In]], ", ")
	}
	return ""
}

// value is a value of the table: text, a list, an object as a struct with its members in their order, or nothing.
func (s *styleSuite) value(name string) (reflect.Value, error) {
	raw, ok := s.Values[name]
	if !ok {
		return reflect.Value{}, fmt.Errorf("the table has no value %q", name)
	}
	var decoded any
	if err := json.Unmarshal(raw, &decoded); err != nil {
		return reflect.Value{}, err
	}
	switch v := decoded.(type) {
	case nil:
		return reflect.Zero(reflect.TypeFor[*string]()), nil
	case []any:
		if len(v) > 0 && reflect.TypeOf(v[0]).Kind() == reflect.Slice {
			return objectOf(v), nil
		}
		list := make([]string, len(v))
		for i, item := range v {
			list[i] = fmt.Sprint(item)
		}
		return reflect.ValueOf(list), nil
	}
	return reflect.ValueOf(decoded), nil
}

// objectOf makes a struct of pairs of name and value.
func objectOf(pairs []any) reflect.Value {
	fields := make([]reflect.StructField, len(pairs))
	for i, pair := range pairs {
		name, value := pair.([]any)[0], pair.([]any)[1]
		fields[i] = reflect.StructField{
			Name: fmt.Sprintf("F%d", i), Type: reflect.TypeOf(value),
			Tag: reflect.StructTag(fmt.Sprintf(`json:"%s"`, name)),
		}
	}
	v := reflect.New(reflect.StructOf(fields)).Elem()
	for i, pair := range pairs {
		v.Field(i).Set(reflect.ValueOf(pair.([]any)[1]))
	}
	return v
}
