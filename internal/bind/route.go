package bind

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Route is a parsed template such as /pets/{id}/files/{path...}?version=2.
// It is immutable and safe for concurrent use.
type Route struct {
	template string
	query    string // the constants after "?"
	parts    []part
}

// part is literal text, already escaped, or a placeholder.
type part struct {
	literal string
	name    string
	rest    bool // {name...}
}

// ParseRoute parses a template and returns all of its mistakes at once.
//
// A template begins with a single "/" (R13) and has no scheme, authority or
// fragment. {name} stands for one segment or a part of one, {name...} for the
// rest of the path; names hold letters, digits, "_", "-" and ".". Literal text
// keeps what is percent-encoded, and non-ASCII is encoded. After "?" come
// constants that are sent as they are written.
func ParseRoute(template string) (*Route, []error) {
	p := routeParser{route: &Route{template: template}}
	path, query, hasQuery := cutQuery(template)
	p.start(path)
	p.path(path)
	if hasQuery {
		p.query(query)
	}
	if len(p.mistakes) > 0 {
		return nil, p.mistakes
	}
	return p.route, nil
}

// String returns the template as it was written.
func (r *Route) String() string { return r.template }

// Names returns the placeholders in their order.
func (r *Route) Names() []string {
	var names []string
	for _, p := range r.parts {
		if p.name != "" {
			names = append(names, p.name)
		}
	}
	return names
}

// constants are the names in the route's query.
func (r *Route) constants() []string {
	var names []string
	for pair := range strings.SplitSeq(r.query, "&") {
		if name, _, _ := strings.Cut(pair, "="); name != "" {
			names = append(names, string(unescape(nil, []byte(name))))
		}
	}
	return names
}

// cutQuery cuts at the first "?" outside of braces.
func cutQuery(template string) (path, query string, found bool) {
	inside := false
	for i, c := range template {
		switch {
		case c == '{':
			inside = true
		case c == '}':
			inside = false
		case c == '?' && !inside:
			return template[:i], template[i+1:], true
		}
	}
	return template, "", false
}

type routeParser struct {
	route    *Route
	mistakes []error
}

func (p *routeParser) mistake(text string) { p.mistakes = append(p.mistakes, errors.New(text)) }

func (p *routeParser) start(path string) {
	switch {
	case strings.HasPrefix(path, "//"):
		p.mistake("the route begins with //, which would name another host: begin with a single /")
	case strings.HasPrefix(path, "/"):
	case strings.Contains(path, "://"):
		p.mistake("the route holds a scheme and host: leave them to the base URL, and begin with /")
	default:
		p.mistake("the route must begin with /")
	}
}

func (p *routeParser) path(path string) {
	for path != "" {
		open := strings.IndexByte(path, '{')
		if open < 0 {
			p.literal(path)
			break
		}
		p.literal(path[:open])
		size := strings.IndexByte(path[open:], '}')
		if size < 0 {
			p.mistake("the route has a { without its }")
			return
		}
		p.placeholder(path[open+1:open+size], path[:open], path[open+size+1:])
		path = path[open+size+1:]
	}
	p.segments()
}

func (p *routeParser) literal(text string) {
	if text == "" {
		return
	}
	escaped, problem := escapeLiteral(text, "/")
	if problem != "" {
		p.mistake("the route's path " + problem)
	}
	p.route.parts = append(p.route.parts, part{literal: escaped})
}

func (p *routeParser) placeholder(name, before, after string) {
	name, rest := strings.CutSuffix(name, "...")
	switch {
	case name == "":
		p.mistake("the route has a placeholder without a name: write {name}")
	case !validName(name):
		p.mistake(fmt.Sprintf("the placeholder {%s} is not a name: use letters, digits, _ and -, and ... only at its end", name))
	case slices.Contains(p.route.Names(), name):
		p.mistake(fmt.Sprintf("the placeholder {%s} stands in the route twice: give each its own name", name))
	case rest && (after != "" || !strings.HasSuffix(before, "/")):
		p.mistake(fmt.Sprintf("the placeholder {%s...} takes the rest of the path: it must be the whole last segment", name))
	}
	p.route.parts = append(p.route.parts, part{name: name, rest: rest})
}

func validName(name string) bool {
	for i := range len(name) {
		if !unreserved(name[i]) || name[i] == '~' {
			return false
		}
	}
	return (isAlnum(name[0]) || name[0] == '_') && name[len(name)-1] != '.'
}

// segments looks for dot segments, with a harmless letter for each placeholder.
func (p *routeParser) segments() {
	var path []byte
	for _, part := range p.route.parts {
		if path = append(path, part.literal...); part.name != "" {
			path = append(path, 'x')
		}
	}
	if dottedPath(path) {
		p.mistake("the route holds a dot segment (. or .., perhaps percent-encoded): write the path that it stands for")
	}
}

func (p *routeParser) query(query string) {
	switch {
	case query == "":
		p.mistake("the route ends in ?: take it out")
		return
	case strings.ContainsAny(query, "{}"):
		p.mistake("the route's query holds a placeholder or a brace: tag a field query:\"name\" instead")
		return
	}
	escaped, problem := escapeLiteral(query, "/?")
	if problem == "" && escaped != query {
		problem = "holds a character that must be percent-encoded"
	}
	if problem != "" {
		p.mistake("the route's query " + problem)
	}
	p.route.query = query
}

// escapeLiteral keeps what RFC 3986 allows in a path segment, and the extra
// characters; non-ASCII is encoded. problem says what a route must not hold.
func escapeLiteral(text, extra string) (escaped, problem string) {
	dst := make([]byte, 0, len(text))
	for i := range len(text) {
		c := text[i]
		if problem == "" {
			problem = literalProblem(text[i:], extra)
		}
		if dst = append(dst, c); c >= 0x80 {
			dst = escapeFrom(dst, len(dst)-1)
		}
	}
	return string(dst), problem
}

func literalProblem(text, extra string) string {
	switch c := text[0]; {
	case unreserved(c), c >= 0x80, strings.IndexByte("!$&'()*+,;=:@", c) >= 0, strings.IndexByte(extra, c) >= 0:
		return ""
	case c == '%':
		return tripletProblem(text)
	case c < ' ', c == 0x7F:
		return "holds a control character: take it out"
	case c == '#':
		return "holds a fragment (#), which is never sent: take it out, or write %23"
	case c == '\\':
		return `holds a backslash, which some servers take for a slash: write /, or %5C`
	case c == '}':
		return "holds a } without its {"
	default:
		return fmt.Sprintf("holds %q: write %%%c%c", c, upperHex[c>>4], upperHex[c&15])
	}
}

func tripletProblem(text string) string {
	c, ok := triplet([]byte(text[:min(3, len(text))]))
	switch {
	case !ok:
		return "holds a % that begins no percent-encoded byte: write %25"
	case c < ' ' || c == 0x7F:
		return "holds a percent-encoded control character: take it out"
	}
	return ""
}
