package conformance

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// typeBuilder makes Go types of a suite's shapes.
type typeBuilder struct {
	*botoSuite
	response bool // path and query have no meaning in one: those members are in its body
	special  bool // the case has floats that JSON cannot hold
	depth    int  // how deep recursive shapes are unrolled
	within   []string
}

var (
	stringType = reflect.TypeFor[string]()
	timeType   = reflect.TypeFor[time.Time]()
	anyType    = reflect.TypeFor[any]()
)

// model is the type of the operation's input or output: located fields, a payload, or members of the body.
func (b *typeBuilder) model(m *botoMember) reflect.Type {
	shape := b.shape(m)
	fields := make([]reflect.StructField, 0, len(shape.Members))
	for _, member := range shape.Members {
		if member.value.Location == "statusCode" {
			continue // from the response, not from the model
		}
		if member.name == shape.Payload {
			fields = append(fields, b.payload(member.value))
			continue
		}
		fields = append(fields, b.field(member.name, member.value))
	}
	return reflect.StructOf(fields)
}

// payload is the field that is the whole body. The protocol always sends a structure, and a union only when it is set:
// the one is declared as a value, the other as a pointer. So are bytes and text, which crest takes as they are.
func (b *typeBuilder) payload(m *botoMember) reflect.StructField {
	t := b.typeOf(m, "")
	if b.optionalPayload(m) {
		t = reflect.PointerTo(t)
	}
	return reflect.StructField{Name: "Body", Type: t}
}

func (b *typeBuilder) optionalPayload(m *botoMember) bool {
	shape := b.shape(m)
	return shape.Type == "structure" && !shape.Document && (b.response || shape.Union)
}

// field is a member with its tag. Null and absent are one, and zero is a value: so everything is a pointer but what can be nil anyway.
func (b *typeBuilder) field(name string, m *botoMember) reflect.StructField {
	location, tagOptions := b.location(m), ""
	t := b.topLevelTime(m, location)
	if t != nil {
		tagOptions = ",format=" + b.timeFormat(b.timestamp(m), location)
	} else {
		t = b.typeOf(m, location)
	}
	return reflect.StructField{
		Name: fieldName(name), Type: optionalType(t),
		Tag: reflect.StructTag(fmt.Sprintf(`%s:"%s,omitzero%s"`, tagKey(location), b.tagName(name, m, location), tagOptions)),
	}
}

// location is where a member goes. A response has no path and no query.
func (b *typeBuilder) location(m *botoMember) string {
	if b.response && (m.Location == "uri" || m.Location == "querystring") {
		return ""
	}
	return m.Location
}

func (b *typeBuilder) tagName(name string, m *botoMember, location string) string {
	switch {
	case location == "headers":
		return m.LocationName + "*"
	case location == "querystring" && b.shape(m).Type == "map":
		return "*"
	}
	return m.wireName(name)
}

func tagKey(location string) string {
	switch location {
	case "uri":
		return "path"
	case "querystring":
		return "query"
	case "header", "headers":
		return "header"
	case "":
		return "json"
	}
	panic("an unknown location: " + location)
}

func fieldName(member string) string {
	member = strings.TrimLeft(member, "_")
	return strings.ToUpper(member[:1]) + member[1:]
}

func optionalType(t reflect.Type) reflect.Type {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Interface:
		return t
	}
	return reflect.PointerTo(t)
}

// timestamp is the member that is a timestamp: m, or what the list m holds; nil when neither is one.
func (b *typeBuilder) timestamp(m *botoMember) *botoMember {
	shape := b.shape(m)
	if shape.Type == "list" {
		m, shape = shape.Member, b.shape(shape.Member)
	}
	if shape.Type == "timestamp" {
		return m
	}
	return nil
}

// topLevelTime is the type of a member whose tag may name a format: a timestamp or a list of them. nil for others.
func (b *typeBuilder) topLevelTime(m *botoMember, location string) reflect.Type {
	switch {
	case b.timestamp(m) == nil || location == "headers":
		return nil
	case b.shape(m).Type == "list":
		return reflect.SliceOf(b.sparse(b.shape(m), timeType))
	}
	return timeType
}

// typeOf is the Go type of a member below the top level, or of one without a format.
func (b *typeBuilder) typeOf(m *botoMember, location string) reflect.Type {
	shape := b.shape(m)
	switch shape.Type {
	case "list":
		return reflect.SliceOf(b.sparse(shape, b.typeOf(shape.Member, location)))
	case "map":
		return reflect.MapOf(stringType, b.sparse(shape, b.typeOf(shape.Value, location)))
	case "structure":
		if shape.Document || m.Document {
			return anyType
		}
		return b.structure(m)
	case "timestamp":
		return nestedTimes[b.timeFormat(m, location)]
	}
	return b.scalar(shape)
}

// sparse lets the elements of a list or map be null where the model says so.
func (b *typeBuilder) sparse(shape *botoShape, elem reflect.Type) reflect.Type {
	if shape.Sparse {
		return optionalType(elem)
	}
	return elem
}

func (b *typeBuilder) scalar(shape *botoShape) reflect.Type {
	if t := specialFloats[shape.Type]; b.special && t != nil {
		return t
	}
	t := scalarTypes[shape.Type]
	if t == nil {
		panic("an unknown type of shape: " + shape.Type)
	}
	return t
}

var scalarTypes = map[string]reflect.Type{
	"string": stringType, "integer": reflect.TypeFor[int32](), "long": reflect.TypeFor[int64](),
	"float": reflect.TypeFor[float32](), "double": reflect.TypeFor[float64](),
	"boolean": reflect.TypeFor[bool](), "blob": reflect.TypeFor[[]byte](),
}

// structure is a struct of JSON members. Go cannot make a recursive type at run time: a shape within itself is left out
// where it is deeper than the value goes.
func (b *typeBuilder) structure(m *botoMember) reflect.Type {
	b.within = append(b.within, m.Shape)
	defer func() { b.within = b.within[:len(b.within)-1] }()
	var fields []reflect.StructField
	for _, member := range b.shape(m).Members {
		if b.tooDeep(member.value) {
			continue
		}
		fields = append(fields, reflect.StructField{
			Name: fieldName(member.name), Type: optionalType(b.typeOf(member.value, "")),
			Tag: reflect.StructTag(fmt.Sprintf(`json:"%s,omitzero"`, member.value.wireName(member.name))),
		})
	}
	return reflect.StructOf(fields)
}

// tooDeep reports whether m stands within itself as often as the value is deep, directly or through lists and maps.
func (b *typeBuilder) tooDeep(m *botoMember) bool {
	shape, seen := b.shape(m), 0
	switch shape.Type {
	case "list":
		return b.tooDeep(shape.Member)
	case "map":
		return b.tooDeep(shape.Value)
	}
	for _, name := range b.within {
		if name == m.Shape {
			seen++
		}
	}
	return seen >= b.depth
}
