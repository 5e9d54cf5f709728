package validate

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-playground/validator/v10"
)

// finding is what one model says of itself: failed rules, or its Validate's error.
type finding struct {
	path string // from the top to the model, "" for the top itself
	err  error
	name string // of the model's type, which the engine puts before its paths
}

// findings is all that a check found. As an error it shows each finding's path.
type findings struct {
	list []finding
}

// most is how many findings are kept: a long list of wrong elements needs no
// longer list of errors.
const most = 100

func (f *findings) full() bool { return len(f.list) >= most }

func (f *findings) add(one finding) {
	if !f.full() {
		f.list = append(f.list, one)
	}
}

func (f *findings) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return f
}

func (f *findings) Unwrap() []error {
	errs := make([]error, len(f.list))
	for i, one := range f.list {
		errs[i] = one.err
	}
	return errs
}

func (f *findings) Error() string {
	var texts []string
	for _, one := range f.list {
		texts = append(texts, one.texts()...)
	}
	const shown = 10
	if len(texts) > shown {
		texts = append(texts[:shown], fmt.Sprintf("and %d more", len(texts)-shown))
	}
	return strings.Join(texts, "; ")
}

func (one finding) texts() (list []string) {
	failed, ok := errors.AsType[validator.ValidationErrors](one.err)
	if !ok {
		return []string{strings.TrimPrefix(one.path+": "+one.err.Error(), ": ")}
	}
	for _, f := range failed {
		path := strings.TrimPrefix(f.StructNamespace(), one.name+".")
		text := "fails " + f.Tag()
		if f.Param() != "" {
			text += "=" + f.Param()
		}
		list = append(list, clean(strings.TrimPrefix(one.path+"."+path, "."))+" "+text)
	}
	return list
}

// tags runs the rules of v's models, at the top or in lists and maps there.
func (f *findings) tags(engine *validator.Validate, v reflect.Value, path string) {
	switch kind := v.Kind(); {
	case f.full():
	case isOptional(v.Type()):
		f.tagsOf(engine, inner(v), path)
	case kind == reflect.Pointer:
		f.tagsOf(engine, v, path)
	case kind == reflect.Slice, kind == reflect.Array:
		for i := range v.Len() {
			f.tags(engine, v.Index(i), path+step(i))
		}
	case kind == reflect.Map:
		for key, elem := range v.Seq2() {
			f.tags(engine, addressable(elem), path+step(key))
		}
	case isModel(v.Type()):
		f.run(engine, v, path)
	}
}

func (f *findings) tagsOf(engine *validator.Validate, p reflect.Value, path string) {
	if !p.IsNil() {
		f.tags(engine, p.Elem(), path)
	}
}

func (f *findings) run(engine *validator.Validate, v reflect.Value, path string) {
	var err error
	if said := caught(func() { err = engine.Struct(v.Addr().Interface()) }); said != "" {
		err = fmt.Errorf("validating %s panicked: %s", v.Type(), said)
	}
	if err != nil {
		f.add(finding{path, err, v.Type().Name()})
	}
}

// join writes a path as validator does: Owner.Pets[3].Name.
func join(path []any) string {
	var b strings.Builder
	for _, name := range path {
		b.WriteString(step(name))
	}
	return strings.TrimPrefix(b.String(), ".")
}

func step(name any) string {
	switch name := name.(type) {
	case string:
		return "." + name
	case int:
		return "[" + strconv.Itoa(name) + "]"
	default:
		return "[" + clean(fmt.Sprint(name)) + "]"
	}
}

// clean keeps what a document calls its keys from filling or breaking a line.
func clean(name string) string {
	const longest = 100
	if len(name) > longest {
		name = strings.ToValidUTF8(name[:longest], "") + "…"
	}
	if quoted := strconv.Quote(name); len(quoted) != len(name)+2 {
		return quoted[1 : len(quoted)-1]
	}
	return name
}
