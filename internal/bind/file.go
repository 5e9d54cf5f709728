package bind

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
)

// FileMark makes a struct a file: something that a form attaches or a body is read from. It stands as the struct's first
// field. What a file has and how it is read is its owner's business.
type FileMark struct{}

var fileMarkType = reflect.TypeFor[FileMark]()

// isFile reports whether t is a file. A struct that embeds one is a model with a file's fields, and none itself.
func isFile(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() > 0 && t.Field(0).Type == fileMarkType
}

// isFileBody reports whether t is a file, or a pointer to one.
func isFileBody(t reflect.Type) bool {
	return isFile(t) || t.Kind() == reflect.Pointer && isFile(t.Elem())
}

// attaches reports whether t stands for files in a form.
func attaches(t reflect.Type) bool {
	return isFileBody(t) || t.Kind() == reflect.Slice && isFile(t.Elem())
}

var errFile = errors.New("is a file, which only a form's field or Body can be: tag a File, *File or []File form, or name it Body")

var errReader = errors.New("is a reader, which has no text form: what is to be uploaded is a File, as crest.File{Name: …, Content: reader} or crest.OpenFile make one")

// formPart is one field of a multipart form: of the two, one is set.
type formPart struct {
	text *encoder
	file *field
}

// multipart compiles the fields of a form that has files; it does nothing where there are none.
func (p *requestPlan) multipart(forms []*field) {
	b := &p.body
	for _, f := range forms {
		if attaches(f.typ) {
			b.kind = Multipart
			p.mistake(f.fileOptions())
		}
	}
	texts := p.encoders(inForm)
	if b.form = texts; b.kind != Multipart {
		compete(texts)
		return
	}
	for _, f := range forms {
		if attaches(f.typ) {
			b.parts = append(b.parts, formPart{file: f})
		} else if len(texts) > 0 && texts[0].field == f { // one with a mistake has no encoder
			b.parts, texts = append(b.parts, formPart{text: texts[0]}), texts[1:]
		}
	}
	rivals := compete(b.form)
	for _, p := range b.parts {
		if p.file != nil && rivals != nil {
			rivals[p.file.name] = p.file
		}
	}
}

func (f *field) fileOptions() error {
	if f.style != "" || f.explode != "" || f.format != "" {
		return f.mistake("is a file, which has no style and no format: take style=, explode= and format= out")
	}
	return nil
}

// EachPart calls text and file for the parts of a multipart form, in declared order. A text field is written as [Request.AppendForm]
// does, but for the percent-encoding; a list is several parts, unless its style joins them. file gets a value of the file's
// own type. Pointers that are nil are left out; a zero file is not. An error of either ends it and is marked with the field.
func (r *Request) EachPart(v reflect.Value, text func(name, value string) error, file func(name string, v reflect.Value) error) error {
	v, err := r.open(v)
	if err != nil {
		return err
	}
	for _, p := range r.body.parts {
		if p.file != nil {
			err = p.file.files(v, file)
		} else if err = p.text.texts(v, text); err != nil {
			err = p.text.fail(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// files calls f for each file of the field.
func (f *field) files(model reflect.Value, visit func(name string, v reflect.Value) error) error {
	v, ok := f.in(model)
	if !ok {
		return nil
	}
	list := []reflect.Value{v}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		list[0] = v.Elem()
	case reflect.Slice:
		list = list[:0]
		for i := range v.Len() {
			list = append(list, v.Index(i))
		}
	}
	for _, one := range list {
		if err := visit(f.name, one); err != nil {
			return f.fail(told(err))
		}
	}
	return nil
}

// told makes what a visitor says part of the message about the field.
func told(err error) error {
	if err == nil {
		return nil
	}
	return &problem{text: err.Error(), cause: err}
}

// texts calls f for each part that the field becomes. One value is passed on as it is; for the rest the pairs of a
// form say what the parts are.
func (e *encoder) texts(model reflect.Value, f func(name, value string) error) error {
	n, v, is, err := e.opened(model)
	if err != nil || is == absent {
		return err
	}
	if !e.wildcard && (is == null || n.shape == scalarShape) {
		value, err := item{n: n, v: v, is: is}.own()
		if err != nil {
			return err
		}
		return told(f(e.name, value))
	}
	pairs, err := e.pairs(nil, model, n, v, is)
	if err != nil || len(pairs) == 0 {
		return err
	}
	for pair := range strings.SplitSeq(string(pairs), "&") {
		name, value, err := unescapePair(pair)
		if err == nil {
			err = told(f(name, value))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unescapePair takes apart what an encoder has written.
func unescapePair(pair string) (name, value string, err error) {
	name, value, _ = strings.Cut(pair, "=")
	if name, err = url.PathUnescape(name); err == nil {
		value, err = url.PathUnescape(value)
	}
	if err != nil {
		return "", "", fmt.Errorf("the form's pair cannot be read again: %w", err)
	}
	return name, value, nil
}
