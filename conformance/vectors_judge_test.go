package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/crest-go/crest"
)

// row is one row on its way through its driver.
type row struct {
	in, when *object
	want     map[string]any
	policy   string
	timed    bool                 // it is played in virtual time
	network  []crest.ClientOption // how its servers are reached
	closers  []func()
	log      *journal // of its clients; nil without
}

// after runs f when the row is over, the latest first.
func (r *row) after(f func()) { r.closers = append(r.closers, f) }

func (r *row) end() {
	for _, f := range slices.Backward(r.closers) {
		f()
	}
}

// method is the row's method, else that of the case.
func (r *row) method() string {
	own, all := r.in.text("method"), r.when.text("method")
	switch {
	case own != "":
		return own
	case all != "":
		return all
	}
	return http.MethodGet
}

// judge holds what a driver observed to the row's expectation, key by key.
func (r *row) judge(got facts, err error) error {
	wrong := []error{r.judgeError(err)}
	for _, key := range sortedKeys(r.want) {
		if key == "error" || key == "error_any" {
			continue
		}
		fact, known := got[key]
		if !known {
			wrong = append(wrong, fmt.Errorf("the driver does not know the key %q of the expectation", key))
			continue
		}
		if err := compare(r.want[key], fact); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", key, err))
		}
	}
	for _, key := range append(r.in.unread(), r.when.unread()...) {
		wrong = append(wrong, fmt.Errorf("the driver does not know the input %q", key))
	}
	return errors.Join(wrong...)
}

// judgeError compares by the vocabulary. No word, or null, means that there is no error.
func (r *row) judgeError(err error) error {
	words := asTexts(r.want["error_any"])
	if word, ok := r.want["error"].(string); ok {
		words = append(words, word)
	}
	if len(words) == 0 {
		if err != nil {
			return fmt.Errorf("failed: %w", err)
		}
		return nil
	}
	for _, word := range words {
		means, ok := errorWords[word]
		switch {
		case !ok:
			return fmt.Errorf("the driver does not know the error word %q", word)
		case err != nil && means(err):
			return nil
		}
	}
	return fmt.Errorf("the error is %v (%T), not %s", err, err, strings.Join(words, " or "))
}

// compare compares as JSON, unless the fact decides by itself.
func compare(want, fact any) error {
	if decide, ok := fact.(check); ok {
		return decide(want)
	}
	if !reflect.DeepEqual(want, asJSON(fact)) {
		return fmt.Errorf("%s instead of %s", show(fact), show(want))
	}
	return nil
}

// asJSON brings a value into the form that the data has.
func asJSON(v any) (plain any) {
	must(json.Unmarshal(must1(json.Marshal(v)), &plain))
	return plain
}

func show(v any) string { return string(must1(json.Marshal(v))) }

// holds is a check of a flag that the driver has computed beside a reason for its being false.
func holds(ok bool, why string, args ...any) check {
	return func(want any) error {
		if ok != want.(bool) {
			return fmt.Errorf("%v instead of %v: %s", ok, want, fmt.Sprintf(why, args...))
		}
		return nil
	}
}

// contains is a check that a text has all of the given parts.
func contains(text string) check {
	return func(want any) error {
		parts, one := want.(string)
		list := []string{parts}
		if !one {
			list = asTexts(want)
		}
		for _, part := range list {
			if !strings.Contains(text, part) {
				return fmt.Errorf("%q does not contain %q", text, part)
			}
		}
		return nil
	}
}

var escapes = regexp.MustCompile("%[0-9A-Fa-f]{2}")

// plainURL brings a URL into the form in which two are compared: an empty path is /, hex digits are upper case.
func plainURL(text string) string {
	u := must1(url.Parse(text))
	if u.Path == "" && u.Opaque == "" {
		u.Path = "/"
	}
	return escapes.ReplaceAllStringFunc(u.String(), strings.ToUpper)
}

// sameURL is a check of a URL.
func sameURL(got string) check {
	return func(want any) error {
		if plainURL(got) != plainURL(want.(string)) {
			return fmt.Errorf("%s instead of %s", got, want)
		}
		return nil
	}
}

// sameQuery is a check of a whole query by name; a value in the data is a text or a list of them.
func sameQuery(raw string) check {
	return func(want any) error {
		expected := url.Values{}
		for name, v := range asObject(want) {
			if text, one := v.(string); one {
				expected[name] = []string{text}
			} else {
				expected[name] = asTexts(v)
			}
		}
		if got := must1(url.ParseQuery(raw)); !reflect.DeepEqual(got, expected) {
			return fmt.Errorf("%v instead of %v", got, expected)
		}
		return nil
	}
}

// headerFacts are the keys that look at headers.
func headerFacts(h http.Header) facts {
	return facts{
		"present": check(func(want any) error { return eachHeader(h, want, true) }),
		"absent":  check(func(want any) error { return eachHeader(h, want, false) }),
		"equals":  check(func(want any) error { return equalHeaders(h, want) }),
	}
}

func eachHeader(h http.Header, names any, present bool) error {
	for _, name := range asTexts(names) {
		if _, ok := h[http.CanonicalHeaderKey(name)]; ok != present {
			return fmt.Errorf("the header %s is there: %v", name, ok)
		}
	}
	return nil
}

func equalHeaders(h http.Header, want any) error {
	for name, v := range asObject(want) {
		if got := h.Values(name); len(got) != 1 || got[0] != v {
			return fmt.Errorf("the header %s is %q instead of %q", name, got, v)
		}
	}
	return nil
}

// headerOrNil is the value of a header, nil when it is absent.
func headerOrNil(h http.Header, name string) any {
	if values := h.Values(name); len(values) > 0 {
		return strings.Join(values, ", ")
	}
	return nil
}
