package crest

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// ErrorMap says what a failure becomes, by status:
//
//	crest.WithErrors(crest.ErrorMap{
//		404:             crest.As[*NotFound](),
//		crest.Status5XX: crest.As[*Outage](),
//	})
//
// An exact status is taken before its class (Status4XX, Status5XX), that before AnyStatus, and what
// no entry names becomes the client's E. Maps of client, endpoint and call merge by key,
// the nearest wins. A map is copied when it is given.
type ErrorMap map[int]ErrorModel

// ErrorModel is one entry of an [ErrorMap]; [As] and [ErrorFunc] make them.
// The interface is sealed so that kinds of entries can be added.
type ErrorModel interface {
	// model makes the error of a failed answer. nil means that the answer is none of this model; err says why.
	model(answer *Error, from *material) (model, err error)
	mistake() error
}

// As decodes the body of a failed answer into T, which [errors.As] then finds.
// T is a pointer to a model, or a model, with an Error method; header and cookie fields are read as in a response model.
// An answer whose body is empty makes no model that has fields in the body: the status is there all the same.
// The body must have a media type that the codecs read, or that [WithAccept] names; an answer without a type is taken for the first codec's.
//
// A body that decodes is a T even if it has none of T's fields; validate tags on T say what it must have. Where there is no T, the next entry
// decides and the client's E in the end, and why there is none stands in the error's text and below it, as a [KindContentType], [KindDecode] or [KindValidation].
//
// Several models of one shape share it through a struct that has the Error method, exported so that go doc shows its fields:
//
//	type Failure struct{ Message string `json:"message"` }
//	type Error struct{ Failure }
//	type NotFound struct{ Failure }
func As[T error]() ErrorModel {
	a := &asModel{t: reflect.TypeFor[T]()}
	if a.t.Kind() != reflect.Interface {
		a.plan, a.mistakes = compileModel(a.t)
	}
	return a
}

// asModel is an error model known by its type.
type asModel struct {
	t        reflect.Type
	plan     *modelPlan
	mistakes []error
}

func (a *asModel) model(_ *Error, from *material) (error, error) {
	m, err := a.decode(from)
	if err != nil {
		return nil, &noModel{a.t, asReason(err)}
	}
	return m, nil
}

// noModel says which model was looked for in vain, and why.
type noModel struct {
	t   reflect.Type
	err error
}

func (e *noModel) Error() string { return fmt.Sprintf("no %v: %s", e.t, oneLine(e.err.Error())) }

func (e *noModel) Unwrap() error { return e.err }

func (a *asModel) decode(from *material) (error, error) {
	v := reflect.New(a.t).Elem()
	filled, err := a.plan.decode(v, from)
	if err != nil {
		return nil, err
	}
	if v.Kind() == reflect.Pointer && v.IsNil() || !filled {
		return nil, errNullModel
	}
	if a.plan.rules != nil {
		if err := a.plan.rules.Check(v); err != nil {
			return nil, fail(ErrResponse, KindValidation, err)
		}
	}
	m, _ := v.Interface().(error)
	return m, nil
}

// errNullModel keeps a null body from becoming a typed nil pointer that answers to errors.As.
var errNullModel = errors.New("the body is empty or null")

func (a *asModel) mistake() error {
	if a.t.Kind() == reflect.Interface {
		return fmt.Errorf("%v is an interface and cannot be decoded into: name the error model, such as *Error", a.t)
	}
	return errors.Join(a.mistakes...)
}

// ErrorFunc makes the error of a failed answer by looking at all of it: status, header and body.
// What it returns is found by errors.Is and errors.As, and the status still matches; it may wrap e. nil, or e itself, means
// that the next entry decides: class, AnyStatus, E. e.Model is nil at that time.
//
//	crest.ErrorFunc(func(e *crest.Error) error {
//		if bytes.Contains(e.Body, []byte("DiskNotFoundError")) { return ErrDiskNotFound }
//		return nil
//	})
func ErrorFunc(f func(e *Error) error) ErrorModel { return errorFunc(f) }

type errorFunc func(e *Error) error

// model gives f a copy: what wraps that can become the Model of answer, which otherwise would hold itself.
func (f errorFunc) model(answer *Error, _ *material) (error, error) {
	seen := *answer
	if model := f(&seen); !isNil(model) && model != error(&seen) {
		return model, nil
	}
	return nil, nil
}

func (f errorFunc) mistake() error {
	if f == nil {
		return errors.New("ErrorFunc(nil): give it a function")
	}
	return nil
}

// WithErrors merges m over the error maps of farther levels. A nil entry, and a key that is neither a status, nor one of the classes, nor
// [AnyStatus], are mistakes; an empty map changes nothing.
func WithErrors(m ErrorMap) Option {
	m = maps.Clone(m)
	return anyOption(func(s *settings) error {
		var mistakes []error
		for _, status := range slices.Sorted(maps.Keys(m)) {
			mistakes = append(mistakes, checkEntry(status, m[status]))
		}
		if err := errors.Join(mistakes...); err != nil {
			return err
		}
		s.errors = s.errors.merge(errorTable(m))
		return nil
	})
}

func checkEntry(status int, entry ErrorModel) error {
	if entry == nil {
		return fmt.Errorf("WithErrors: the entry for %d is nil: use As or ErrorFunc", status)
	}
	if status != AnyStatus && (status < Status3XX || status > Status5XX) && (status < 100 || status > 999) {
		return fmt.Errorf("WithErrors: %d is neither a status nor Status3XX, Status4XX, Status5XX or AnyStatus", status)
	}
	if err := entry.mistake(); err != nil {
		return fmt.Errorf("WithErrors: the entry for %d: %w", status, err)
	}
	return nil
}

// errorTable is a merged ErrorMap that is never changed.
type errorTable map[int]ErrorModel

func (t errorTable) merge(nearer errorTable) errorTable {
	if len(t) == 0 {
		return nearer
	}
	if len(nearer) == 0 {
		return t
	}
	m := maps.Clone(t)
	maps.Copy(m, nearer)
	return m
}

// describe fills in answer.Model: the first entry that makes something of it, else the client's E.
// Why a body is not the first of them is remembered beside the status, never in its place.
func (t errorTable) describe(answer *Error, fallback ErrorModel, from *material) {
	for _, key := range [...]int{answer.StatusCode, answer.StatusCode / 100, AnyStatus} {
		entry, ok := t[key]
		if !ok {
			continue
		}
		if answer.take(entry.model(answer, from)) {
			return
		}
	}
	answer.take(fallback.model(answer, from))
}

// take keeps what an entry made and reports whether the search is over.
func (e *Error) take(model, err error) bool {
	if e.decodeErr == nil {
		e.decodeErr = err
	}
	e.Model = model
	return model != nil
}

// bodyError says why the body of a failed answer is no model. It has the kind of a failed call and not its
// step: a call fails in one step, and this one in ErrStatus.
type bodyError struct {
	kind Kind
	err  error
}

func asReason(err error) error {
	own, ok := errors.AsType[*CallError](err)
	switch {
	case !ok:
		return err
	case own.Kind == "":
		return own.Err
	}
	return &bodyError{own.Kind, own.Err}
}

func (e *bodyError) Error() string { return string(e.kind) + ": " + oneLine(textOf(e.err)) }

func (e *bodyError) Is(target error) bool { return target == e.kind }

func (e *bodyError) Unwrap() error { return e.err }
