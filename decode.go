package crest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"sync"

	"github.com/crest-go/crest/internal/bind"
	"github.com/crest-go/crest/internal/codec"
	"github.com/crest-go/crest/internal/validate"
)

// modelPlan is how a type is read from an answer: a response model or an error model.
type modelPlan struct {
	t      reflect.Type
	bind   *bind.Response
	rules  *validate.Plan
	looked sync.Once
	hides  bool
}

// secret reports whether a body of the model is quoted in no error. It is found when it is first asked.
func (p *modelPlan) secret() bool {
	p.looked.Do(func() { p.hides = codec.HoldsSecret(p.t) })
	return p.hides
}

func compileModel(t reflect.Type) (*modelPlan, []error) {
	plan, mistakes := bind.CompileResponse(t)
	rules, ruleMistakes := validate.Compile(t)
	return &modelPlan{t: t, bind: plan, rules: rules}, append(mistakes, ruleMistakes...)
}

// material is what there is to decode from.
type material struct {
	settings *settings
	header   http.Header
	body     []byte
	bodiless bool  // the answer has no body by its status or method, and that is as declared
	hidden   bool  // the body is quoted in no error: a model of it has a Secret
	failed   bool  // an error model is wanted
	codec    Codec // of a piece of a stream, which is text in UTF-8; nil finds it by the media type
}

func (m *material) cookies() []*http.Cookie {
	cookies, _ := readSetCookies(m.header["Set-Cookie"])
	return cookies
}

var (
	errEmptyBody = errors.New("the body is empty: if that may be, use a pointer, any or crest.Empty as the response model, or declare the status with WithSuccess if it is 204, 205 or 304")
	errNullBody  = errors.New("the body is null, which is no model: use a pointer, any, Opt, a list or a map as the response model if that may be")
)

// decode fills v, which can be addressed, from an answer. It reports whether there was something
// that the model's rules can be held to.
func (p *modelPlan) decode(v reflect.Value, from *material) (bool, *CallError) {
	from.hidden = from.hidden || p.secret()
	filled, err := p.decodeBody(v, from)
	if err != nil {
		return false, err
	}
	if p.bind.Located() {
		if err := p.bind.DecodeLocated(v, from.header, from.cookies); err != nil {
			return false, fail(ErrResponse, KindDecode, err)
		}
	}
	return filled, nil
}

func (p *modelPlan) decodeBody(v reflect.Value, from *material) (bool, *CallError) {
	kind := p.bind.BodyKind()
	switch {
	case kind == bind.NoBody:
		allocate(v) // a model without fields is real all the same
		return true, nil
	case from.bodiless:
		return false, nil
	case kind == bind.Reader:
		return true, nil // what the rules can look at is all there
	case kind == bind.Raw:
		return true, p.decodeRaw(v, from)
	}
	if len(bytes.TrimSpace(from.body)) == 0 {
		if nilable(p.t) {
			return false, nil
		}
		if nilable(p.bind.BodyTarget(v).Type()) { // a Body field that may be nil: the rest of the model is there
			return true, nil
		}
		if from.failed {
			return false, nil
		}
		return false, fail(ErrResponse, KindDecode, errEmptyBody)
	}
	use, text, err := from.text()
	if err != nil {
		return false, err
	}
	if null(text) && !p.takesNull(v) {
		if from.failed {
			return false, nil
		}
		return false, fail(ErrResponse, KindDecode, errNullBody)
	}
	p.bind.ApplyDefaults(v)
	if err := p.unmarshal(v, text, from.settings.reader(use), from.settings.strict); err != nil {
		return false, fail(ErrResponse, KindDecode, from.reason(use, err))
	}
	return !null(text), nil
}

// reason is why a codec did not read the body. Those of JSON name no value; what others say quotes some, and is left out where something of
// the body is hidden.
func (m *material) reason(use Codec, err error) error {
	if _, namesNone := use.(strictReader); namesNone || is[unfit](err) {
		return err
	}
	if rules := m.settings.redact; !m.hidden && (rules == nil || !rules.all && len(rules.names)+len(rules.secrets) == 0) {
		return err
	}
	return &hiddenReason{err}
}

// hiddenReason is an error that may quote a secret. errors.Is finds what it was; Unwrap does not hand it out: who walks the chain prints each error.
type hiddenReason struct{ err error }

func (e *hiddenReason) Error() string {
	return fmt.Sprintf("the codec refused it (a %T, not shown: it may quote what is hidden)", e.err)
}
func (e *hiddenReason) Is(target error) bool { return errors.Is(e.err, target) }

func (p *modelPlan) unmarshal(v reflect.Value, text []byte, read func([]byte, any) error, strict bool) error {
	if p.bind.BodyKind() == bind.JSONFields {
		if strict {
			if err := p.bind.CheckMembers(text, read); err != nil {
				return err
			}
		}
		return p.bind.DecodeJSON(v, text, read)
	}
	return read(text, p.bind.BodyTarget(v).Addr().Interface())
}

// decodeRaw fills a Body field of bytes or text.
func (p *modelPlan) decodeRaw(v reflect.Value, from *material) *CallError {
	to := p.bind.BodyTarget(v)
	if to.Kind() != reflect.String {
		if len(from.body) > 0 { // no bytes are nil, as an absent field is
			to.SetBytes(from.body)
		}
		return nil
	}
	_, label := splitMediaType(from.header.Get("Content-Type"))
	text, err := decodeText(from.body, label)
	if err != nil {
		return fail(ErrResponse, KindDecode, err)
	}
	to.SetString(string(text))
	return nil
}

// allocate makes a nil pointer one to a zero value.
func allocate(v reflect.Value) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
}

func null(text []byte) bool { return string(bytes.TrimSpace(text)) == "null" }

// nilable reports whether an absent body has a faithful value in t.
func nilable(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return true
	}
	_, opt := reflect.Zero(reflect.PointerTo(t)).Interface().(interface{ Inner() (any, *uint8) })
	return opt
}

// takesNull reports whether null is a value of the model: of a pointer, any, Opt, a list or a map.
func (p *modelPlan) takesNull(v reflect.Value) bool {
	t := p.t
	if p.bind.BodyKind() == bind.Whole {
		t = p.bind.BodyTarget(v).Type()
	}
	return nilable(p.t) || nilable(t) || t.Kind() == reflect.Slice || t.Kind() == reflect.Map
}

// reader returns the codec's way to read, strict if the settings say so.
func (s *settings) reader(c Codec) func([]byte, any) error {
	if strict, ok := c.(strictReader); ok && s.strict {
		return strict.strict
	}
	return c.Unmarshal
}

// text checks the media type and returns the body in UTF-8 with the codec that reads it.
func (m *material) text() (Codec, []byte, *CallError) {
	if m.codec != nil {
		return m.codec, m.body, nil
	}
	header := m.header.Get("Content-Type")
	mediaType, label := splitMediaType(header)
	use, known := m.settings.codecOf(mediaType)
	if mediaType != "" && !m.accepts(mediaType, use, known) {
		return nil, nil, m.otherType(header)
	}
	text, err := toUTF8(m.body, label, isJSON(sendType(use)))
	if err != nil {
		return nil, nil, fail(ErrResponse, KindDecode, err)
	}
	if x, ok := use.(utf8Reader); ok && (label != "" || bomEncoding(m.body) != nil) {
		use = x.inUTF8()
	}
	return use, text, nil
}

// checkType holds a body that no codec reads to WithAccept.
func (m *material) checkType() *CallError {
	header := m.header.Get("Content-Type")
	mediaType, _ := splitMediaType(header)
	if m.bodiless || mediaType == "" || m.settings.accept == nil || m.accepts(mediaType, nil, true) {
		return nil
	}
	return m.otherType(header)
}

// otherType quotes the body of a success; that of a failure stands in the error as it is.
func (m *material) otherType(header string) *CallError {
	if m.failed {
		return failf(ErrResponse, KindContentType, "%s instead of %s", safeText(header), m.settings.readable())
	}
	return failf(ErrResponse, KindContentType, "%s instead of %s%s", safeText(header), m.settings.expected(), m.settings.redact.quoteBody(m.body, header, m.hidden))
}

// accepts reports whether a codec may read a body of the type. An error model is read in the types of its codecs whatever WithAccept says of
// successes, which adds to them; but a page of a gateway is left to JSON alone, which refuses it: XML and many others would make an empty model of it.
func (m *material) accepts(mediaType string, use Codec, known bool) bool {
	switch {
	case m.settings.accept == nil, m.failed && known:
		return known
	case m.failed && (mediaType == "text/html" || mediaType == "application/xhtml+xml") && !isJSON(sendType(use)):
		return false
	}
	return matchesAny(m.settings.accept, mediaType)
}

// expected is the Accept header of a model.
func (s *settings) expected() string {
	if s.accept != nil {
		return joinTypes(s.accept)
	}
	return s.readable()
}

// readable are the types that the codecs are named by.
func (s *settings) readable() string {
	all := s.codecsFor()
	types := make([]string, len(all))
	for i, c := range all {
		types[i] = sendType(c)
	}
	return joinTypes(types)
}
