package crest

import (
	"encoding/json"
	"fmt"
)

// Opt is a field with three states: unset, null, or a value. It works in JSON bodies, forms,
// queries, headers and cookies alike: unset is left out, null is sent as null, a value is sent as
// T would be. In an answer an absent field is unset. The zero value is unset.
//
//	type PatchPet struct {
//		ID  int64             `path:"id"`
//		Tag crest.Opt[string] `json:"tag"`   // leave alone, clear, or set
//	}
//
// Opt is a plain value without a lock. Below the top level of a request's JSON body it needs omitzero in its
// tag, so that unset is left out; a declaration without it says so. An answer needs none.
type Opt[T any] struct {
	value T
	state uint8
}

// The states of an Opt, as [Opt.Inner] shows them.
const (
	optUnset uint8 = iota
	optNull
	optValue
)

// Some returns an Opt that holds v.
func Some[T any](v T) Opt[T] { return Opt[T]{v, optValue} }

// Null returns an Opt that is null.
func Null[T any]() Opt[T] { return Opt[T]{state: optNull} }

// Get returns the value and whether there is one. Unset and null give the zero T and false.
func (o Opt[T]) Get() (T, bool) { return o.value, o.state == optValue }

// Or returns the value, or other when o is unset or null.
func (o Opt[T]) Or(other T) T {
	if o.state == optValue {
		return o.value
	}
	return other
}

// IsNull reports whether o is null.
func (o Opt[T]) IsNull() bool { return o.state == optNull }

// IsZero reports whether o is unset, for omitzero.
func (o Opt[T]) IsZero() bool { return o.state == optUnset }

// String returns the value as fmt prints it, "null" or "unset".
func (o Opt[T]) String() string {
	switch o.state {
	case optValue:
		return fmt.Sprint(o.value)
	case optNull:
		return "null"
	}
	return "unset"
}

// MarshalJSON writes the value, or null when o is null or unset.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if o.state != optValue {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON sets o to null or to a value.
func (o *Opt[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*o = Null[T]()
		return nil
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*o = Some(v)
	return nil
}

// Inner is the door for crest's encoders and validators: a pointer to the value, a *T, and
// one to the state (0 unset, 1 null, 2 value). Most callers want [Opt.Get].
func (o *Opt[T]) Inner() (value any, state *uint8) { return &o.value, &o.state }
