package conformance

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/crest-go/crest"
)

// apiError is the error model of clients whose answers have none of their own.
type apiError struct {
	Message string `json:"message"`
}

func (e *apiError) Error() string { return e.Message }

// Response models of the drivers.
var (
	noModel   = reflect.TypeFor[crest.Empty]()
	anyModel  = reflect.TypeFor[any]()
	bytesBody = reflect.TypeFor[[]byte]()
	textBody  = reflect.TypeFor[string]()
)

// client makes a client that is closed with the row. Its mistakes are errors of the row. Outside virtual time it does not wait
// between attempts.
func (r *row) client(base string, opts ...crest.ClientOption) (*crest.Client[*apiError], error) {
	own := slices.Clone(r.network)
	if !r.timed {
		own = append(own, crest.WithRetry(crest.Retry{Backoff: immediately}))
	}
	c, err := crest.New[*apiError](base, append(own, opts...)...)
	if err != nil {
		return nil, &declared{err}
	}
	r.after(func() { must(c.Close()) })
	return c, nil
}

// plan is a call that a driver puts together from the inputs of its row.
type plan struct {
	method, route string
	request       model
	result        reflect.Type

	clientOpts   []crest.ClientOption
	endpointOpts []crest.EndpointOption
	callOpts     []crest.CallOption
}

// endpoint declares the endpoint of the plan. Its mistakes are errors of the row.
func (p *plan) endpoint() (*crest.Endpoint[any, any], error) {
	route, result := p.route, p.result
	if route == "" {
		route = "/"
	}
	if result == nil {
		result = noModel
	}
	e, err := crest.NewEndpointOf(p.method, route, p.request.build(), result, p.endpointOpts...)
	if err != nil {
		return nil, &declared{err}
	}
	return e, nil
}

// prepare makes client and endpoint and prepares the call.
func (p *plan) prepare(r *row, base string) (*crest.Prepared[any], error) {
	c, err := r.client(base, p.clientOpts...)
	if err != nil {
		return nil, err
	}
	e, err := p.endpoint()
	if err != nil {
		return nil, err
	}
	return e.Prepare(context.Background(), c, p.request.value(), p.callOpts...)
}

// do makes client and endpoint and makes the call.
func (p *plan) do(r *row, base string) (*crest.Response[any], error) {
	prepared, err := p.prepare(r, base)
	if err != nil {
		return nil, err
	}
	return prepared.Send(context.Background())
}

// at makes the plan call this URL: the client is made for its origin, the rest is WithURL's. It returns the base.
func (p *plan) at(target string) string {
	p.callOpts = append(p.callOpts, crest.WithURL(target))
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok {
		return target // New has to say what is wrong with it
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return scheme + "://" + rest[:end]
}

// headers sets headers at a level; null removes one.
func headers[O any](to []O, fields []named) []O {
	for _, f := range fields {
		if f.values == nil {
			to = append(to, any(crest.WithoutHeader(f.name)).(O))
			continue
		}
		to = append(to, any(crest.WithHeader(f.name, f.values...)).(O))
	}
	return to
}

// query sets query parameters at a level; null removes one.
func query[O any](to []O, fields []named) []O {
	for _, f := range fields {
		if f.values == nil {
			to = append(to, any(crest.WithoutQuery(f.name)).(O))
			continue
		}
		to = append(to, any(crest.WithQuery(f.name, f.values...)).(O))
	}
	return to
}

// cookies sets cookies at a level; null removes one.
func cookies[O any](to []O, fields []named) []O {
	for _, f := range fields {
		if f.values == nil {
			to = append(to, any(crest.WithoutCookie(f.name)).(O))
			continue
		}
		to = append(to, any(crest.WithCookie(f.name, f.values[0])).(O))
	}
	return to
}

// model is a request model that is built at run time: fields with tags, or a Body.
type model struct {
	fields []reflect.StructField
	values []reflect.Value
}

// add gives the model a field with a tag such as json:"name".
func (m *model) add(place, name string, value any) {
	v := reflect.ValueOf(value)
	if !v.IsValid() {
		v = reflect.Zero(anyModel)
	}
	m.fields = append(m.fields, reflect.StructField{
		Name: fmt.Sprintf("F%d", len(m.fields)), Type: v.Type(), Tag: reflect.StructTag(fmt.Sprintf("%s:%q", place, name)),
	})
	m.values = append(m.values, v)
}

// addAll adds the members of a JSON object. Whole numbers become int, as a model would have them.
func (m *model) addAll(place string, object map[string]any) {
	for _, name := range sortedKeys(object) {
		value := object[name]
		if n, ok := value.(float64); ok && n == float64(int(n)) {
			value = int(n)
		}
		m.add(place, name, value)
	}
}

// addNamed adds fields of text; a name that repeats becomes a list.
func (m *model) addNamed(place string, fields []named) {
	for _, f := range fields {
		if len(f.values) == 1 {
			m.add(place, f.name, f.values[0])
			continue
		}
		m.add(place, f.name, f.values)
	}
}

// body gives the model a field Body of type T.
func body[T any](m *model, value T) {
	m.fields = append(m.fields, reflect.StructField{Name: "Body", Type: reflect.TypeFor[T]()})
	m.values = append(m.values, reflect.ValueOf(&value).Elem())
}

// build returns the type; a model without fields is crest.Empty.
func (m *model) build() reflect.Type {
	if len(m.fields) == 0 {
		return noModel
	}
	return reflect.StructOf(m.fields)
}

// value returns the model as a value of that type.
func (m *model) value() any {
	v := reflect.New(m.build()).Elem()
	for i, f := range m.values {
		v.Field(i).Set(f)
	}
	return v.Interface()
}
