package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"

	"github.com/go-playground/validator/v10"

	"github.com/crest-go/crest"
)

// What one more field may cost of what it costs elsewhere, as it was measured when the goals were set: 30 ns of
// the 258 of careless for a query field, 15 of 168 for a header, 20 of the 90 of validator/v10.
const (
	goalQuery     = 30.0 / 258
	goalHeader    = 15.0 / 168
	goalValidated = 20.0 / 90
)

const fieldValue = "items,customer"

func queryFields(n int) Growth {
	return Growth{
		Name: fmt.Sprintf("Query%d", n), What: "query fields of a request", N: n,
		one: part{newCall: crestFields(1, "query", "")}, many: part{newCall: crestFields(n, "query", "")},
		Peer: Baseline, Goal: goalQuery,
		peerLess: part{newCall: carelessQuery(1)}, peerMore: part{newCall: carelessQuery(n)},
	}
}

func headerFields(n int) Growth {
	return Growth{
		Name: fmt.Sprintf("Header%d", n), What: "header fields of a request", N: n,
		one: part{newCall: crestFields(1, "header", "")}, many: part{newCall: crestFields(n, "header", "")},
		Peer: Baseline, Goal: goalHeader,
		peerLess: part{newCall: carelessHeader(1)}, peerMore: part{newCall: carelessHeader(n)},
	}
}

// validatedFields compares the rules alone: fields with rules less fields without.
func validatedFields(n int) Growth {
	const rules = "required,max=64"
	return Growth{
		Name: fmt.Sprintf("Validated%d", n), What: "query fields with the rules " + rules, N: n,
		one: part{newCall: crestFields(1, "query", rules)}, many: part{newCall: crestFields(n, "query", rules)},
		less: part{newCall: crestFields(n, "query", "")},
		Peer: "validator/v10", Goal: goalValidated,
		peerLess: part{newCall: validatorFields(n, "")}, peerMore: part{newCall: validatorFields(n, rules)},
	}
}

// fieldsModel is a struct of n strings with a value in each.
func fieldsModel(n int, tag, rules string) reflect.Value {
	fields := make([]reflect.StructField, n)
	for i := range fields {
		fields[i] = reflect.StructField{
			Name: fmt.Sprintf("F%d", i),
			Type: reflect.TypeFor[string](),
			Tag:  reflect.StructTag(fmt.Sprintf("%s:%q", tag, fieldName(i))),
		}
		if rules != "" {
			fields[i].Tag += reflect.StructTag(fmt.Sprintf(" validate:%q", rules))
		}
	}
	model := reflect.New(reflect.StructOf(fields))
	for i := range n {
		model.Elem().Field(i).SetString(fieldValue)
	}
	return model
}

func fieldName(i int) string { return fmt.Sprintf("X-Field-%02d", i) }

// crestFields is a GET that is answered by nothing.
func crestFields(n int, tag, rules string) maker {
	return func(f *Field) (func(context.Context) error, error) {
		model := fieldsModel(n, tag, rules).Elem()
		e, err := crest.NewEndpointOf(http.MethodGet, ordersPath, model.Type(), reflect.TypeFor[crest.Empty]())
		if err != nil {
			return nil, err
		}
		c, err := f.client(f.empty())
		if err != nil {
			return nil, err
		}
		in := model.Interface()
		return func(ctx context.Context) error {
			_, err := e.Call(ctx, c, in)
			return err
		}, nil
	}
}

func carelessQuery(n int) maker {
	names := fieldNames(n)
	return func(f *Field) (func(context.Context) error, error) {
		return carelessEmpty(f.empty(), func(ctx context.Context, base string) (*http.Request, error) {
			query := url.Values{}
			for _, name := range names {
				query.Set(name, fieldValue)
			}
			return http.NewRequestWithContext(ctx, http.MethodGet, base+ordersPath+"?"+query.Encode(), nil)
		}), nil
	}
}

func carelessHeader(n int) maker {
	names := fieldNames(n)
	return func(f *Field) (func(context.Context) error, error) {
		return carelessEmpty(f.empty(), func(ctx context.Context, base string) (*http.Request, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+ordersPath, nil)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				req.Header.Set(name, fieldValue)
			}
			return req, nil
		}), nil
	}
}

func fieldNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fieldName(i)
	}
	return names
}

// carelessEmpty sends what is answered by nothing.
func carelessEmpty(
	rt http.RoundTripper, newRequest func(ctx context.Context, base string) (*http.Request, error),
) func(context.Context) error {
	base, client := Memory().Base, &http.Client{Transport: rt}
	return func(ctx context.Context) error {
		req, err := newRequest(ctx, base)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
}

func validatorFields(n int, rules string) maker {
	return func(*Field) (func(context.Context) error, error) {
		v, model := validator.New(validator.WithRequiredStructEnabled()), fieldsModel(n, "query", rules).Interface()
		return func(ctx context.Context) error { return v.StructCtx(ctx, model) }, nil
	}
}

// empty answers every request with 204.
type empty struct{}

var emptyHeader = http.Header{}

// RoundTrip implements [http.RoundTripper].
func (empty) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		Status: "204 No Content", StatusCode: http.StatusNoContent, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: emptyHeader, Body: http.NoBody, Request: req,
	}, nil
}

func (f *Field) empty() http.RoundTripper {
	if f.nothing != nil {
		return f.nothing
	}
	return empty{}
}

// client is a crest client that ends with the field.
func (f *Field) client(rt http.RoundTripper, opts ...crest.ClientOption) (*crest.Client[*APIError], error) {
	c, err := crest.New[*APIError](Memory().Base, append(opts, crest.WithTransport(rt))...)
	if err == nil {
		f.cleanup = append(f.cleanup, func() { c.Close() })
	}
	return c, err
}
