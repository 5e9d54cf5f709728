package crest

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/crest-go/crest/internal/bind"
)

// field is a header, a query parameter or a cookie that an option sets or removes.
type field struct {
	name    string
	values  []string
	removed bool
	secret  bool // a credential: attached below the middleware, at the origin alone
	level   level
}

// fields is an ordered list of them; names are unique. It is never changed in place.
type fields []field

func (fs fields) find(name string) *field {
	for i := range fs {
		if fs[i].name == name {
			return &fs[i]
		}
	}
	return nil
}

// with returns fs with f in place of a field of the same name, or at its end.
func (fs fields) with(f field) fields {
	out := slices.Clone(fs)
	if old := out.find(f.name); old != nil {
		*old = f
		return out
	}
	return append(out, f)
}

func (fs fields) without(name string) fields {
	return slices.DeleteFunc(slices.Clone(fs), func(f field) bool { return f.name == name })
}

// merge returns fs overridden by nearer.
func (fs fields) merge(nearer fields) fields {
	if len(fs) == 0 {
		return nearer
	}
	for _, f := range nearer {
		fs = fs.with(f)
	}
	return fs
}

// WithHeader sends a header, in place of the value of a farther level; in place of the model's too, when it
// is an option of the call. Several values repeat the line. Names are compared without case. A value with a
// control character or white space around it is refused, and so are Content-Length, Transfer-Encoding and
// Proxy-Authorization, which belong to the transport. Host sets the host of the request. A header that
// carries a credential is better given with [WithBearer] or as a [Secret] field: those stay at their origin.
// No value at all is a mistake ([WithoutHeader] takes a header away); an empty one is sent.
func WithHeader(name string, values ...string) Option {
	values = slices.Clone(values)
	return anyOption(func(s *settings) error {
		if err := checkHeader(name, values); err != nil {
			return err
		}
		s.headers = s.headers.with(field{name: http.CanonicalHeaderKey(name), values: values, level: s.level})
		return nil
	})
}

// WithoutHeader removes a header that a farther level or WithDefaults sets, and the model's too when it is an
// option of the call. It also stops what crest and net/http would add by themselves: User-Agent, Accept,
// Accept-Encoding, Content-Type.
func WithoutHeader(name string) Option {
	return anyOption(func(s *settings) error {
		if !bind.ValidToken(name) {
			return fmt.Errorf("WithoutHeader: %q is not a header name", name)
		}
		name := http.CanonicalHeaderKey(name)
		s.headers = s.headers.with(field{name: name, removed: true, level: s.level})
		if name == "Authorization" {
			s.auth = nil
		}
		return nil
	})
}

// WithQuery sends a query parameter, in place of the value of a farther level; in place of the model's too,
// when it is an option of the call. Several values repeat it; without any it is left out, as by [WithoutQuery]. Names are
// compared with case. Values are escaped once.
func WithQuery(name string, values ...string) Option {
	values = slices.Clone(values)
	return anyOption(func(s *settings) error {
		if name == "" {
			return fmt.Errorf("WithQuery: the name is empty")
		}
		s.query = s.query.with(field{name: name, values: values, level: s.level})
		return nil
	})
}

// WithoutQuery removes a query parameter as [WithoutHeader] removes a header.
func WithoutQuery(name string) Option {
	return anyOption(func(s *settings) error {
		s.query = s.query.with(field{name: name, removed: true, level: s.level})
		return nil
	})
}

// WithCookie sends a cookie with the request, in place of one of that name from a farther level or a jar; in place of the model's too,
// when it is an option of the call. It never enters a jar. Names are compared with case. A name or value that no cookie can have
// (RFC 6265, section 4.1.1) is a mistake.
func WithCookie(name, value string) Option {
	return anyOption(func(s *settings) error {
		if err := bind.CheckCookie(name, value); err != nil {
			return fmt.Errorf("WithCookie: %w", err)
		}
		s.cookies = s.cookies.with(field{name: name, values: []string{value}, level: s.level})
		return nil
	})
}

// WithoutCookie removes a cookie as [WithoutHeader] removes a header. WithoutHeader("Cookie") removes all.
func WithoutCookie(name string) Option {
	return anyOption(func(s *settings) error {
		s.cookies = s.cookies.with(field{name: name, removed: true, level: s.level})
		return nil
	})
}

func checkHeader(name string, values []string) error {
	if why, refused := bind.TransportHeader(name); refused {
		return fmt.Errorf("WithHeader: %s cannot be set by hand: %s", http.CanonicalHeaderKey(name), why)
	}
	if len(values) == 0 {
		return fmt.Errorf("WithHeader(%q): no value: give one, or use WithoutHeader", name)
	}
	for _, v := range values {
		if err := bind.CheckHeader(name, v); err != nil {
			return fmt.Errorf("WithHeader: %w", err)
		}
	}
	return nil
}
