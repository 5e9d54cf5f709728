package crest

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/crest-go/crest/internal/bind"
)

// pageSteps is what a walk over pages remembers of its way, whatever its types.
type pageSteps struct {
	plan    *pagePlan
	call    *call  // of the newest page
	home    origin // where the first page is, and so all of them
	prefix  string // of their paths; "" away from the client's base URL
	current int    // the number or the offset of the newest page
	number  int
	count   int
	whole   bool                       // the walk began at the first page
	seen    map[[sha256.Size]byte]bool // positions, hashed: a server chooses how long they are
	next    string
	refusal *CallError // why the walk cannot go on, told when that is asked for
}

// pageAnswer is what of an answer leads on.
type pageAnswer struct {
	model, items reflect.Value
	n            int // items
	total        int
	url          *url.URL
	links        []string // the lines of the Link header
}

// starts notes where the caller's request stands.
func (s *pageSteps) starts(req reflect.Value) {
	s.seen = map[[sha256.Size]byte]bool{}
	how := &s.plan.how
	if how.Page != "" && !how.ZeroBased {
		s.current = 1
	}
	s.whole = true
	if s.plan.param == nil {
		return
	}
	text := s.plan.param.Text(req)
	s.visit(text)
	if text != "" && how.Cursor == "" {
		n, _ := strconv.Atoi(text)
		s.whole = n == s.current
		s.current = n
	}
}

// visit notes a position, and reports whether it is new.
func (s *pageSteps) visit(position string) bool {
	key := sha256.Sum256([]byte(position))
	known := s.seen[key]
	s.seen[key] = true
	return !known
}

// begin notes the call that gets a page.
func (s *pageSteps) begin(c *call) {
	first := s.call == nil
	s.call = c
	if !first {
		return
	}
	if s.home = originOf(c.out.url); s.home == c.core.home {
		s.prefix = c.core.prefix
	}
	if s.plan.param == nil {
		s.visit(c.out.url.String())
	}
}

// advance finds the next position, and whether it may be followed.
func (s *pageSteps) advance(from *pageAnswer) *CallError {
	s.number++
	s.count += from.n
	s.next = ""
	total, err := number(s.plan.total, from.model)
	from.total = total
	if err == nil {
		s.next, err = s.position(from)
	}
	switch {
	case err != nil:
		return fail(ErrResponse, KindDecode, err)
	case s.next != "":
		s.refusal = s.refuse(from)
	case s.plan.more != nil && s.plan.saysMore(from.model) && s.plan.unended():
		s.refusal = failf(ErrResponse, KindPageLink, "the page says by %q that there are more, and not where", s.plan.how.More)
	}
	return nil
}

// position is where the next page is: a URL, or the parameter's value. "" ends the walk.
func (s *pageSteps) position(from *pageAnswer) (string, error) {
	p, how := s.plan, &s.plan.how
	switch {
	case p.more != nil && !p.saysMore(from.model):
		return "", nil
	case how.Link != "":
		return linked(from, how.Link), nil
	case how.Page != "":
		return s.nextNumber(from)
	case how.Offset != "":
		return s.nextOffset(from), nil
	case p.last != nil:
		if from.n == 0 {
			return "", nil
		}
		return p.last.Text(from.items.Index(from.n - 1))
	}
	if v := p.next.Value(from.model); !v.IsValid() || v.IsZero() {
		return "", nil
	}
	return p.next.Text(from.model)
}

// linked is the target of the link with this relation, absolute or not. One that is from elsewhere (RFC 8288, section 3.2) leads to
// the next page of something else. A line that is too long to be looked at may hold the link: it is refused as what it is.
func linked(from *pageAnswer, rel string) string {
	for _, line := range from.links {
		if len(line) > maxLink {
			return line
		}
		for p := (linkParser{rest: line}); p.next(); {
			rels, _ := p.first("rel")
			anchor, elsewhere := p.first("anchor")
			if elsewhere && resolve(from.url, anchor) == from.url.String() {
				elsewhere = false
			}
			is := func(r string) bool { return strings.EqualFold(r, rel) }
			if !elsewhere && slices.ContainsFunc(strings.Fields(rels), is) {
				return p.target
			}
		}
	}
	return ""
}

// nextNumber is the number after the newest page's, unless that was the last.
func (s *pageSteps) nextNumber(from *pageAnswer) (string, error) {
	last, err := number(s.plan.lastPage, from.model)
	if err != nil || from.n == 0 {
		return "", err
	}
	next := s.current + 1
	beyond := next
	if s.plan.how.ZeroBased {
		beyond++
	}
	if last >= 0 && beyond > last || s.whole && from.total >= 0 && s.count >= from.total {
		return "", nil
	}
	s.current = next
	return strconv.Itoa(next), nil
}

func (s *pageSteps) nextOffset(from *pageAnswer) string {
	next := s.current + from.n
	if from.n == 0 || from.total >= 0 && next >= from.total {
		return ""
	}
	s.current = next
	return strconv.Itoa(next)
}

// number reads a member that counts; -1 where there is none.
func number(m *bind.Member, model reflect.Value) (int, error) {
	if m == nil {
		return -1, nil
	}
	text, err := m.Text(model)
	if err != nil || text == "" {
		return -1, err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return -1, fmt.Errorf("a number of pages or items is %s", safeText(text))
	}
	return n, nil
}

func (p *pagePlan) saysMore(model reflect.Value) bool {
	v := p.more.Value(model)
	return v.IsValid() && v.Bool()
}

// unended reports whether a page without a way on is no end: numbered pages end with their last item.
func (p *pagePlan) unended() bool {
	return p.how.Page == "" && p.how.Offset == ""
}

// refuse says why the next page is not asked for, if it is not.
func (s *pageSteps) refuse(from *pageAnswer) *CallError {
	if s.plan.param == nil {
		if err := s.follow(from.url); err != nil {
			return err
		}
	}
	limit := cmp.Or(s.plan.how.MaxPages, defaultMaxPages)
	switch items := s.plan.how.MaxItems; {
	case !s.visit(s.next):
		return failf(ErrResponse, KindPageLoop, "page %d leads to one that was there already", s.number)
	case limit != NoBound && s.number >= limit:
		return failf(ErrResponse, KindPageLimit, "there are more pages than the bound MaxPages of %d", limit)
	case items > 0 && s.count >= items:
		return failf(ErrResponse, KindPageLimit, "there are more items than the bound MaxItems of %d", items)
	}
	return nil
}

// follow makes the link to the next page absolute, and holds it to where the first page is: it gets the client's credentials.
func (s *pageSteps) follow(base *url.URL) *CallError {
	if len(s.next) > maxLink {
		return tooLarge("the link to the next page is longer than %d bytes", maxLink)
	}
	u, err := parseURL(resolve(base, s.next))
	if err != nil {
		return failf(ErrResponse, KindPageLink, "the link to the next page: %w", err)
	}
	s.next = u.String()
	switch {
	case originOf(u) != s.home:
		return failf(ErrResponse, KindPageLink, "the next page is said to be at %s, which is another origin: it is not asked for", safeText(u.Scheme+"://"+u.Host))
	case !strings.HasPrefix(u.EscapedPath()+"/", s.prefix+"/") || climbs(u.Path):
		return failf(ErrResponse, KindPageLink, "the link to the next page leaves the path %q of the client's base URL", s.prefix)
	}
	return nil
}

// climbs reports whether a path, decoded, has a segment that leads upwards. Some servers take a backslash for a slash, and some
// look at a segment without its parameters (RFC 3986, section 3.3).
func climbs(path string) bool {
	for _, segment := range strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if name, _, _ := strings.Cut(segment, ";"); name == ".." {
			return true
		}
	}
	return false
}
