package conformance

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/crest-go/crest"
)

// The operations of this file are recipes: a few lines beside crest, which the drivers hold to the recorded cases.

// flatten writes nested objects with dotted keys; lists stay, their objects are flattened.
func flatten(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = flatten(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		flattenInto(out, "", v)
		return out
	}
	return v
}

func flattenInto(out map[string]any, prefix string, object map[string]any) {
	for name, v := range object {
		if nested, ok := v.(map[string]any); ok {
			flattenInto(out, prefix+name+".", nested)
			continue
		}
		out[prefix+name] = flatten(v)
	}
}

func flattenValue(r *row) (facts, error) {
	return facts{"value": flatten(r.in.get("in"))}, nil
}

// flattenParams: a nested value as a query; the flattened map goes through a catch-all field.
func flattenParams(r *row) (facts, error) {
	p := &plan{method: "GET"}
	parameters := flatten(r.in.get("struct")).(map[string]any)
	texts := map[string]string{}
	for name, v := range parameters {
		texts[name] = show(v)
		if text, ok := v.(string); ok {
			texts[name] = text
		}
	}
	p.request.add("query", "*", texts)
	prepared, err := p.prepare(r, "http://api.test")
	if err != nil {
		return nil, err
	}
	return facts{"query": sameQuery(prepared.URL().RawQuery)}, nil
}

// compact drops null members of objects, and what is then an empty object in a list.
func compact(v any) any {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, entry := range v {
			if kept := compact(entry); !isEmptyObject(kept) {
				out = append(out, kept)
			}
		}
		return out
	case map[string]any:
		out := maps.Clone(v)
		for name, entry := range v {
			out[name] = compact(entry)
			if entry == nil {
				delete(out, name)
			}
		}
		return out
	}
	return v
}

func isEmptyObject(v any) bool {
	object, ok := v.(map[string]any)
	return ok && len(object) == 0
}

// dropNull: the case holds its expectation among its inputs, under the key that then names.
func dropNull(r *row) (facts, error) {
	got := compact(r.in.get("in"))
	return facts{"value": check(func(want any) error { return compare(r.in.get(want.(string)), got) })}, nil
}

// hook looks at the body of an answer and may return another one; nil leaves it.
type hook func(body []byte) []byte

func (h hook) middleware(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(resp.Body)
		if err == nil {
			err = resp.Body.Close()
		}
		if changed := h(content); changed != nil {
			content = changed
		}
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
		return resp, err
	})
}

type roundTripper func(req *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// hooked makes a call whose answer passes the hooks in their order: the first is the innermost middleware.
func (r *row) hooked(answer string, hooks []hook) (string, error) {
	var mw []crest.Middleware
	for _, h := range slices.Backward(hooks) {
		mw = append(mw, h.middleware)
	}
	s := r.serve(reply{body: answer}.bytes())
	c, err := r.client(s.url())
	if err != nil {
		return "", err
	}
	return crest.Get[crest.Empty, string]("/").Call(context.Background(), c, crest.Empty{}, crest.WithMiddleware(mw...))
}

// mergeHooks: the hooks of a call replace those that the SDK has by default.
func mergeHooks(r *row) (facts, error) {
	names := r.in.texts("client")
	if own := r.in.texts("request"); len(own) > 0 {
		names = own
	}
	seen := []string{}
	var hooks []hook
	for _, name := range names {
		hooks = append(hooks, func([]byte) []byte {
			seen = append(seen, name)
			return nil
		})
	}
	_, err := r.hooked("", hooks)
	return facts{"value": seen}, err
}

var namedHooks = map[string]hook{
	"drop_first":     func(body []byte) []byte { return body[1:] },
	"return_nothing": func([]byte) []byte { return nil },
}

// dispatchHooks: each hook gets what the one before it has left.
func dispatchHooks(r *row) (facts, error) {
	var hooks []hook
	for _, name := range r.in.texts("hooks") {
		h, ok := namedHooks[name]
		if !ok {
			panic("no hook of the name " + name)
		}
		hooks = append(hooks, h)
	}
	got, err := r.hooked(r.in.text("in"), hooks)
	return facts{"value": got}, err
}
