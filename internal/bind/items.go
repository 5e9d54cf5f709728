package bind

import "strings"

// items splits lines at their commas. Empty items don't count (RFC 9110,
// section 5.6.1); those in quotes are unquoted.
func (n *node) items(lines []string) []string {
	var items []string
	for _, line := range lines {
		for line != "" {
			var text string
			var quoted bool
			if text, line, quoted = cutItem(line); quoted || text != "" {
				items = append(items, text)
			}
		}
	}
	if n.elem != nil && n.elem.scalar.kind == timeScalar && n.elem.scalar.format == formatHTTPDate {
		return dates(items)
	}
	return items
}

// cutItem takes the first item off a line.
func cutItem(line string) (text, rest string, quoted bool) {
	line = strings.TrimLeft(line, " \t")
	if !strings.HasPrefix(line, `"`) {
		text, rest, _ = strings.Cut(line, ",")
		return strings.TrimRight(text, " \t"), rest, false
	}
	text, rest = unquote(line)
	_, rest, _ = strings.Cut(rest, ",")
	return text, rest, true
}

// unquote takes a quoted-string (RFC 9110, section 5.6.4) off a line. Its closing quote may be missing.
func unquote(line string) (text, rest string) {
	var b strings.Builder
	for i := 1; i < len(line); i++ {
		switch line[i] {
		case '"':
			return b.String(), line[i+1:]
		case '\\':
			i++
		}
		if i < len(line) {
			b.WriteByte(line[i])
		}
	}
	return b.String(), ""
}

// dates puts HTTP dates together again, which hold a comma each.
func dates(items []string) []string {
	var whole []string
	for i := 0; i < len(items); i += 2 {
		whole = append(whole, strings.Join(items[i:min(i+2, len(items))], ", "))
	}
	return whole
}

var errNoPairs = &problem{text: "is not a list of names and values (explode= in the tag says how they are paired)"}

// paired puts names and values together: R=100,G=200 when exploded, else R,100,G,200.
func paired(items []string, explode bool) ([]Pair, error) {
	pairs := make([]Pair, 0, len(items))
	for i := 0; i < len(items); i++ {
		name, value, ok := strings.Cut(items[i], "=")
		if !explode {
			if name, ok = items[i], i+1 < len(items); ok {
				i++
				value = items[i]
			}
		}
		if !ok {
			return nil, errNoPairs
		}
		pairs = append(pairs, Pair{name, value})
	}
	return pairs, nil
}

// explodedPairs reads lines of R=100, G="a, b", where either side may be a quoted-string.
func explodedPairs(lines []string) ([]Pair, error) {
	var pairs []Pair
	for _, line := range lines {
		for line = strings.TrimLeft(line, " \t,"); line != ""; line = strings.TrimLeft(line, " \t,") {
			var p Pair
			if p.Name, line = cutUntil(line, "=,"); !strings.HasPrefix(line, "=") {
				return nil, errNoPairs
			}
			p.Value, line = cutUntil(line[1:], ",")
			pairs = append(pairs, p)
		}
	}
	return pairs, nil
}

// cutUntil takes a quoted-string or a plain text off a line, up to one of the marks or its end.
func cutUntil(line, marks string) (text, rest string) {
	quoted := strings.HasPrefix(line, `"`)
	if quoted {
		text, line = unquote(line)
	}
	end := strings.IndexAny(line, marks)
	if end < 0 {
		end = len(line)
	}
	if !quoted {
		text = strings.TrimRight(line[:end], " \t")
	}
	return text, line[end:]
}
