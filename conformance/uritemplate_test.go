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
	"github.com/crest-go/crest/internal/bind"
)

// negativeFloor is how many of the templates that RFC 6570 forbids are refused as routes.
const negativeFloor = 34

// negativeSkips are those that are routes in crest's own grammar, which has no operators and no modifiers.
var negativeSkips = map[string]string{
	"/{default-graph-uri}": "a placeholder's name may hold a hyphen: APIs name path parameters so, and crest has no operator -",
	"{x..y}":               "a placeholder's name may hold dots: only at its end do they mean something, the rest of the path",
}

// TestURITemplateNegatives gives each forbidden template as a route: it must be refused when it is declared, with a message.
// A template that does not begin with a slash gets one, or its refusal would say nothing about the template.
func TestURITemplateNegatives(t *testing.T) {
	var groups ordered[struct {
		TestCases [][]any `json:"testcases"`
	}]
	if err := json.Unmarshal(data(t, "suites/uritemplate/negative-tests.json"), &groups); err != nil {
		t.Fatal(err)
	}
	count := newTally("uritemplate negative", negativeSkips)
	for _, group := range groups {
		for _, c := range group.value.TestCases {
			template := fmt.Sprint(c[0])
			count.run(template, func() error { return checkRefused(template) })
		}
	}
	count.done(t, negativeFloor)
}

// checkRefused returns an error unless a template is refused, as it is and after a slash.
func checkRefused(template string) error {
	for _, route := range []string{template, "/" + strings.TrimPrefix(template, "/")} {
		_, err := crest.NewEndpointOf(http.MethodGet, route, modelOf(route), reflect.TypeFor[crest.Empty]())
		switch {
		case err == nil:
			return fmt.Errorf("the route %s is taken", route)
		case !strings.Contains(err.Error(), "the route") && !strings.Contains(err.Error(), "the placeholder"):
			return errors.New("the message does not say what is wrong: " + err.Error())
		}
	}
	return nil
}

// modelOf has a field for each placeholder of a route, so that a route that can be read is refused for nothing else.
func modelOf(template string) reflect.Type {
	route, mistakes := bind.ParseRoute(template)
	if len(mistakes) > 0 {
		return reflect.TypeFor[crest.Empty]()
	}
	fields := make([]reflect.StructField, len(route.Names()))
	for i, name := range route.Names() {
		fields[i] = reflect.StructField{
			Name: fmt.Sprintf("F%d", i), Type: stringType, Tag: reflect.StructTag(fmt.Sprintf(`path:"%s"`, name)),
		}
	}
	return reflect.StructOf(fields)
}
