package bind

import (
	"fmt"
	"reflect"
	"strconv"
)

// style is one of OpenAPI's ways to write lists and objects, reduced to what
// stands between their parts.
type style struct {
	name    string
	prefix  string // before the first: "." or ";"
	sep     string // between items, and between members
	pair    string // between a member's name and its value
	named   bool   // the parameter's name stands before its value
	explode bool   // each item by itself
}

// plain are the styles that a place allows, its own first, without explode.
var plain = map[Place][]style{
	Path: {
		{name: "simple", sep: ",", pair: ","},
		{name: "label", prefix: ".", sep: ",", pair: ","},
		{name: "matrix", prefix: ";", sep: ",", pair: ",", named: true},
	},
	Query:  queryStyles,
	inForm: queryStyles,
	Header: {{name: "simple", sep: ", ", pair: ", "}},
	Cookie: {
		{name: "cookie", sep: ",", pair: ",", named: true},
		{name: "form", sep: ",", pair: ",", named: true},
	},
}

var queryStyles = []style{
	{name: "form", sep: ",", pair: ",", named: true},
	{name: "spaceDelimited", sep: "%20", pair: "%20", named: true},
	{name: "pipeDelimited", sep: "%7C", pair: "%7C", named: true},
	{name: "deepObject", named: true},
}

// exploded are the separators of the styles that differ when exploded.
var exploded = map[string]string{"form": "&", "cookie": "; ", "label": ".", "matrix": ";"}

// styleOf finds a field's style. Explode is the default where OpenAPI has it
// so: for form, cookie and deepObject.
func styleOf(place Place, o options) (style, error) {
	for _, s := range plain[place] {
		if o.style == s.name || o.style == "" {
			return s.exploded(place, o.explode)
		}
	}
	return style{}, fmt.Errorf("has the unknown style %q: use %s", o.style, styleNames(place))
}

func styleNames(place Place) string {
	names := ""
	for i, s := range plain[place] {
		if i > 0 {
			names += ", "
		}
		names += s.name
	}
	return names
}

func (s style) exploded(place Place, explode string) (style, error) {
	byDefault := s.name == "form" || s.name == "cookie" || s.name == "deepObject"
	s.explode = explode == "true" || explode == "" && byDefault
	switch {
	case s.name == "spaceDelimited" || s.name == "pipeDelimited":
		if s.explode {
			return s, fmt.Errorf("has explode=true, which %s does not have: take it out, or use style=form", s.name)
		}
		return s, nil
	case s.name == "deepObject" && !s.explode:
		return s, fmt.Errorf("has explode=false, which deepObject does not have: take it out")
	case s.explode:
		s.pair = "="
		if sep, ok := exploded[s.name]; ok {
			s.sep = sep
		}
	}
	return s, nil
}

// fits says why a type can't be written in the style.
func (s style) fits(n *node) error {
	switch s.name {
	case "deepObject":
		if n.shape == scalarShape || n.holdsSecret() {
			return fmt.Errorf("has style=deepObject, which is for lists and objects without Secrets: take it out")
		}
		return nil
	case "spaceDelimited", "pipeDelimited":
		if n.shape == scalarShape {
			return fmt.Errorf("has style=%s, which is for lists and objects: take it out", s.name)
		}
	}
	return n.flat()
}

// appendTo writes an opened value in the style, percent-encoded. name is already
// escaped. Secrets are the caller's: none comes here but in a form.
func (s *style) appendTo(dst []byte, name string, n *node, v reflect.Value, is presence) ([]byte, error) {
	start := len(dst)
	dst = append(dst, s.prefix...)
	if is == null || n.shape == scalarShape {
		if s.named {
			dst = append(append(dst, name...), '=')
		}
		return appendScalar(dst, n, v, is)
	}
	count := 0
	err := n.each(v, func(i item) (err error) {
		if count > 0 {
			dst = append(dst, s.sep...)
		}
		dst, err = s.appendItem(dst, name, i, count == 0, n.shape == listShape)
		count++
		return err
	})
	if count == 0 {
		dst = dst[:start] // nothing in it was there to send
	}
	return dst, err
}

func (s *style) appendItem(dst []byte, name string, i item, first, list bool) ([]byte, error) {
	if s.named && (list && s.explode || first && !s.explode) {
		dst = append(append(dst, name...), '=')
	}
	if !list {
		dst = append(AppendQueryEscape(dst, i.key), s.pair...)
	}
	return i.appendEscaped(dst)
}

// appendScalar writes one value, percent-encoded. In a form it may be a secret.
func appendScalar(dst []byte, n *node, v reflect.Value, is presence) ([]byte, error) {
	if is == null {
		return append(dst, "null"...), nil
	}
	return n.scalar.appendEscaped(dst, v)
}

// deepest is where nesting ends, so that a map that holds itself is an error.
const deepest = 32

// appendDeep writes an opened value as name[key]=value pairs, with & between
// them and what dst holds. Lists inside have their indexes for keys. name is
// already escaped.
func appendDeep(dst []byte, name string, i item, depth int) ([]byte, error) {
	if i.is == null || i.n.shape == scalarShape {
		if len(dst) > 0 {
			dst = append(dst, '&')
		}
		return i.appendEscaped(append(append(dst, name...), '='))
	}
	if depth == deepest {
		return dst, &problem{text: "is nested too deeply for style=deepObject"}
	}
	index := 0
	err := i.n.each(i.v, func(inner item) (err error) {
		if i.n.shape == listShape {
			inner.key = strconv.Itoa(index)
			index++
		}
		key := string(AppendQueryEscape(nil, inner.key))
		dst, err = appendDeep(dst, name+"%5B"+key+"%5D", inner, depth+1)
		return err
	})
	return dst, err
}
