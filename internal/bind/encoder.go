package bind

import (
	"reflect"
	"strings"
)

// encoder writes one field of a request model to its place.
type encoder struct {
	*field
	node      *node
	style     style
	escaped   string            // the name, percent-encoded
	wildcard  bool              // takes all entries of a map: query:"*", header:"X-Meta-*"
	prefix    string            // of a header wildcard
	rivals    map[string]*field // the fields that a wildcard's entries must not repeat
	constants []string          // the route's constants, the same
}

// newEncoder compiles a located field, or says what is wrong with it.
func newEncoder(f *field) (*encoder, error) {
	n, err := newNode(f.typ, f.format)
	if err != nil {
		return nil, f.mistake("%v", err)
	}
	s, err := styleOf(f.place, f.options)
	if err != nil {
		return nil, f.mistake("%v", err)
	}
	e := &encoder{field: f, node: n, style: s, escaped: string(AppendQueryEscape(nil, f.name))}
	if e.prefix, e.wildcard = wildcard(f); e.wildcard {
		err = e.wildcardProblem()
	} else {
		err = s.fits(n)
	}
	if err != nil {
		return nil, f.mistake("%v", err)
	}
	return e, nil
}

// wildcard reports whether f takes a whole map, and after which prefix.
func wildcard(f *field) (prefix string, ok bool) {
	if f.place == Header {
		return strings.CutSuffix(f.name, "*")
	}
	return "", f.name == "*" && f.place != Path
}

// opened is the field's value in a model, without pointers and the like.
func (e *encoder) opened(model reflect.Value) (*node, reflect.Value, presence, error) {
	v, ok := e.in(model)
	if !ok || e.omitted(v) {
		return nil, v, absent, nil
	}
	return e.node.open(v)
}

// query appends the field's pairs to the query or to a form.
func (e *encoder) query(model reflect.Value, out *Parts) error {
	n, v, is, err := e.opened(model)
	switch {
	case err != nil || is == absent:
		return err
	case is == present && n.secret():
		out.Secrets = append(out.Secrets, SecretPair{Query, e.name, reveal(v)})
		return nil
	}
	out.Query, err = e.pairs(out.Query, model, n, v, is)
	return err
}

// pairs appends an opened value's pairs after those that are there.
func (e *encoder) pairs(dst []byte, model reflect.Value, n *node, v reflect.Value, is presence) ([]byte, error) {
	if e.wildcard {
		return e.allPairs(dst, model, n, v, is)
	}
	if e.style.name == "deepObject" {
		return appendDeep(dst, e.escaped, item{n: n, v: v, is: is}, 0)
	}
	start := len(dst)
	if start > 0 {
		dst = append(dst, '&')
	}
	before := len(dst)
	dst, err := e.style.appendTo(dst, e.escaped, n, v, is)
	if len(dst) == before {
		dst = dst[:start]
	}
	return dst, err
}

// header adds the field's lines.
func (e *encoder) header(model reflect.Value, out *Parts) error {
	n, v, is, err := e.opened(model)
	switch {
	case err != nil || is == absent:
		return err
	case e.wildcard:
		return e.allHeaders(model, n, v, is, out)
	}
	return e.headerLines(e.name, n, v, is, out)
}

func (e *encoder) headerLines(name string, n *node, v reflect.Value, is presence, out *Parts) error {
	if is == present && n.shape != scalarShape {
		return e.headerList(name, n, v, out)
	}
	value, err := item{n: n, v: v, is: is}.own()
	if err != nil {
		return err
	}
	if is == present && n.secret() {
		out.Secrets = append(out.Secrets, SecretPair{Header, name, value})
		return valueProblem(headerProblem(value))
	}
	if e.wildcard {
		return e.line(name, value, out)
	}
	out.SetHeader(name, value) // no other field has the name
	return valueProblem(headerProblem(value))
}

// headerList writes the items of a list, or an object's members, into one line,
// separated by ", ". A list with explode=true gets a line for each item.
func (e *encoder) headerList(name string, n *node, v reflect.Value, out *Parts) error {
	if n.shape == listShape && e.style.explode {
		return e.repeat(name, n, v, out)
	}
	var room [128]byte
	line := room[:0]
	err := n.each(v, func(i item) error {
		text, err := i.text()
		if len(line) > 0 {
			line = append(line, e.style.sep...)
		}
		if n.shape != listShape {
			line = append(appendItem(line, i.key, true), e.style.pair...)
		}
		line = appendItem(line, text, i.quotable())
		return err
	})
	if err != nil || len(line) == 0 {
		return err
	}
	return e.line(name, string(line), out)
}

// repeat adds a line for each item.
func (e *encoder) repeat(name string, n *node, v reflect.Value, out *Parts) error {
	return n.each(v, func(i item) error {
		text, err := i.text()
		if err != nil {
			return err
		}
		return e.line(name, text, out)
	})
}

// line adds a checked line (R20).
func (e *encoder) line(name, value string, out *Parts) error {
	out.addHeader(name, value)
	return valueProblem(headerProblem(value))
}

// quotable reports whether a list quotes the item where it holds a comma. A
// date does hold one, and is never quoted: readers know its form.
func (i item) quotable() bool { return i.is == present && i.n.scalar.kind != timeScalar }

// appendItem writes an item of a list header, as a quoted-string (RFC 9110,
// section 5.6.4) where a reader would not find its end.
func appendItem(dst []byte, text string, quote bool) []byte {
	if !quote || text != "" && !strings.ContainsAny(text, `",`) && !isBlank(text[0]) && !isBlank(text[len(text)-1]) {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, text[i])
	}
	return append(dst, '"')
}

// cookie adds the field's cookies: one, or one for each item when exploded.
func (e *encoder) cookie(model reflect.Value, out *Parts) error {
	n, v, is, err := e.opened(model)
	if err != nil || is == absent {
		return err
	}
	switch {
	case is == null || n.shape == scalarShape:
		return e.oneCookie(n, v, is, out)
	case e.style.explode:
		return e.cookies(n, v, out)
	}
	return e.cookieList(n, v, out)
}

func (e *encoder) oneCookie(n *node, v reflect.Value, is presence, out *Parts) error {
	value, err := e.cookieValue(item{n: n, v: v, is: is}.own())
	switch {
	case err != nil:
		return err
	case is == present && n.secret():
		out.Secrets = append(out.Secrets, SecretPair{Cookie, e.name, value})
	default:
		out.Cookies = append(out.Cookies, Pair{e.name, value})
	}
	return nil
}

func (e *encoder) cookies(n *node, v reflect.Value, out *Parts) error {
	return n.each(v, func(i item) error {
		name := e.name
		if n.shape != listShape {
			if name = i.key; !ValidToken(name) {
				return &problem{text: "has a name among its keys that is no token: use letters, digits, - and _"}
			}
		}
		value, err := e.cookieValue(i.text())
		if err == nil {
			out.Cookies = append(out.Cookies, Pair{name, value})
		}
		return err
	})
}

// cookieList joins with commas, which OpenAPI's styles want although a cookie's
// value could not hold them otherwise.
func (e *encoder) cookieList(n *node, v reflect.Value, out *Parts) error {
	var parts []string
	err := n.each(v, func(i item) error {
		if n.shape != listShape {
			key, err := e.cookieValue(i.key, nil)
			if err != nil {
				return err
			}
			parts = append(parts, key)
		}
		value, err := e.cookieValue(i.text())
		parts = append(parts, value)
		return err
	})
	if err == nil && len(parts) > 0 {
		out.Cookies = append(out.Cookies, Pair{e.name, strings.Join(parts, ",")})
	}
	return err
}

// cookieValue checks a text for a cookie; style=form encodes it instead.
func (e *encoder) cookieValue(text string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if e.style.name == "form" {
		return string(AppendQueryEscape(nil, text)), nil
	}
	return text, valueProblem(cookieProblem(text))
}

func valueProblem(text string) error {
	if text == "" {
		return nil
	}
	return &problem{text: text}
}

// own is text for a field's own value, which may be a secret.
func (i item) own() (string, error) {
	if i.is == null {
		return "null", nil
	}
	return i.n.scalar.text(i.v)
}
