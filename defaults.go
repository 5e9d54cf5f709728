package crest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/crest-go/crest/internal/bind"
)

// Defaults holds a tagged struct that may change while the client runs: its header, query and cookie fields are sent
// with every request. Make it with [NewDefaults] and give it to [WithDefaults]. Each request takes one snapshot,
// never a mix of old and new. It is safe for concurrent use; the zero value holds a zero T.
type Defaults[T any] struct{ value atomic.Pointer[T] }

// NewDefaults returns a holder of v. Mistakes in T's tags are reported by [New].
func NewDefaults[T any](v T) *Defaults[T] {
	d := &Defaults[T]{}
	d.Set(v)
	return d
}

// Set replaces the values. Requests that are under way keep the old ones.
func (d *Defaults[T]) Set(v T) { d.value.Store(&v) }

// Get returns the values of this moment.
func (d *Defaults[T]) Get() T { return *d.load() }

func (d *Defaults[T]) load() *T {
	if v := d.value.Load(); v != nil {
		return v
	}
	return new(T)
}

func (d *Defaults[T]) snapshot() reflect.Value { return reflect.ValueOf(d.load()).Elem() }

// WithDefaults sends the located fields of v with every request of a client or an endpoint. v is a struct, a
// pointer to one (copied now), or a [*Defaults] holder:
//
//	type Common struct {
//		Key     crest.Secret `query:"apiKey"`
//		Version string       `header:"X-Api-Version"`
//	}
//	c, err := crest.New[*Error](base, crest.WithDefaults(Common{Key: key, Version: "2026-01"}))
//
// What the request's model or an option of any level sets wins over it. Only header, query and cookie fields
// are allowed. nil is a mistake.
func WithDefaults(v any) SharedOption {
	source, ok := v.(interface{ snapshot() reflect.Value })
	if !ok {
		source = fixed{copyOf(v)}
	}
	var d *defaultSource
	err := errors.New("WithDefaults: the holder is nil: make it with NewDefaults")
	if !isNil(source) {
		d, err = compileDefaults(source.snapshot)
	}
	if err == nil && !ok {
		err = d.freeze()
	}
	return sharedOption(func(s *settings) error {
		if err != nil {
			return err
		}
		s.defaults = append(s.defaults[:len(s.defaults):len(s.defaults)], d)
		return nil
	})
}

// fixed is a source that never changes.
type fixed struct{ value reflect.Value }

func (f fixed) snapshot() reflect.Value { return f.value }

// copyOf returns a copy of a struct, or of what a pointer to one points to; the zero Value for anything else.
func copyOf(v any) reflect.Value {
	from := reflect.ValueOf(v)
	if from.Kind() == reflect.Pointer {
		from = from.Elem()
	}
	if from.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	own := reflect.New(from.Type()).Elem()
	own.Set(from)
	return own
}

// defaultSource is a tagged struct with its plan.
type defaultSource struct {
	plan     *bind.Request
	snapshot func() reflect.Value
	frozen   *bind.Parts // of a struct that never changes: bound once, so that it shares nothing with the caller's
}

// freeze binds a struct that never changes.
func (d *defaultSource) freeze() error {
	var parts bind.Parts
	if err := d.encode(&parts); err != nil {
		return fmt.Errorf("WithDefaults: %w", err)
	}
	d.frozen = &parts
	return nil
}

// bound returns the fields of this moment.
func (d *defaultSource) bound() (*bind.Parts, error) {
	if d.frozen != nil {
		return d.frozen, nil
	}
	parts := &bind.Parts{}
	return parts, d.encode(parts)
}

// secretDefaults reports whether a struct of WithDefaults holds a credential.
func (s *settings) secretDefaults() bool {
	return slices.ContainsFunc(s.defaults, func(d *defaultSource) bool {
		parts, err := d.bound()
		return err == nil && len(parts.Secrets) > 0
	})
}

func compileDefaults(snapshot func() reflect.Value) (*defaultSource, error) {
	v := snapshot()
	if !v.IsValid() || v.Kind() != reflect.Struct {
		return nil, errors.New("WithDefaults: give it a struct with header, query or cookie tags, or what NewDefaults returns for one")
	}
	plan, mistakes := bind.CompileDefaults(v.Type())
	if len(mistakes) > 0 {
		return nil, fmt.Errorf("WithDefaults: %w", errors.Join(mistakes...))
	}
	return &defaultSource{plan: plan, snapshot: snapshot}, nil
}

// encode binds one snapshot.
func (d *defaultSource) encode(parts *bind.Parts) error {
	v := d.snapshot()
	if d.plan.HasDefaults() {
		own := reflect.New(v.Type()).Elem()
		own.Set(v)
		d.plan.ApplyDefaults(own)
		v = own
	}
	return d.plan.Encode(v, parts)
}

// add puts those fields into parts that neither the model nor an option has set.
func (d *defaultSource) add(parts *bind.Parts, s *settings) error {
	own, err := d.bound()
	if err != nil {
		return err
	}
	for name, values := range own.Header {
		if !s.names(bind.Header, name) && !hasHeader(parts, name) {
			if parts.Header == nil {
				parts.Header = make(http.Header)
			}
			parts.Header[name] = slices.Clone(values)
		}
	}
	for _, p := range own.Cookies {
		if s.cookies.find(p.Name) == nil && !hasCookie(parts, p.Name) {
			parts.Cookies = append(parts.Cookies, p)
		}
	}
	d.addQuery(parts, own.Query, s)
	for _, p := range own.Secrets {
		if !s.names(p.In, p.Name) && !has(parts, p.In, p.Name) {
			parts.Secrets = append(parts.Secrets, p)
		}
	}
	return nil
}

// addQuery adds the pairs whose key nothing nearer has. A key that repeats within the struct keeps all of its values.
func (d *defaultSource) addQuery(parts *bind.Parts, query []byte, s *settings) {
	nearer := parts.Query
	for pair := range bytes.SplitSeq(query, []byte("&")) {
		escaped, _, _ := bytes.Cut(pair, []byte("="))
		name, err := url.QueryUnescape(string(escaped))
		if len(pair) == 0 || err != nil || s.query.find(name) != nil || hasQuery(nearer, name) || s.url.has(name) {
			continue
		}
		if len(parts.Query) > 0 {
			parts.Query = append(parts.Query, '&')
		}
		parts.Query = append(parts.Query, pair...)
	}
}

// names reports whether an option sets or removes the field.
func (s *settings) names(in bind.Place, name string) bool {
	switch in {
	case bind.Header:
		return s.headers.find(name) != nil || name == "Authorization" && s.auth != nil
	case bind.Query:
		return s.query.find(name) != nil
	}
	return s.cookies.find(name) != nil
}

// has reports whether parts hold the field, as a secret or in clear.
func has(parts *bind.Parts, in bind.Place, name string) bool {
	switch in {
	case bind.Header:
		return hasHeader(parts, name)
	case bind.Query:
		return hasQuery(parts.Query, name) || hasSecret(parts, in, name)
	}
	return hasCookie(parts, name)
}

func hasHeader(parts *bind.Parts, name string) bool {
	_, ok := parts.Header[name]
	return ok || hasSecret(parts, bind.Header, name)
}

func hasCookie(parts *bind.Parts, name string) bool {
	return indexPair(parts.Cookies, name) >= 0 || hasSecret(parts, bind.Cookie, name)
}

func hasSecret(parts *bind.Parts, in bind.Place, name string) bool {
	return slices.ContainsFunc(parts.Secrets, func(p bind.SecretPair) bool { return p.In == in && p.Name == name })
}
