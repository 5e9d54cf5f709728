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
			if e := decodable(f.typ); e != nil {
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

// inDocument lets the error of a member say where in the document it lies, if it comes from a codec that tells the place of an error and
// nothing of the value: the codec saw the member alone.
func inDocument(err error, name string, data, raw []byte) error {
	p, ok := err.(*problem)
	if !ok {
		return err
	}
	placed, ok := p.cause.(interface {
		Within(name string, start int64) error
	})
	if !ok {
		return err
	}
	if whole := placed.Within(name, memberStart(data, name, raw)); whole != nil {
		return &problem{text: p.text + ": " + whole.Error(), cause: whole}
	}
	return err
}

// memberStart is where in the object data the member of a name, in any case, has the value raw, of several the last; 0 if it is not found.
func memberStart(data []byte, name string, raw []byte) (start int64) {
	object := json.NewDecoder(bytes.NewReader(data))
	if _, err := object.Token(); err != nil {
		return 0
	}
	for object.More() {
		var value json.RawMessage
		key, err := object.Token()
		if err != nil || object.Decode(&value) != nil {
			break
		}
		if text, _ := key.(string); strings.EqualFold(text, name) && bytes.Equal(value, bytes.TrimSpace(raw)) {
			start = object.InputOffset() - int64(len(value))
		}
	}
	return start
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
