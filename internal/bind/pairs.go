package bind

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// foundPairs are the pairs of a query, a form or the cookies. Names are in clear, values as they came.
type foundPairs struct {
	names  []string // each once, in the order of their coming
	values map[string][]string
}

func newPairs(list []Pair) *foundPairs {
	p := &foundPairs{values: make(map[string][]string, len(list))}
	for _, one := range list {
		p.add(one.Name, one.Value)
	}
	return p
}

func (p *foundPairs) add(name, value string) {
	if _, ok := p.values[name]; !ok {
		p.names = append(p.names, name)
	}
	p.values[name] = append(p.values[name], value)
}

var errPairs = errText("the query or form holds a % that begins no percent-encoded byte")

// splitPairs takes a query or an urlencoded form apart. A + is a space, as every reader of forms has it.
func splitPairs(text string) (*foundPairs, error) {
	p := newPairs(nil)
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(strings.ReplaceAll(pair, "+", "%20"), "=")
		name, err := url.PathUnescape(name)
		if err == nil {
			_, err = url.PathUnescape(value)
		}
		if err != nil {
			return nil, errPairs
		}
		p.add(name, value)
	}
	return p, nil
}

// cookiePairs reads Cookie headers (RFC 6265, section 4.2). Values keep their quotes, if they have any.
func cookiePairs(lines []string) *foundPairs {
	p := newPairs(nil)
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			if name, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
				p.add(name, value)
			}
		}
	}
	return p
}

// pairReader reads the fields of one place out of its pairs.
type pairReader struct {
	fields  []*decoder
	claimed map[string]bool // the names that a map which takes the others leaves alone
	deep    []string        // what names of nested values begin with
	clear   bool            // values came in clear
}

func newPairReader(fields []*decoder) pairReader {
	p := pairReader{fields: fields, claimed: make(map[string]bool)}
	for _, d := range fields {
		for _, name := range d.constants {
			p.claimed[name] = true
		}
		switch {
		case d.style.name == "deepObject":
			p.deep = append(p.deep, d.name+"[")
		case d.spread() && d.node.shape == structShape:
			for _, m := range d.node.members {
				p.claimed[m.name] = true
			}
		case !d.spread():
			p.claimed[d.name] = true
		}
	}
	return p
}

// spread reports whether the names of an object's members stand for the field's own.
func (d *decoder) spread() bool {
	object := d.node.shape == mapShape || d.node.shape == structShape
	return d.wildcard || object && d.style.explode && d.style.name != "deepObject"
}

func (p *pairReader) read(model reflect.Value, found *foundPairs) error {
	for _, d := range p.fields {
		if err := p.field(d, model, found); err != nil {
			return d.fail(err)
		}
	}
	return nil
}

func (p *pairReader) field(d *decoder, model reflect.Value, found *foundPairs) error {
	switch {
	case d.style.name == "deepObject" && !d.wildcard:
		return d.nested(model, found, p.clear)
	case d.spread() && d.node.shape == structShape:
		return p.members(d, model, found)
	case d.spread():
		return p.others(d, model, found)
	}
	values := p.encoded(d, found.values[d.name])
	if len(values) == 0 {
		return nil
	}
	v := d.alloc(model)
	if d.node.shape == listShape && d.style.explode && !(len(values) == 1 && values[0] == "null" && d.node.optional()) {
		n, v := d.node.make(v)
		return n.fill(v, unescapeAll(values))
	}
	if len(values) > 1 && d.place != Cookie { // of cookies the first is the nearest (RFC 6265, section 5.4)
		return errTwice
	}
	return d.styled(v, values[0])
}

var errTwice = &problem{text: "is there more than once, and is no list"}

// encoded are values as they stand in a query, whatever place they came from.
func (p *pairReader) encoded(d *decoder, values []string) []string {
	values = slices.Clone(values)
	if p.clear || d.place == Cookie && d.style.name != "form" {
		for i := range values {
			values[i] = d.escape(values[i])
		}
	}
	return values
}

// members reads an exploded struct, whose members stand there by their own names.
func (p *pairReader) members(d *decoder, model reflect.Value, found *foundPairs) error {
	var pairs []Pair
	for _, m := range d.node.members {
		values := unescapeAll(p.encoded(d, found.values[m.name]))
		if len(values) > 1 && d.place != Cookie {
			return errTwice
		}
		if len(values) > 0 {
			pairs = append(pairs, Pair{m.name, values[0]})
		}
	}
	if len(pairs) == 0 {
		return nil
	}
	n, v := d.node.make(d.alloc(model))
	return n.fillObject(v, pairs)
}

// others gives a map what no field of the place claims.
func (p *pairReader) others(d *decoder, model reflect.Value, found *foundPairs) error {
	var v reflect.Value
	var n *node
	for _, name := range found.names {
		if p.taken(name) {
			continue
		}
		if n == nil {
			n, v = d.node.make(d.alloc(model))
			v.Set(reflect.MakeMap(n.typ))
		}
		if err := n.put(v, name, unescapeAll(p.encoded(d, found.values[name]))); err != nil {
			return err
		}
	}
	return nil
}

func (p *pairReader) taken(name string) bool {
	return p.claimed[name] || slices.ContainsFunc(p.deep, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}
