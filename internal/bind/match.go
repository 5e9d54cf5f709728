package bind

import "strings"

// segment is what of a route stands between two slashes.
type segment []step

// segmentsOf cuts a route at its slashes.
func segmentsOf(steps []step) []segment {
	list := []segment{nil}
	for _, s := range steps {
		if s.e != nil {
			list[len(list)-1] = append(list[len(list)-1], s)
			continue
		}
		for i, text := range strings.Split(s.literal, "/") {
			if i > 0 {
				list = append(list, nil)
			}
			if text != "" {
				list[len(list)-1] = append(list[len(list)-1], step{part: part{literal: text}})
			}
		}
	}
	return list
}

// match cuts an escaped path into what stands at the route's placeholders, still escaped.
func (in *Incoming) match(path string) (values []string, ok bool) {
	values = make([]string, 0, len(in.holes))
	for i, s := range in.segments {
		if len(s) == 1 && s[0].rest {
			return append(values, path), path != ""
		}
		text, rest, more := strings.Cut(path, "/")
		last := i == len(in.segments)-1
		if values, ok = s.match(text, values); !ok || more == last {
			return nil, false
		}
		path = rest
	}
	return values, true
}

// match cuts one segment. A placeholder takes as little as it can, the last one what is left.
func (s segment) match(text string, values []string) ([]string, bool) {
	for i, here := range s {
		if here.e == nil {
			var ok bool
			if text, ok = strings.CutPrefix(text, here.literal); !ok {
				return nil, false
			}
			continue
		}
		size := len(text)
		if i+1 < len(s) {
			size = s[i+1].begins(text, i+2 == len(s))
		}
		if size < 1 || size > len(text) {
			return nil, false
		}
		values, text = append(values, text[:size]), text[size:]
	}
	return values, text == ""
}

// begins finds where a step begins behind a placeholder's value, which is not empty; -1 if it does not.
func (s step) begins(text string, last bool) int {
	if s.e == nil && last {
		return len(text) - len(s.literal)
	}
	mark := s.literal
	if s.e != nil {
		mark = s.e.style.prefix
	}
	if text == "" {
		return -1
	}
	i := strings.Index(text[1:], mark)
	if i < 0 {
		return -1
	}
	return i + 1
}
