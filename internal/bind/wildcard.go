package bind

import (
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// wildcardProblem says why a field can't take everything: it needs a map from
// names to one or several texts.
func (e *encoder) wildcardProblem() error {
	n := e.node
	switch {
	case e.place == Cookie:
		return errors.New("takes all cookies, which is not supported: tag a field for each")
	case e.options.style != "" || e.options.explode != "":
		return errors.New("takes a whole map, which has no style: take style= and explode= out")
	case n.shape != mapShape:
		return errors.New("takes a whole map: give it the type map[string]string or map[string][]string")
	case n.elem.secret() || n.elem.holdsSecret():
		return errors.New("holds Secrets inside a map, where they would not be hidden: give each a field of its own")
	case n.elem.shape == listShape && (n.elem.elem.shape == scalarShape || n.elem.elem.shape == anyShape):
		return nil
	case n.elem.shape != scalarShape && n.elem.shape != anyShape:
		return errors.New("holds values that are no text and no list of texts: give it the type map[string]string or map[string][]string")
	}
	return nil
}

// all calls f for each entry of a wildcard's map that no field of the model and
// no constant of the route sends by the same name.
func (e *encoder) all(model reflect.Value, n *node, v reflect.Value, is presence, f func(name string, i item) error) error {
	if is == null {
		return &problem{text: "is null, which can't be sent for a whole map: leave it unset"}
	}
	return n.each(v, func(i item) error {
		name := e.prefix + i.key
		if e.place == Header {
			if !ValidToken(name) {
				return &problem{text: "has a name among its keys that is no token: use letters, digits and -"}
			}
			name = http.CanonicalHeaderKey(name)
			if why, refused := TransportHeader(name); refused {
				return &problem{text: "has " + name + " among its keys, which can't be sent by hand: " + why + "; take it out"}
			}
		}
		if e.taken(model, name) {
			return nil
		}
		return f(name, i)
	})
}

// taken reports whether a named field is sent in the entry's place.
func (e *encoder) taken(model reflect.Value, name string) bool {
	if slices.Contains(e.constants, name) {
		return true
	}
	rival := e.rivals[name]
	if rival == nil {
		return false
	}
	v, ok := rival.in(model)
	return ok && !rival.omitted(v) && !isNil(v)
}

// isNil reports whether v is left out because it is nil, empty or unset.
func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return v.IsNil()
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Struct:
		if isFile(v.Type()) {
			return v.IsZero()
		}
		if _, ok := isOptional(v.Type()); ok {
			_, state := inner(v)
			return *state == stateUnset
		}
	}
	return false
}

func (e *encoder) allPairs(dst []byte, model reflect.Value, n *node, v reflect.Value, is presence) ([]byte, error) {
	err := e.all(model, n, v, is, func(name string, i item) (err error) {
		start := len(dst)
		if start > 0 {
			dst = append(dst, '&')
		}
		before := len(dst)
		if err := i.simple(); err != nil {
			return err
		}
		dst, err = e.style.appendTo(dst, string(AppendQueryEscape(nil, name)), i.n, i.v, i.is)
		if len(dst) == before {
			dst = dst[:start]
		}
		return err
	})
	return dst, err
}

func (e *encoder) allHeaders(model reflect.Value, n *node, v reflect.Value, is presence, out *Parts) error {
	return e.all(model, n, v, is, func(name string, i item) error {
		if err := i.simple(); err != nil {
			return err
		}
		if i.is == present && i.n.shape == listShape {
			return e.repeat(name, i.n, i.v, out)
		}
		return e.headerLines(name, i.n, i.v, i.is, out)
	})
}

// simple says why a wildcard's entry, perhaps out of an any, can't be sent.
func (i item) simple() error {
	switch {
	case i.is == null:
		return nil
	case i.n.secret():
		return i.check()
	case i.n.shape == mapShape || i.n.shape == structShape:
		return &problem{text: "holds an object among its values: use texts and lists of texts"}
	}
	return nil
}

// compete tells the wildcards of one place which names the other fields send, and returns what it told them;
// nil where there is none.
func compete(encoders []*encoder) (rivals map[string]*field) {
	if !slices.ContainsFunc(encoders, func(e *encoder) bool { return e.wildcard }) {
		return nil
	}
	rivals = make(map[string]*field, len(encoders))
	for _, e := range encoders {
		if e.wildcard {
			e.rivals = rivals
		} else {
			rivals[e.name] = e.field
		}
	}
	return rivals
}

// under reports whether a header name is covered by a wildcard, and its rest.
func (e *encoder) under(name string) (rest string, ok bool) {
	if len(name) <= len(e.prefix) || !strings.EqualFold(name[:len(e.prefix)], e.prefix) {
		return "", false
	}
	return name[len(e.prefix):], true
}
