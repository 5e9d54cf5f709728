package crest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/crest-go/crest/internal/bind"
)

// IdempotencyKey says how the key of a call is sent. The zero value is the usual way.
type IdempotencyKey struct {
	// Header is its name; "" is Idempotency-Key.
	Header string
	// Quoted sends it as a structured field's String (RFC 9651, section 3.3.3), as the IETF's draft has it. Most
	// APIs want it bare.
	Quoted bool
}

// maxKey is how long a key may be, whoever made it.
const maxKey = 255

// keyHeaders are the names under which a key is always known. net/http repeats requests that carry one by itself.
var keyHeaders = [...]string{"Idempotency-Key", "X-Idempotency-Key"}

// WithIdempotencyKey sends a key with each call whose method is not idempotent: a random UUID, made once per call and the same for
// all of its attempts, by which the server knows a repetition. With it POST and PATCH are tried again as GET is. A key of the
// caller's own is a header like any other: a field of the model, or WithHeader. It stays home when the call goes to another origin.
func WithIdempotencyKey(k IdempotencyKey) Option {
	return anyOption(func(s *settings) error {
		if k.Header == "" {
			k.Header = keyHeaders[0]
		}
		if !bind.ValidToken(k.Header) {
			return fmt.Errorf("WithIdempotencyKey: %q is not a header name", k.Header)
		}
		k.Header = http.CanonicalHeaderKey(k.Header)
		s.key, s.keyLevel = &k, s.level
		return nil
	})
}

// key is the idempotency key that a request carries, and the header that it stands in; both are "" for none.
func (o *outgoing) key(names []string) (header, value string) {
	for _, name := range names {
		if lines := o.header[name]; len(lines) > 0 && lines[0] != "" {
			return name, lines[0]
		}
		for _, f := range o.credentials.fields {
			if f.In == bind.Header && f.Name == name && f.Value != "" {
				return name, f.Value
			}
		}
	}
	return "", ""
}

// keyNames are the headers that may carry one.
func (s *settings) keyNames() []string {
	if s.key == nil {
		return keyHeaders[:]
	}
	return append([]string{s.key.Header}, keyHeaders[:]...)
}

// addKey gives the call a key of its own, unless the caller did.
func (c *call) addKey(out *outgoing, parts *bind.Parts) error {
	names := c.settings.keyNames()
	header, given := out.key(names)
	if given == "" {
		out.dropEmptyKeys(names)
	}
	if len(given) > maxKey {
		return fmt.Errorf("the header %s has more than %d characters, which is the bound of a key", header, maxKey)
	}
	if k := c.settings.key; k != nil && given == "" && !idempotentMethods[out.method] {
		key := newKey()
		if k.Quoted {
			key = `"` + key + `"`
		}
		addHeader(parts, k.Header, key)
	}
	return nil
}

// dropEmptyKeys takes out keys that are there and empty, such as a field that nobody has set. They name no request, and net/http would
// send the request again for their sake.
func (o *outgoing) dropEmptyKeys(names []string) {
	for _, name := range names {
		if values := o.header[name]; len(values) > 0 && strings.Join(values, "") == "" {
			delete(o.header, name)
		}
	}
	o.credentials.fields = slices.DeleteFunc(o.credentials.fields, func(f bind.SecretPair) bool {
		return f.In == bind.Header && f.Value == "" && slices.Contains(names, f.Name)
	})
}

// newKey is a random UUID (RFC 9562, version 4).
func newKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program rather
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
