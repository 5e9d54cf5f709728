package bind

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// jsonFields compiles a body that is read field by field.
func (c *responseCompiler) jsonFields(fields []*field) {
	c.r.kind = JSONFields
	m := c.r.model
	if implements(m.typ, jsonUnmarshalerType) {
		c.mistake(errMarshalsItself(m, "UnmarshalJSON"))
	}
	for _, f := range fields {
		j, err := newJSONField(f)
		if err == nil {
			if e := Decodable(f.typ); e != nil {
				err = f.mistake("can't be read: %v", e)
			}
		}
		if err != nil {
			c.mistake(err)
			continue
		}
		for _, problem := range deeper(f.typ, false, false) {
			c.mistake(errText(f.label() + problem))
		}
		c.r.json = append(c.r.json, j)
	}
}

// DecodeJSON reads a JSON object into the json fields of v, and into nothing
// else. Names match exactly, else without regard to case, as in encoding/json.
// null leaves v as it is. An error of a field is a [*FieldError].
func (r *Response) DecodeJSON(v reflect.Value, data []byte, unmarshal func(data []byte, v any) error) error {
	return decodeJSON(r.open(v), r.json, data, unmarshal)
}

func (j *jsonField) read(v reflect.Value, raw []byte, unmarshal func([]byte, any) error) (err error) {
	null := string(bytes.TrimSpace(raw)) == "null"
	switch {
	case j.time != nil:
		return j.time.readTimes(v, raw, unmarshal)
	case j.quoted && !null:
		var text string
		if err = unmarshal(raw, &text); err == nil {
			err = unmarshal([]byte(text), v.Addr().Interface())
		}
	default:
		err = unmarshal(raw, v.Addr().Interface())
	}
	if err != nil {
		return &problem{text: "could not be read from the JSON body", cause: err}
	}
	return nil
}

// readTimes reads a time, or a list of them, in the node's format.
func (n *node) readTimes(v reflect.Value, raw []byte, unmarshal func([]byte, any) error) error {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		n.setNull(v)
		return nil
	}
	n, v = n.make(v)
	if n.shape == listShape {
		return n.readTimeList(v, raw, unmarshal)
	}
	text := string(raw)
	if strings.HasPrefix(text, `"`) {
		if err := unmarshal(raw, &text); err != nil {
			return &problem{text: "could not be read from the JSON body", cause: err}
		}
	}
	return n.scalar.parse(v, text)
}

func (n *node) readTimeList(v reflect.Value, raw []byte, unmarshal func([]byte, any) error) error {
	var list []json.RawMessage
	if err := unmarshal(raw, &list); err != nil {
		return &problem{text: "could not be read from the JSON body", cause: err}
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
	}
	for i, raw := range list[:min(len(list), v.Len())] {
		if err := n.elem.readTimes(v.Index(i), raw, unmarshal); err != nil {
			return err
		}
	}
	return nil
}

// setNull does what encoding/json does for null: pointers and slices become
// nil, other values stay. An optional field becomes null.
func (n *node) setNull(v reflect.Value) {
	if n.optional() {
		value, state := inner(v)
		value.SetZero()
		*state = stateNull
		return
	}
	if kind := v.Kind(); kind == reflect.Pointer || kind == reflect.Slice {
		v.SetZero()
	}
}
