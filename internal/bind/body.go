package bind

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
)

// BodyKind says where a body comes from or goes to.
type BodyKind int

const (
	NoBody     BodyKind = iota // there is none
	JSONFields                 // the json fields, one by one: AppendJSON, DecodeJSON
	Whole                      // one value for a codec: BodyField, BodyTarget
	Raw                        // a []byte or string, as it is
	Reader                     // an io.Reader
	Factory                    // a func() (io.ReadCloser, error), called for each attempt
	Form                       // the form fields: AppendForm
	Multipart                  // the form fields, files among them: EachPart
	File                       // a file: BodyField
)

var (
	readerType          = reflect.TypeFor[io.Reader]()
	readCloserType      = reflect.TypeFor[io.ReadCloser]()
	factoryType         = reflect.TypeFor[func() (io.ReadCloser, error)]()
	jsonMarshalerType   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshalerType = reflect.TypeFor[json.Unmarshaler]()
)

// requestBody is how a request model becomes a body.
type requestBody struct {
	kind   BodyKind
	field  *field // the field Body; nil when the model itself is the body
	typ    reflect.Type
	origin string // what brings the body, for messages
	json   []*jsonField
	form   []*encoder
	parts  []formPart // of a multipart form, in declared order
}

// implements reports whether t or a pointer to it has the interface.
func implements(t, iface reflect.Type) bool {
	return t.Implements(iface) || t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(iface)
}

// mayHaveMethods tells types that have none, nor a pointer to them: asking those for an
// interface would make their pointer's type, which nothing else needs.
func mayHaveMethods(t reflect.Type) bool {
	if t.PkgPath() != "" || t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer {
		return true
	}
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			if t.Field(i).Anonymous {
				return true
			}
		}
	}
	return false
}

func marshalsItself(t reflect.Type) bool {
	return implements(t, jsonMarshalerType) || implements(t, textMarshalerType)
}

// sendKind says how a value of type t is sent as a whole body.
func sendKind(t reflect.Type) BodyKind {
	switch {
	case isFileBody(t):
		return File
	case t.ConvertibleTo(factoryType) && t.Kind() == reflect.Func:
		return Factory
	case marshalsItself(t):
		return Whole
	case t.Implements(readerType):
		return Reader
	case isText(t):
		return Raw
	}
	return Whole
}

func isText(t reflect.Type) bool {
	return t.Kind() == reflect.String || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

// body finds what the body is, or that there is none.
func (p *requestPlan) compileBody() {
	m, b := p.model, &p.body
	bodies, jsons, forms := m.at(inBody), m.at(inJSON), m.at(inForm)
	p.mistake(twoBodies(bodies, jsons, forms))
	switch {
	case !m.located():
		p.wholeModel()
	case len(bodies) > 0:
		f := bodies[0]
		*b = requestBody{kind: sendKind(f.typ), field: f, typ: f.typ, origin: f.label() + " is a body"}
		p.wholeBody(f.label())
	case len(forms) > 0:
		*b = requestBody{kind: Form, origin: forms[0].label() + " is part of a body"}
		p.multipart(forms)
	case len(jsons) > 0:
		*b = requestBody{kind: JSONFields, origin: jsons[0].label() + " is part of a body"}
		p.jsonFields(jsons)
	}
}

func twoBodies(bodies, jsons, forms []*field) error {
	if len(bodies)+len(forms) > 0 {
		for _, f := range jsons {
			if attaches(f.typ) { // taking the others out would not make it right
				return f.mistake("%v", errFile)
			}
		}
	}
	switch {
	case len(bodies) > 0 && len(jsons)+len(forms) > 0:
		other := append(jsons, forms...)[0]
		return bodies[0].mistake("is the whole body, and %s is part of one: give Body a json tag to make it an ordinary field, or take %s out", other.path, other.path)
	case len(jsons) > 0 && len(forms) > 0:
		return jsons[0].mistake("is part of a JSON body, and %s of a form: a request has one body, so tag them alike (a part of JSON beside files is a File whose ContentType is application/json)", forms[0].path)
	}
	return nil
}

// wholeModel compiles a model that is itself the body.
func (p *requestPlan) wholeModel() {
	t := p.model.typ
	p.body = requestBody{kind: sendKind(p.typ), typ: p.typ, origin: typeName(t) + " has no field tagged path, query, header or cookie, which makes it a body"}
	switch {
	case p.body.kind == Whole && empty(t):
		p.body = requestBody{}
	case p.body.kind == Whole && p.model.byField(true):
		p.body.kind, p.body.typ = JSONFields, nil
		p.jsonFields(p.model.fields)
	default:
		p.wholeBody(typeName(t))
	}
}

// empty reports whether t is a struct without fields, such as an Empty.
func empty(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		if sf := t.Field(i); !sf.Anonymous || !empty(sf.Type) {
			return false
		}
	}
	return !marshalsItself(t)
}

// byField reports whether a codec can't take the model in one go: a field has a
// format, or is an Opt that unset would have to be left out.
func (m *model) byField(sending bool) bool {
	return slices.ContainsFunc(m.fields, func(f *field) bool { return f.wantsField(sending) }) &&
		!marshalsItself(m.typ) && !m.forXML() // whoever writes those looks at the fields in its own way
}

func (f *field) wantsField(sending bool) bool {
	if !sending || f.omitZero || f.format != "" {
		return f.format != ""
	}
	_, opt := isOptional(f.typ)
	return opt
}

// forXML reports whether the model is tagged for XML and not for JSON.
func (m *model) forXML() bool {
	json := func(f *field) bool { return f.place == inJSON && f.tag != "" }
	return m.xml && !slices.ContainsFunc(m.fields, json)
}

// wholeBody looks for what a JSON codec would trip over below a whole body.
func (p *requestPlan) wholeBody(label string) {
	b := &p.body
	if b.kind != Whole || b.field == nil && p.model.forXML() {
		return
	}
	if err := encodable(b.typ); err != nil {
		p.mistake(fmt.Errorf("%s can't be sent: %w", label, err))
		return
	}
	for _, problem := range deeper(b.typ, b.field == nil, true) {
		p.mistake(errText(label + problem))
	}
}

// Body says what the body is.
func (r *Request) Body() BodyKind { return r.body.kind }

// BodyField is the value that is the body, for Whole, Raw, Reader, Factory and File:
// the field Body, or v itself. It is the zero Value for the other kinds, and
// where the field stands behind a nil embedded pointer.
func (r *Request) BodyField(v reflect.Value) reflect.Value {
	if r.body.typ == nil {
		return reflect.Value{}
	}
	if r.body.field != nil {
		model, err := r.open(v)
		if err != nil {
			return reflect.Value{}
		}
		if v, _ = r.body.field.in(model); !v.IsValid() {
			return v
		}
	}
	if r.body.kind == Factory {
		return v.Convert(factoryType)
	}
	return v
}
