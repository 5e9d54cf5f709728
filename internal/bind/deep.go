package bind

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// branch is what of a deepObject parameter stands below one key. It grows with the request's pairs, whatever its keys say.
type branch struct {
	values []string // in clear
	keys   []string // in the order of their coming
	below  map[string]*branch
}

// nested reads name[key]=value pairs.
func (d *decoder) nested(model reflect.Value, found *foundPairs, clear bool) error {
	root := &branch{}
	for _, name := range found.names {
		path, ok := strings.CutPrefix(name, d.name)
		if !ok || path != "" && path[0] != '[' {
			continue
		}
		values := slices.Clone(found.values[name])
		if !clear {
			values = unescapeAll(values)
		}
		if err := root.grow(path, values); err != nil {
			return err
		}
	}
	if root.values == nil && root.below == nil {
		return nil
	}
	return d.node.harvest(d.alloc(model), root)
}

// grow adds values at the end of a path of [key]s.
func (b *branch) grow(path string, values []string) error {
	for depth := 0; path != ""; depth++ {
		key, rest, ok := strings.Cut(path[1:], "]")
		if !ok || path[0] != '[' || depth == deepest {
			return &problem{text: "has a name that is not made of up to " + strconv.Itoa(deepest) + " keys in brackets"}
		}
		next := b.below[key]
		if next == nil {
			next = &branch{}
			if b.below == nil {
				b.below = make(map[string]*branch)
			}
			b.below[key] = next
			b.keys = append(b.keys, key)
		}
		b, path = next, rest
	}
	b.values = append(b.values, values...)
	return nil
}

// harvest fills a value from a branch.
func (n *node) harvest(v reflect.Value, b *branch) error {
	if len(b.keys) == 0 {
		return n.leaf(v, b.values)
	}
	if len(b.values) > 0 {
		return errBranch
	}
	n, v = n.make(v)
	switch n.shape {
	case listShape:
		return n.harvestList(v, b)
	case mapShape, structShape:
		return n.harvestObject(v, b)
	case anyShape:
		m := reflect.ValueOf(b.plain())
		v.Set(m)
		return nil
	}
	return errBranch
}

var errBranch = &problem{text: "has keys below a single value"}

func (n *node) leaf(v reflect.Value, values []string) error {
	switch {
	case len(values) > 1:
		return errTwice
	case values[0] == "null" && n.optional(), n.shape == scalarShape, n.shape == anyShape:
		return n.take(v, values[0])
	}
	return &problem{text: "is a list or an object, and has a value without keys"}
}

// harvestList fills a list. Its indexes are those of the items that are there and no others, so that a list is never longer
// than the request (R35).
func (n *node) harvestList(v reflect.Value, b *branch) error {
	size := len(b.keys)
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), size, size))
	} else if size != v.Len() {
		return errLength
	}
	for i := range size {
		item := b.below[strconv.Itoa(i)]
		if item == nil {
			return &problem{text: "has indexes that are not 0, 1, 2 and so on without a gap"}
		}
		if err := n.elem.harvest(v.Index(i), item); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) harvestObject(v reflect.Value, b *branch) error {
	if n.shape == mapShape {
		v.Set(reflect.MakeMapWithSize(n.typ, len(b.keys)))
	}
	for _, name := range b.keys {
		if err := n.harvestMember(v, name, b.below[name]); err != nil {
			return err
		}
	}
	return nil
}

// harvestMember fills one member. What a struct has no field for is skipped.
func (n *node) harvestMember(v reflect.Value, name string, b *branch) error {
	if n.shape == structShape {
		for _, m := range n.members {
			if m.name == name {
				return m.node.harvest(m.alloc(v), b)
			}
		}
		return nil
	}
	key, elem := reflect.New(n.key.typ).Elem(), reflect.New(v.Type().Elem()).Elem()
	err := n.key.scalar.parse(key, name)
	if err == nil {
		err = n.elem.harvest(elem, b)
	}
	if err == nil {
		v.SetMapIndex(key, elem)
	}
	return err
}

// plain is a branch for an any: texts, and maps of them.
func (b *branch) plain() map[string]any {
	m := make(map[string]any, len(b.keys))
	for _, key := range b.keys {
		if below := b.below[key]; len(below.keys) > 0 {
			m[key] = below.plain()
		} else if len(below.values) > 0 {
			m[key] = below.values[0]
		}
	}
	return m
}
