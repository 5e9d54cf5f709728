package crest

import (
	"net/url"
	"slices"
	"strings"
)

// Link is one link of a Link header (RFC 8288) for one relation type.
type Link struct {
	URL    string            // the target, absolute
	Rel    string            // the relation type in lower case: "next"; "" when the link names none
	Anchor string            // what the link is from, absolute; "" for the answer itself
	Params map[string]string // the other parameters by lower-case name; title* is decoded into title
}

// maxLink is the longest Link line that is looked at, as for every reference from a server.
const maxLink = 8 << 10

// parseLinks reads Link header lines. What is no link is passed over: a bad header never fails a call.
func parseLinks(lines []string, base *url.URL) []Link {
	links := []Link{}
	for _, line := range lines {
		if len(line) > maxLink {
			continue
		}
		p := linkParser{rest: line}
		for p.next() {
			links = append(links, p.links(base)...)
		}
	}
	return links
}

// linkParser walks the elements of one line.
type linkParser struct {
	rest   string
	target string
	params []linkParam
}

type linkParam struct{ name, value string }

// next reads one element: "<" target ">" and its parameters (RFC 8288, appendix B.2). It stops at the
// first thing that cannot begin or end one.
func (p *linkParser) next() bool {
	p.rest = strings.TrimLeft(p.rest, " \t,")
	if !strings.HasPrefix(p.rest, "<") {
		return false
	}
	end := strings.IndexByte(p.rest, '>')
	if end < 0 {
		return false
	}
	p.target, p.rest, p.params = p.rest[1:end], p.rest[end+1:], nil
	for {
		p.skipSpace()
		if p.rest == "" || p.rest[0] != ';' {
			return true
		}
		p.rest = p.rest[1:]
		if param, ok := p.param(); ok {
			p.params = append(p.params, param)
		}
	}
}

func (p *linkParser) skipSpace() { p.rest = strings.TrimLeft(p.rest, " \t") }

// param reads name, name=token or name="quoted". A list may have empty places.
func (p *linkParser) param() (linkParam, bool) {
	p.skipSpace()
	end := strings.IndexAny(p.rest, " \t=;,")
	if end < 0 {
		end = len(p.rest)
	}
	param := linkParam{name: strings.ToLower(p.rest[:end])}
	p.rest = p.rest[end:]
	p.skipSpace()
	if strings.HasPrefix(p.rest, "=") {
		p.rest = p.rest[1:]
		p.skipSpace()
		param.value = p.value()
	}
	return param, param.name != ""
}

func (p *linkParser) value() string {
	if strings.HasPrefix(p.rest, `"`) {
		return p.quoted()
	}
	end := strings.IndexAny(p.rest, ";,")
	if end < 0 {
		end = len(p.rest)
	}
	v := strings.TrimRight(p.rest[:end], " \t")
	p.rest = p.rest[end:]
	return v
}

// quoted reads a quoted-string (RFC 9110, section 5.6.4). One that does not end goes to the end of the line.
func (p *linkParser) quoted() string {
	var b strings.Builder
	i := 1
	for ; i < len(p.rest) && p.rest[i] != '"'; i++ {
		if p.rest[i] == '\\' && i+1 < len(p.rest) {
			i++
		}
		b.WriteByte(p.rest[i])
	}
	p.rest = p.rest[min(i+1, len(p.rest)):]
	return b.String()
}

// links returns the element once for each of its relation types; once with an empty Rel, if it has none.
func (p *linkParser) links(base *url.URL) []Link {
	rel, _ := p.first("rel")
	target := resolve(base, p.target)
	if target == "" {
		return nil
	}
	proto := Link{URL: target, Params: p.others()}
	if anchor, ok := p.first("anchor"); ok {
		proto.Anchor = resolve(base, anchor)
	}
	if strings.TrimSpace(rel) == "" {
		return []Link{proto}
	}
	var links []Link
	for relation := range strings.FieldsSeq(rel) {
		l := proto
		l.Rel = strings.ToLower(relation)
		links = append(links, l)
	}
	return links
}

// first returns the first parameter of a name: later ones do not count.
func (p *linkParser) first(name string) (string, bool) {
	i := slices.IndexFunc(p.params, func(param linkParam) bool { return param.name == name })
	if i < 0 {
		return "", false
	}
	return p.params[i].value, true
}

// others are the parameters but rel and anchor. A star value that decodes stands for the plain one; one
// that does not counts as absent.
func (p *linkParser) others() map[string]string {
	others := map[string]string{}
	for _, param := range p.params {
		name, star := strings.CutSuffix(param.name, "*")
		if _, have := others[name]; have || star || name == "rel" || name == "anchor" {
			continue
		}
		others[name] = param.value
	}
	for _, param := range p.params {
		name, star := strings.CutSuffix(param.name, "*")
		if value, ok := decodeExtended(param.value); star && ok {
			others[name] = value
		}
	}
	return others
}

// decodeExtended reads an extended value (RFC 8187, section 3.2): UTF-8'language'percent-encoded.
func decodeExtended(s string) (string, bool) {
	parts := strings.SplitN(s, "'", 3)
	if len(parts) != 3 || !strings.EqualFold(parts[0], "utf-8") {
		return "", false
	}
	text, err := url.PathUnescape(parts[2])
	return text, err == nil && strings.ToValidUTF8(text, "") == text
}
