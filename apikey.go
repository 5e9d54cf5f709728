package crest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/crest-go/crest/internal/bind"
)

// WithAPIKey sends a key in a header of its own, such as X-Api-Key. Like every credential it is attached below the
// middleware, goes to the client's own origin only, and shows itself nowhere. A key in a cookie is a [Secret] field with a cookie tag.
func WithAPIKey(header string, key Secret) Option {
	return anyOption(func(s *settings) error {
		switch http.CanonicalHeaderKey(header) {
		case "Host", "Cookie":
			return fmt.Errorf("WithAPIKey(%q): this header holds no key (one in a cookie is a Secret field with a cookie tag)", header)
		}
		if err := checkHeader(header, []string{key.Reveal()}); err != nil {
			return errors.New("WithAPIKey: the header's name or the key's text cannot be sent as a header")
		}
		if key.IsZero() {
			return fmt.Errorf("WithAPIKey(%q): the key is empty", header)
		}
		s.headers = s.headers.with(field{name: http.CanonicalHeaderKey(header), values: []string{key.Reveal()}, secret: true, level: s.level})
		return nil
	})
}

// WithQueryKey sends a key as a query parameter, for APIs that want it there: such a key ends up in the server's logs. Of crest's
// side [WithAPIKey] holds for it as well: no URL that crest shows has it.
func WithQueryKey(name string, key Secret) Option {
	return anyOption(func(s *settings) error {
		switch {
		case name == "":
			return errors.New("WithQueryKey: the name is empty")
		case key.IsZero():
			return fmt.Errorf("WithQueryKey(%q): the key is empty", name)
		}
		s.query = s.query.with(field{name: name, values: []string{key.Reveal()}, secret: true, level: s.level})
		return nil
	})
}

// secret reports whether one of the fields is a credential.
func (fs fields) secret() bool {
	return slices.ContainsFunc(fs, func(f field) bool { return f.secret })
}

// keysFor are the keys that a request of another library gets: those of the client that it does not bring itself.
func (s *settings) keysFor(req *http.Request) []bind.SecretPair {
	var keys []bind.SecretPair
	for _, f := range s.headers {
		if _, set := req.Header[f.name]; f.secret && !set {
			keys = append(keys, bind.SecretPair{In: bind.Header, Name: f.name, Value: f.values[0]})
		}
	}
	for _, f := range s.query {
		if f.secret && !hasQuery([]byte(req.URL.RawQuery), f.name) {
			keys = append(keys, bind.SecretPair{In: bind.Query, Name: f.name, Value: f.values[0]})
		}
	}
	return keys
}
