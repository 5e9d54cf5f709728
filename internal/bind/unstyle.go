package bind

import (
	"reflect"
	"strings"
)

// take reads one text into a value and what stands around it.
func (n *node) take(v reflect.Value, text string) error {
	if text == "null" && n.optional() {
		n.setNull(v)
		return nil
	}
	n, v = n.make(v)
	return n.parse(v, text)
}

// hole is a placeholder of a route with the field that fills it.
type hole struct {
	*decoder
	rest bool // {name...}
}

// read fills the field from what stood there.
func (d hole) decode(v reflect.Value, raw string) error {
	if d.rest && d.node.shape == listShape {
		n, v := d.node.make(v)
		return n.fill(v, unescapeAll(strings.Split(raw, "/")))
	}
	raw, ok := strings.CutPrefix(raw, d.style.prefix)
	if ok && d.style.named {
		raw, ok = d.unnamed(raw)
	}
	if !ok {
		return &problem{text: "is not written in the style " + d.style.name}
	}
	return d.styled(v, raw)
}

// unnamed takes the parameter's name off a matrix value: once, or off each item of an exploded list. The members of an
// exploded object have their own.
func (d *decoder) unnamed(raw string) (string, bool) {
	name := string(AppendQueryEscape(nil, d.name)) + "="
	switch {
	case !d.style.explode || d.node.shape == scalarShape || d.node.shape == anyShape:
		return strings.CutPrefix(raw, name)
	case d.node.shape != listShape:
		return raw, true
	}
	items := strings.Split(raw, d.style.sep)
	for i := range items {
		var ok bool
		if items[i], ok = strings.CutPrefix(items[i], name); !ok {
			return "", false
		}
	}
	return strings.Join(items, d.style.sep), true
}

// styled reads a value that stands in one piece, percent-encoded: that of a path or of a parameter that is not exploded.
func (d *decoder) styled(v reflect.Value, raw string) error {
	if !d.compound() || raw == "null" && d.node.optional() {
		return d.node.take(v, unescaped(raw))
	}
	n, v := d.node.make(v)
	items := strings.Split(raw, d.style.sep)
	if n.shape == listShape {
		return n.fill(v, unescapeAll(items))
	}
	pairs, err := paired(items, d.style.explode)
	if err != nil {
		return err
	}
	for i := range pairs {
		pairs[i] = Pair{unescaped(pairs[i].Name), unescaped(pairs[i].Value)}
	}
	return n.fillObject(v, pairs)
}

// compound reports whether the value is a list or an object.
func (d *decoder) compound() bool {
	return d.node.shape != scalarShape && d.node.shape != anyShape
}

// escape percent-encodes a text that came in clear, but for what separates the items of a value in one piece.
func (d *decoder) escape(text string) string {
	if !d.compound() || d.style.explode {
		return string(AppendQueryEscape(nil, text))
	}
	items := strings.Split(text, unescaped(d.style.sep))
	for i := range items {
		items[i] = string(AppendQueryEscape(nil, items[i]))
	}
	return strings.Join(items, d.style.sep)
}

func unescaped(raw string) string {
	if strings.IndexByte(raw, '%') < 0 {
		return raw
	}
	return string(unescape(nil, []byte(raw)))
}

func unescapeAll(raw []string) []string {
	for i := range raw {
		raw[i] = unescaped(raw[i])
	}
	return raw
}
