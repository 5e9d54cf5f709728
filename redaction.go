package crest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
)

// redaction is what [WithRedact] names. The nil one hides nothing beside what crest always does.
type redaction struct {
	names   []string
	all     bool     // "*"
	secrets []string // fields of a model that are a Secret, for [Redaction]: whatever stands there instead of a text is hidden as well
}

// WithRedact names what crest's texts must not show, beside all [Secret] values and what is always hidden: query parameters, headers
// and fields of JSON and form bodies, at any depth, in logs and in errors. Their values stand as [redacted]; a name whose value
// is an object or a list is gone into, and not replaced. Letter case does not matter. "*" hides queries and bodies as a whole, such as
// for a login. The levels add up: a nearer one cannot show again what a farther one hides.
//
// What an error model says of itself by its Error method is not looked into.
func WithRedact(names ...string) Option {
	names = slices.Clone(names)
	return anyOption(func(s *settings) error {
		r := &redaction{}
		for _, name := range names {
			switch name {
			case "":
				return errors.New("WithRedact: a name is empty: give names of fields, or * for everything")
			case "*":
				r.all = true
			default:
				r.names = append(r.names, strings.ToLower(name))
			}
		}
		s.redact = r.over(s.redact)
		return nil
	})
}

func (r *redaction) over(base *redaction) *redaction {
	switch {
	case r == nil:
		return base
	case base == nil:
		return r
	}
	return &redaction{names: concat(base.names, r.names), all: base.all || r.all}
}

// hides reports whether the value of a name is hidden.
func (r *redaction) hides(name string) bool { return r.everything() || r.named(name) || r.secret(name) }

// named reports whether WithRedact has the name itself.
func (r *redaction) named(name string) bool { return r != nil && hasFold(r.names, name) }

func (r *redaction) secret(name string) bool { return r != nil && hasFold(r.secrets, name) }

// hasFold compares as JSON decoders match the names of fields.
func hasFold(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// hidesSome reports whether a body has to be searched for what is hidden.
func (r *redaction) hidesSome() bool { return r != nil && (r.all || len(r.names)+len(r.secrets) > 0) }

// everything reports whether queries and bodies are hidden as a whole.
func (r *redaction) everything() bool { return r != nil && r.all }

// url returns u without userinfo and fragment and with the values of the query hidden.
func (r *redaction) url(u *url.URL) string {
	if u == nil {
		return ""
	}
	path := u.EscapedPath()
	text := make([]byte, 0, len(u.Scheme)+len("://")+len(u.Host)+len(path)+len("?")+len(u.RawQuery)+2*len(redacted))
	text = append(append(append(append(text, u.Scheme...), "://"...), u.Host...), path...)
	if u.RawQuery != "" {
		text = r.appendQuery(append(text, '?'), u.RawQuery, nil)
	}
	return string(text)
}

// query keeps the keys of a query and the values that are known to be harmless.
func (r *redaction) query(raw string) string { return r.queryWith(raw, nil) }

// queryWith keeps the values of the names in show too.
func (r *redaction) queryWith(raw string, show []string) string {
	if raw == "" {
		return ""
	}
	return string(r.appendQuery(nil, raw, show))
}

func (r *redaction) appendQuery(text []byte, raw string, show []string) []byte {
	if r.everything() {
		return append(text, redacted...)
	}
	for more := true; more; {
		var pair string
		pair, raw, more = strings.Cut(raw, "&")
		text = r.appendPair(text, pair, show)
		if more {
			text = append(text, '&')
		}
	}
	return text
}

func (r *redaction) appendPair(text []byte, pair string, show []string) []byte {
	name, value, ok := strings.Cut(pair, "=")
	switch {
	case !ok && pair != "":
		return append(text, redacted...) // a value without a name
	case value != "" && (!r.showsQuery(name, show) || strings.Contains(value, ";")): // some servers begin another pair there
		return append(append(append(text, name...), '='), redacted...)
	}
	return append(text, pair...)
}

// showsQuery reports whether the values of a query's name, which is escaped, may be seen.
func (r *redaction) showsQuery(name string, show []string) bool {
	plain, err := url.QueryUnescape(name)
	return err == nil && (shownQuery[name] || slices.Contains(show, plain)) && !r.hides(plain)
}

// body returns what may be shown of a body. It is false for one whose fields cannot be told apart while some of them are to be hidden.
func (r *redaction) body(body []byte, mediaType string) (shown []byte, ok bool) {
	switch {
	case r == nil:
		return body, true
	case r.all:
		return nil, len(body) == 0
	case len(r.names)+len(r.secrets) == 0:
		return body, true
	case mediaType == formMediaType && isForm(body):
		return r.form(body), true
	}
	return r.json(body) // whatever its type says
}

// isForm reports whether a body is pairs of a form, and nothing else that readers would take for more, or less: a BOM, other
// separators, UTF-16, JSON, a page of a gateway.
func isForm(body []byte) bool {
	return !bytes.ContainsFunc(bytes.TrimSpace(body), func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`;"<>{}`, c) })
}

// form hides the values of fields in a form.
func (r *redaction) form(body []byte) []byte {
	pairs := strings.Split(string(bytes.TrimSpace(body)), "&")
	for i, pair := range pairs {
		name, _, valued := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if valued && (err != nil || r.hidesWithin(plain)) {
			pairs[i] = name + "=" + redacted
		}
	}
	return []byte(strings.Join(pairs, "&"))
}

// hidesWithin reports whether a form's name or one of its steps is hidden: user[password], tokens[], user.password.
func (r *redaction) hidesWithin(name string) bool {
	steps := strings.FieldsFunc(name, func(c rune) bool { return c == '[' || c == ']' || c == '.' })
	return r.hides(name) || slices.ContainsFunc(steps, r.hides)
}

// json hides the values of fields in one or more JSON values, and leaves out the white space between them.
func (r *redaction) json(body []byte) ([]byte, bool) {
	w := &redactingWriter{rules: r, in: json.NewDecoder(bytes.NewReader(body))}
	w.in.UseNumber()
	for w.value("") {
		if !w.in.More() {
			_, err := w.in.Token()
			return w.out.Bytes(), err == io.EOF
		}
		w.out.WriteByte('\n')
	}
	return nil, false
}

// redactingWriter copies JSON token by token: order, numbers and doubled names stay as they came.
type redactingWriter struct {
	rules *redaction
	in    *json.Decoder
	out   bytes.Buffer
	depth int
	below int // how many names of Secrets this lies below
}

// maxDepth is how deep JSON may be nested, as in package codec.
const maxDepth = 10_000

// value copies the value of a name, or says that there is none.
func (w *redactingWriter) value(name string) bool {
	token, err := w.in.Token()
	if err != nil {
		return false
	}
	if w.rules.secret(name) {
		w.below++
		defer func() { w.below-- }()
	}
	switch delim, _ := token.(json.Delim); delim {
	case '{':
		return w.members('}', true, "")
	case '[':
		return w.members(']', false, name)
	case 0:
	default:
		return false
	}
	if w.below > 0 || w.rules.hides(name) {
		token = redacted
	}
	return w.scalar(token)
}

// members copies the inside of an object or a list. The elements of a list go by the list's name.
func (w *redactingWriter) members(end byte, named bool, name string) bool {
	if w.depth++; w.depth > maxDepth {
		return false
	}
	defer func() { w.depth-- }()
	w.out.WriteByte(end - 2) // [ and ], { and } lie two apart
	for i := 0; w.in.More(); i++ {
		if i > 0 {
			w.out.WriteByte(',')
		}
		if named {
			token, err := w.in.Token()
			name, _ = token.(string)
			if w.below > 0 {
				token = redacted
			}
			if err != nil || !w.scalar(token) {
				return false
			}
			w.out.WriteByte(':')
		}
		if !w.value(name) {
			return false
		}
	}
	_, err := w.in.Token()
	w.out.WriteByte(end)
	return err == nil
}

func (w *redactingWriter) scalar(token json.Token) bool {
	text, err := json.Marshal(token)
	w.out.Write(text)
	return err == nil
}
