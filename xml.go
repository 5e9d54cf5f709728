package crest

import (
	"bytes"
	"encoding"
	"encoding/xml"
	"fmt"
	"io"
	"reflect"

	"golang.org/x/net/html/charset"
)

// XML returns a codec over encoding/xml, for application/xml, text/xml and types that end in +xml.
func XML() Codec { return xmlCodec{} }

type xmlCodec struct {
	decoded bool // the bytes are UTF-8, whatever the document says of itself (RFC 7303, section 3)
}

func (x xmlCodec) inUTF8() Codec {
	x.decoded = true
	return x
}

func (xmlCodec) MediaTypes() []string {
	return []string{"application/xml", "text/xml", "application/*+xml"}
}

func (xmlCodec) Marshal(v any) ([]byte, error) {
	if bottomless(reflect.ValueOf(v), 0) {
		return nil, fmt.Errorf("a %T nests deeper than %d levels: is there a cycle of pointers?", v, maxDepth)
	}
	return xml.Marshal(v)
}

// bottomless reports whether v is nested deeper than JSON may be. encoding/xml follows a cycle of pointers until the stack is full, which ends
// the program.
func bottomless(v reflect.Value, depth int) bool {
	if depth++; depth > maxDepth {
		return true
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return bottomless(v.Elem(), depth)
	case reflect.Slice, reflect.Array:
		for i := 0; i < v.Len() && v.Type().Elem().Kind() >= reflect.Array; i++ { // not of bytes and numbers
			if bottomless(v.Index(i), depth) {
				return true
			}
		}
	case reflect.Struct:
		if t := reflect.PointerTo(v.Type()); t.Implements(xmlMarshaler) || t.Implements(textMarshaler) {
			return false
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Tag.Get("xml") != "-" && (f.IsExported() || f.Anonymous) && bottomless(v.Field(i), depth) {
				return true
			}
		}
	}
	return false
}

var (
	xmlMarshaler  = reflect.TypeFor[xml.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func (x xmlCodec) Unmarshal(data []byte, v any) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = charset.NewReaderLabel
	if x.decoded {
		d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	}
	if err := d.Decode(v); err != nil {
		return err
	}
	for {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		text, isText := token.(xml.CharData)
		if _, ok := token.(xml.StartElement); ok || isText && len(bytes.TrimSpace(text)) > 0 {
			return fmt.Errorf("there is more after the document")
		}
	}
}
