package crest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// Options say what a client, an endpoint or a call should do. There is one interface per level, so
// that an option at a level where it means nothing does not compile. The nearest level wins:
// client < endpoint < call. Headers, query parameters, cookies and error maps merge by key.
// A nil option is ignored. The methods are unexported so that options can gain levels.
type (
	// ClientOption is an option of [New].
	ClientOption interface{ applyClient(s *settings) error }
	// EndpointOption is an option of [NewEndpoint] and its siblings.
	EndpointOption interface{ applyEndpoint(s *settings) error }
	// CallOption is an option of [Endpoint.Call], [Endpoint.Do] and [Endpoint.Prepare].
	CallOption interface{ applyCall(s *settings) error }
	// Option is one that fits every level.
	Option interface {
		ClientOption
		EndpointOption
		CallOption
	}
	// SharedOption is one that fits a client and an endpoint, but not a single call.
	SharedOption interface {
		ClientOption
		EndpointOption
	}
)

type (
	anyOption      func(s *settings) error
	sharedOption   func(s *settings) error
	clientOption   func(s *settings) error
	endpointOption func(s *settings) error
	callOption     func(s *settings) error
)

func (o anyOption) applyClient(s *settings) error        { return o(s) }
func (o anyOption) applyEndpoint(s *settings) error      { return o(s) }
func (o anyOption) applyCall(s *settings) error          { return o(s) }
func (o sharedOption) applyClient(s *settings) error     { return o(s) }
func (o sharedOption) applyEndpoint(s *settings) error   { return o(s) }
func (o clientOption) applyClient(s *settings) error     { return o(s) }
func (o endpointOption) applyEndpoint(s *settings) error { return o(s) }
func (o callOption) applyCall(s *settings) error         { return o(s) }

// A level is where an option was given; the nearer, the higher.
type level uint8

const (
	levelClient level = iota
	levelEndpoint
	levelCall
)

// settings is what the options of one level, or of several merged ones, come to.
// A settings that a call may see is never written again: merging and applying copy what they change.
type settings struct {
	level level

	headers, query, cookies fields
	defaults                []*defaultSource // tagged structs, farthest first

	auth         *authorization
	accept       []string
	codecs       []Codec
	success      statuses
	errors       errorTable
	check        func(*Error) bool
	bounds       Bounds
	validation   Validation
	timeouts     Timeouts
	retry        Retry
	redirects    Redirects
	redirectsSet bool
	idempotent   saying
	key          *IdempotencyKey
	keyLevel     level
	keyStays     bool // there is a key, which does not leave the client's origin with the call
	strict       bool
	bare         bool // the call leaves the client's origin
	getBody      bool
	compression  *compression
	done         []string // data that ends a stream
	reconnect    bool
	transfer     Transfer

	middleware []Middleware // of this level alone: each level is composed once
	limiters   []Limiter
	cost       int // of the limit; 0 for unset
	progress   func(Progress)
	redact     *redaction // nil hides nothing more
	detail     *LogDetail // of logs; nil shows none
	upgrade    string     // WithUpgrade; "" for none
	url        *target    // WithURL

	client *clientSettings // options of the client alone; nil at the other levels
}

// applyAll runs the options of one level and gathers their mistakes.
func applyAll[O any](s *settings, opts []O, apply func(O, *settings) error) error {
	var mistakes []error
	for _, o := range opts {
		if isNil(o) {
			continue
		}
		if err := apply(o, s); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	if err := s.conflict(); err != nil {
		mistakes = append(mistakes, err)
	}
	return errors.Join(mistakes...)
}

// conflict reports options that contradict each other at one level.
func (s *settings) conflict() error {
	if s.auth != nil && s.auth.level == s.level {
		if f := s.headers.find("Authorization"); f != nil && f.level == s.level && !f.removed {
			option := "WithHeader"
			if f.secret {
				option = "WithAPIKey"
			}
			return fmt.Errorf("%s(%q) and one of WithBearer, WithAuthorization, WithBasic, WithDigest and WithAuth at one level: keep one of them", option, f.name)
		}
	}
	return s.compression.contradicts(s.headers)
}

// over returns s on top of base: what the nearer level says holds, the rest is inherited.
func (s *settings) over(base *settings) *settings {
	m := *base
	m.level = s.level
	m.headers = base.headers.merge(s.headers)
	m.query = base.query.merge(s.query)
	m.cookies = base.cookies.merge(s.cookies)
	m.defaults = concat(base.defaults, s.defaults)
	m.limiters = joinLimiters(base.limiters, s.limiters)
	m.errors = base.errors.merge(s.errors)
	m.codecs = concat(s.codecs, base.codecs)
	m.bounds = s.bounds.over(base.bounds)
	m.timeouts = s.timeouts.over(base.timeouts)
	m.retry = s.retry.over(base.retry)
	m.transfer = s.transfer.over(base.transfer)
	m.redirects = s.redirects.over(base.redirects)
	m.redirectsSet = base.redirectsSet || s.redirectsSet
	m.idempotent = nearer(s.idempotent, base.idempotent)
	m.strict = base.strict || s.strict
	m.redact = s.redact.over(base.redact)
	m.getBody = base.getBody || s.getBody
	m.reconnect = base.reconnect || s.reconnect
	if s.auth != nil {
		m.auth = s.auth
	}
	if s.accept != nil {
		m.accept = s.accept
	}
	if s.success != nil {
		m.success = s.success
	}
	if s.check != nil {
		m.check = s.check
	}
	if s.done != nil {
		m.done = s.done
	}
	if s.validation.set {
		m.validation = s.validation
	}
	if s.url != nil {
		m.url = s.url
	}
	if s.compression != nil {
		m.compression = s.compression
	}
	if s.cost != 0 {
		m.cost = s.cost
	}
	if s.progress != nil {
		m.progress = s.progress
	}
	if s.detail != nil {
		m.detail = s.detail
	}
	if s.upgrade != "" {
		m.upgrade = s.upgrade
	}
	if s.key != nil {
		m.key, m.keyLevel = s.key, s.keyLevel
	}
	m.settleAuth()
	return &m
}

// settleAuth lets the nearest level decide where Authorization comes from: an option, or a header.
func (s *settings) settleAuth() {
	f := s.headers.find("Authorization")
	if f == nil || s.auth == nil {
		return
	}
	if f.level > s.auth.level {
		s.auth = nil
		return
	}
	s.headers = s.headers.without("Authorization")
}

// isNil reports whether v is nil, or holds a nil pointer, function, map or the like.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Slice, reflect.Chan:
		return r.IsNil()
	}
	return false
}

// concat joins two lists into one that shares memory with neither, unless one of them is empty.
func concat[T any](a, b []T) []T {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	return slices.Concat(a, b)
}
