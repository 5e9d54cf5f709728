package crest

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/crest-go/crest/internal/bind"
	"github.com/crest-go/crest/internal/validate"
)

// endpoint is an Endpoint without its type parameters: the compiled declaration.
type endpoint struct {
	method, name string
	settings     *settings
	request      *bind.Request
	requestRules *validate.Plan
	result       *result
	chain        http.RoundTripper // the endpoint's middleware; nil without
	dynamic      bool              // models are values of interface type any (NewEndpointOf)

	server serverSide
	last   atomic.Pointer[merged] // the settings merged with those of the client that called last
}

// route is the template that the endpoint was declared with.
func (e *endpoint) route() string { return e.name[len(e.method)+1:] }

// merged is what client and endpoint come to together.
type merged struct {
	core     *core
	settings *settings
}

var errUndeclared = errors.New("the endpoint is nil or zero: declare it with crest.Get, crest.NewEndpoint or crest.NewEndpointOf")

// declare compiles a declaration and reports all of its mistakes together.
func declare(method, route string, req, res reflect.Type, opts []EndpointOption) (*endpoint, error) {
	return declareWith(method, route, req, opts, func(e *endpoint) []error { return e.compileResult(res) })
}

// declareWith is declare for any kind of response side.
func declareWith(method, route string, req reflect.Type, opts []EndpointOption, response func(*endpoint) []error) (*endpoint, error) {
	e := &endpoint{method: strings.ToUpper(method), settings: &settings{level: levelEndpoint}}
	e.name = e.method + " " + route
	mistakes := flatten(checkMethod(e.method), applyAll(e.settings, opts, EndpointOption.applyEndpoint))
	mistakes = append(mistakes, e.compileRequest(route, req)...)
	mistakes = append(mistakes, response(e)...)
	mistakes = append(mistakes, flatten(e.checkUpgrade())...)
	if len(mistakes) > 0 {
		return nil, declarationError(e.name, mistakes)
	}
	if len(e.settings.middleware) > 0 {
		e.chain = compose(e.settings.middleware, afterEndpoint{})
	}
	return e, nil
}

func (e *endpoint) compileRequest(template string, t reflect.Type) []error {
	if t == nil {
		return []error{errors.New("the request model is nil: use reflect.TypeFor[crest.Empty]() for none")}
	}
	rules, ruleMistakes := validate.Compile(t)
	e.requestRules = rules
	route, mistakes := bind.ParseRoute(template)
	if len(mistakes) > 0 {
		return append(mistakes, ruleMistakes...)
	}
	allowBody := e.settings.getBody || e.method != http.MethodGet && e.method != http.MethodHead
	e.request, mistakes = bind.CompileRequest(t, route, bind.RequestConfig{AllowBody: allowBody})
	return append(mistakes, ruleMistakes...)
}

func (e *endpoint) compileResult(t reflect.Type) []error {
	if t == nil {
		return []error{errors.New("the response model is nil: use reflect.TypeFor[crest.Empty]() for none")}
	}
	var mistakes []error
	e.result, mistakes = compileResult(t)
	if e.settings.done != nil || e.settings.reconnect {
		mistakes = append(mistakes, errors.New("WithDone and WithReconnect are for streams: declare it with crest.NewStream"))
	}
	if e.settings.check != nil && e.result != nil && e.result.live() {
		mistakes = append(mistakes, errors.New("WithCheck is not asked where the caller reads the body: use a model, []byte or string as the response model, or crest.NewStream"))
	}
	return mistakes
}

// checkMethod refuses what is no token (RFC 9110, section 9.1) and CONNECT, whose target is not a URL.
func checkMethod(method string) error {
	switch {
	case !bind.ValidToken(method):
		return fmt.Errorf("the method %q is not a token such as GET", method)
	case method == http.MethodConnect:
		return errors.New("CONNECT makes a tunnel and cannot be an endpoint: give the client a transport with a proxy instead")
	}
	return nil
}

// flatten takes joined errors apart, so that each mistake stands on a line of its own.
func flatten(errs ...error) []error {
	var out []error
	for _, err := range errs {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			out = append(out, flatten(joined.Unwrap()...)...)
		} else if err != nil {
			out = append(out, err)
		}
	}
	return out
}

// declarationError is the text that a declaration panics with.
func declarationError(name string, mistakes []error) error {
	if len(mistakes) == 1 {
		return fmt.Errorf("crest: %s: %w", name, mistakes[0])
	}
	lines := make([]string, 0, len(mistakes)+1)
	lines = append(lines, fmt.Sprintf("crest: %s: %d mistakes in the declaration", name, len(mistakes)))
	for _, m := range mistakes {
		lines = append(lines, "  - "+m.Error())
	}
	return errors.New(strings.Join(lines, "\n"))
}

// mergedWith returns the settings of client and endpoint together, remembered for the client that called last.
func (e *endpoint) mergedWith(c *core) *settings {
	if m := e.last.Load(); m != nil && m.core == c {
		return m.settings
	}
	s := e.settings.over(c.settings)
	e.last.Store(&merged{c, s})
	return s
}

// WithGetBody lets the model of a GET or HEAD endpoint have a body. RFC 9110, section 9.3.1, gives such a body no
// meaning and proxies may refuse it; Elasticsearch's searches are why it exists.
func WithGetBody() EndpointOption {
	return endpointOption(func(s *settings) error {
		s.getBody = true
		return nil
	})
}
