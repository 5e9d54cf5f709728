package conformance

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/crest-go/crest"
)

// keepSetURL keeps where a case sets its cookies, when a row says where they are sent.
func keepSetURL(c *vector, r vectorRow, in map[string]any) {
	if at, ok := c.Given["url"]; ok && r.In["url"] != nil && inAreas(c.Area, []string{"cookiejar"}) {
		in["set_url"] = at
	}
}

// cookieServer answers every request with Set-Cookie lines, and remembers the last Cookie header.
type cookieServer struct {
	lines []string
	got   string
}

func (s *cookieServer) RoundTrip(req *http.Request) (*http.Response, error) {
	s.got = req.Header.Get("Cookie")
	return &http.Response{
		StatusCode: http.StatusNoContent, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Set-Cookie": s.lines}, Body: io.NopCloser(strings.NewReader("")),
	}, nil
}

// visit calls a URL with the jar (nil: without one) and returns the answer.
func (r *row) visit(s *cookieServer, jar *crest.Jar, target string) *crest.Response[any] {
	p := &plan{method: http.MethodGet}
	base := p.at(target)
	p.clientOpts = append(p.clientOpts, crest.WithTransport(s))
	if jar != nil {
		p.clientOpts = append(p.clientOpts, crest.WithCookieJar(jar))
	}
	if r.log != nil {
		p.clientOpts = append(p.clientOpts, r.log.option())
	}
	return must1(p.do(r, base))
}

// set lets an answer from a URL set cookies.
func (r *row) set(jar *crest.Jar, target string, lines ...string) {
	r.visit(&cookieServer{lines: lines}, jar, target)
}

// parse reads Set-Cookie lines as an answer's.
func (r *row) parse(lines ...string) []*http.Cookie {
	return r.visit(&cookieServer{lines: lines}, nil, "http://api.test/").Cookies()
}

// newJar makes the jar of the row; nil is none.
func (r *row) newJar() *crest.Jar {
	switch kind := r.in.text("jar"); kind {
	case "":
		return crest.NewJar(crest.JarOptions{AllowIP: r.in.flag("unsafe")})
	case "dummy":
		return nil
	default:
		panic("no jar that is called " + kind)
	}
}

// readJar makes the jar and does with it what the row says; in several orders where it has them, which gives several jars.
func (r *row) readJar() []*crest.Jar {
	in := r.in
	in.flag("quote") // crest sends what came
	orders := in.get("orders")
	if orders == nil {
		orders = []any{in.get("update_shared")}
	}
	var jars []*crest.Jar
	for _, order := range asList(orders) {
		jar := r.newJar()
		if shared := asTexts(order); shared != nil {
			must(jar.SetShared(r.parse(shared...)...))
		}
		for _, line := range in.texts("updates_shared") {
			must(jar.SetShared(r.parse(line)...))
		}
		r.readSteps(jar)
		jars = append(jars, jar)
	}
	return jars
}

// readSteps reads what servers set.
func (r *row) readSteps(jar *crest.Jar) {
	in := r.in
	at := in.text("set_url")
	if at == "" {
		at = in.text("url")
	}
	lines := slices.Concat(in.texts("set_cookie"), in.texts("cookies"))
	if line := in.text("cookie"); line != "" {
		lines = append(lines, line)
	}
	if dropped := in.texts("update"); dropped != nil {
		lines, at = append(lines, dropped...), "http://example.com/"
	}
	if lines != nil {
		r.set(jar, at, lines...)
	}
	for _, entry := range asList(in.get("steps")) {
		step := newObject(asObject(entry))
		r.set(jar, step.text("url"), step.texts("set_cookie")...)
		if unread := step.unread(); unread != nil {
			panic(fmt.Sprintf("the driver does not know %q of a step", unread))
		}
	}
	if domain := in.text("clear_domain"); domain != "" {
		jar.ClearDomain(domain)
	}
}

// jarFilter: what goes to a URL, by For and by what a client sends.
func jarFilter(r *row) (facts, error) {
	jars := r.readJar()
	target := r.in.text("url")
	if jars[0] == nil { // without a jar nothing is stored, and nothing is sent
		s := &cookieServer{}
		r.visit(s, nil, "http://example.com/")
		return facts{"len": 0, "filter_empty": s.got == "", "iter_empty": true}, nil
	}
	var all []facts
	for _, jar := range jars {
		s := &cookieServer{}
		r.visit(s, jar, target)
		found := jar.For(must1(url.Parse(target)))
		f := cookieFacts(found)
		f["header"], f["header_set"] = s.got, sameSet(strings.Split(s.got, "; "))
		f["len"] = jar.Len()
		if !slices.Equal(cookieNames(found), headerNames(s.got)) {
			panic("For and the request do not agree: " + s.got)
		}
		all = append(all, f)
	}
	return eachOf(all), nil
}

// eachOf holds an expectation to several facts.
func eachOf(all []facts) facts {
	f := facts{}
	for key := range all[0] {
		f[key] = check(func(want any) error {
			for _, one := range all {
				if err := compare(want, one[key]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return f
}

func headerNames(header string) []string {
	names := []string{}
	for pair := range strings.SplitSeq(header, "; ") {
		if name, _, ok := strings.Cut(pair, "="); ok {
			names = append(names, name)
		}
	}
	return names
}

func cookieNames(cookies []*http.Cookie) []string {
	names := []string{}
	for _, c := range cookies {
		names = append(names, c.Name)
	}
	return names
}

// cookieFacts are the keys that look at a list of cookies.
func cookieFacts(cookies []*http.Cookie) facts {
	names := cookieNames(cookies)
	values, paths := map[string]any{}, map[string]any{}
	for _, c := range slices.Backward(cookies) { // of one name the first counts
		values[c.Name], paths[c.Name] = c.Value, c.Path
	}
	among := func(present bool) check {
		return func(want any) error {
			for _, name := range asTexts(want) {
				if slices.Contains(names, name) != present {
					return fmt.Errorf("%s is among %q: %v", name, names, !present)
				}
			}
			return nil
		}
	}
	return facts{
		"names": sameSet(names), "stored": sameSet(names), "present": among(true), "absent": among(false), "value": someOf(values), "paths": someOf(paths),
		"count": len(cookies),
	}
}

// sameSet is a check of a list whose order is free.
func sameSet(got []string) check {
	return func(want any) error {
		return compare(asJSON(slices.Sorted(slices.Values(asTexts(want)))), slices.Sorted(slices.Values(got)))
	}
}

// someOf is a check of some entries of a map.
func someOf(got map[string]any) check {
	return func(want any) error {
		for key, value := range asObject(want) {
			if got[key] != value {
				return fmt.Errorf("%s is %v instead of %v", key, got[key], value)
			}
		}
		return nil
	}
}

// jarUpdate: what a jar has stored.
func jarUpdate(r *row) (facts, error) {
	r.in.has("url")
	r.log = &journal{}
	jar := r.readJar()[0]
	f := cookieFacts(slices.Collect(jar.All()))
	f["len"], f["log_warning"] = jar.Len(), r.log.warned()
	return f, nil
}

// jarFilterAt: the years of the row begin where the bubble's do.
func jarFilterAt(r *row) (facts, error) {
	moment := func(text string) time.Time { return must1(time.Parse(time.RFC3339, text)) }
	shift := time.Since(moment(r.in.text("now")))
	jar := crest.NewJar(crest.JarOptions{})
	for _, date := range r.in.texts("updates") {
		ends := must1(http.ParseTime(strings.Replace(date, ", 1 ", ", 01 ", 1))).Add(shift)
		r.set(jar, "http://api.test/", r.in.text("cookie")+"; Expires="+ends.Format(http.TimeFormat))
	}
	time.Sleep(time.Until(moment(r.in.text("at")).Add(shift)))
	return cookieFacts(jar.For(must1(url.Parse("http://api.test/")))), nil
}

// cookieDomainMatch: a server may set a cookie of a domain, and is sent it, exactly where the two match.
func cookieDomainMatch(r *row) (facts, error) {
	domain, target := r.in.text("domain"), "http://"+r.in.text("host")+"/"
	jar, shared := crest.NewJar(crest.JarOptions{AllowIP: true}), crest.NewJar(crest.JarOptions{})
	r.set(jar, target, "a=1; Domain="+domain)
	must(shared.SetShared(&http.Cookie{Name: "a", Value: "1", Domain: domain}))
	taken, sent := jar.Len() == 1, len(shared.For(must1(url.Parse(target)))) == 1
	if taken != sent {
		return nil, fmt.Errorf("taken: %v, sent: %v", taken, sent)
	}
	return facts{"match": taken}, nil
}

// cookieDate: a date that is none leaves the cookie without an end.
func cookieDate(r *row) (facts, error) {
	c := r.parse("a=1; Expires=" + r.in.text("in"))[0]
	if c.Expires.IsZero() {
		return facts{"value": nil}, nil
	}
	return facts{"value": c.Expires.Format(time.RFC3339)}, nil
}

// jarGet: cookies of one name are found in a loop.
func jarGet(r *row) (facts, error) {
	jar, byDomain, name := crest.NewJar(crest.JarOptions{}), map[string]any{}, ""
	for _, entry := range asList(r.in.get("set")) {
		c := newObject(asObject(entry))
		name = c.text("name")
		r.set(jar, "http://"+c.text("domain")+"/", name+"="+c.text("value")+"; Domain="+c.text("domain"))
	}
	found := 0
	for c := range jar.All() {
		if c.Name == name {
			found++
			byDomain[strings.TrimPrefix(c.Domain, ".")] = c.Value
		}
	}
	return facts{"len": jar.Len(), "found_without_domain": found, "get_with_domain": someOf(byDomain)}, nil
}
