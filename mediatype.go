package crest

import (
	"fmt"
	"slices"
	"strings"
)

// WithAccept sets the Accept header and the media types that an answer may have, such as
// "application/vnd.api+json", "text/*" or "*/*", which switches the check off. Without it they follow from
// the response model and its codecs. A type that no codec names is read by the endpoint's first codec. For error models the types add to
// those of the codecs; an HTML page is read as one by JSON alone, which finds that it is none. No type at all is a mistake.
func WithAccept(types ...string) Option {
	types = slices.Clone(types)
	return anyOption(func(s *settings) error {
		if len(types) == 0 {
			return fmt.Errorf("WithAccept: no media type: give at least one, or */*")
		}
		for _, t := range types {
			if essence, _ := splitMediaType(t); strings.Count(essence, "/") != 1 || strings.ContainsAny(t, "\r\n") {
				return fmt.Errorf("WithAccept: %q is not a media type such as application/json", t)
			}
		}
		s.accept = types
		return nil
	})
}

// splitMediaType takes a Content-Type apart: the type in lower case, and its charset. It reads what servers
// really send, where mime.ParseMediaType would refuse.
func splitMediaType(header string) (mediaType, label string) {
	essence, params, more := strings.Cut(header, ";")
	mediaType = strings.ToLower(strings.TrimSpace(essence))
	if !more {
		return mediaType, ""
	}
	for param := range strings.SplitSeq(params, ";") {
		name, value, ok := strings.Cut(param, "=")
		if ok && strings.EqualFold(strings.TrimSpace(name), "charset") {
			return mediaType, strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return mediaType, ""
}

// matchesType reports whether a media type fits a pattern: "a/b", "a/*", "a/*+c", "*/*+c", "*/*".
func matchesType(pattern, mediaType string) bool {
	if pattern == mediaType { // as most are
		return true
	}
	pattern, _ = splitMediaType(pattern)
	if pattern == "*/*" || pattern == mediaType {
		return true
	}
	main, sub, _ := strings.Cut(pattern, "/")
	gotMain, gotSub, _ := strings.Cut(mediaType, "/")
	if main != gotMain && main != "*" || !strings.HasPrefix(sub, "*") {
		return false
	}
	return strings.HasSuffix(gotSub, sub[1:])
}

func matchesAny(patterns []string, mediaType string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matchesType(p, mediaType) })
}

func isJSON(mediaType string) bool { return matchesAny(jsonTypes, mediaType) }

// sendType is the media type that a codec's requests carry.
func sendType(c Codec) string { return c.MediaTypes()[0] }

// codecsFor returns the codecs of the settings: those that were given, else JSON alone.
func (s *settings) codecsFor() []Codec {
	if len(s.codecs) > 0 {
		return s.codecs
	}
	return jsonOnly
}

var jsonOnly = []Codec{jsonCodec{}}

// codecOf finds the codec that reads a media type. An absent type is taken for the first codec's.
func (s *settings) codecOf(mediaType string) (Codec, bool) {
	all := s.codecsFor()
	if mediaType == "" {
		return all[0], true
	}
	for _, c := range all {
		if matchesAny(c.MediaTypes(), mediaType) {
			return c, true
		}
	}
	return all[0], false
}
