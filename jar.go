package crest

import (
	"cmp"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unique"
)

// Jar keeps cookies as RFC 6265bis says, for [WithCookieJar] or an [http.Client]. [Jar.SetCookies] and [Jar.Cookies] are what
// a client uses, [Jar.SetShared] gives every site the same cookie, [Jar.For], [Jar.All] and [Jar.Len] look inside,
// [Jar.Clear] and [Jar.ClearDomain] remove, [Jar.Save] and [Jar.Load] carry a session over a restart.
//
// A cookie goes back to the host that set it, and with a Domain attribute to the hosts below that domain, unless it is one under
// which anyone can register (the public suffix list of golang.org/x/net); ports do not divide cookies. Secure cookies
// are taken over https alone, and one that came over http neither replaces nor hides them. __Host- and __Secure- are
// enforced. A cookie lives for 400 days at most. SameSite and Partitioned are kept but not enforced, since a client has no
// page that a request comes from.
//
// It holds 3000 cookies, 150 for a registered domain (insecure ones make room first, those unused the longest before the others),
// takes 50 from an answer, and refuses one whose name and value are longer than 4096 bytes. What it refuses, it drops silently.
//
// The zero value is an empty jar with the default options. A jar must not be copied, and is safe for concurrent use. One jar is one user:
// give each client its own, unless they are to share a session. It prints no cookie.
type Jar struct {
	options JarOptions
	mu      sync.Mutex
	// Pointers, which fmt does not follow: a struct that holds a jar does not print its cookies either.
	sites map[string]map[cookieID]*kept // by registered domain; "" has the shared ones
	held  int                           // cookies of all sites
	clock uint64                        // counts what is set and sent: an order that needs no fine clock
}

// JarOptions are the options of [NewJar]. The zero value means the defaults.
type JarOptions struct {
	// AllowIP takes cookies from hosts that are IP addresses, for that address alone; otherwise they are refused.
	// A test against 127.0.0.1 needs it.
	AllowIP bool
}

var _ http.CookieJar = (*Jar)(nil)

// cookieID is what makes a cookie replace another.
type cookieID struct {
	domain, name string
	path         unique.Handle[string] // not in clear, where fmt would find it: a path can hold a Secret
	hostOnly     bool
}

// kept is a cookie in the jar: its Path is complete, its Expires is when it ends. It is replaced, never changed, but for used.
type kept struct {
	*http.Cookie     // a second pointer, since fmt follows one for a verb that does not fit
	hostOnly, shared bool
	born, used       uint64 // readings of the jar's clock
}

func (k *kept) id() cookieID { return cookieID{k.Domain, k.Name, unique.Make(k.Path), k.hostOnly} }

// site is the part of the jar that the cookie is in.
func (k *kept) site() string {
	if k.shared {
		return ""
	}
	_, ip, _ := cookieHost(k.Domain)
	return siteOf(k.Domain, ip)
}

// NewJar makes an empty jar.
func NewJar(options JarOptions) *Jar { return &Jar{options: options} }

// SetCookies keeps what an answer from u set (a Max-Age below zero or an Expires in the past removes). It is what
// a client calls for each answer; what the rules refuse is dropped. u must be http, https, ws or wss.
func (j *Jar) SetCookies(u *url.URL, cookies []*http.Cookie) { j.take(u, cookies) }

// take is SetCookies; it returns how many were refused.
func (j *Jar) take(u *url.URL, cookies []*http.Cookie) (refused int) {
	from, ok := placeOf(u)
	if !ok || from.ip && !j.options.AllowIP {
		return len(cookies)
	}
	if more := len(cookies) - maxCookiesPerAnswer; more > 0 {
		cookies, refused = cookies[:maxCookiesPerAnswer], more
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	for _, c := range cookies {
		k, ok := from.accept(c, now)
		if !ok || !from.secure && j.shielded(from.site, k, now) {
			refused++
			continue
		}
		j.put(from.site, k, now)
	}
	j.makeRoom(now, from.site)
	return refused
}

// SetShared keeps cookies that no server set. One without a Domain goes to every host that the client asks, the target of a redirect
// to a foreign host included, over http too unless it is Secure: it is no place for a credential. A cookie of the same name that
// a site has set for itself goes there in its stead. One with a Domain goes to that domain and the hosts below it. An empty Path is /.
//
// A cookie that cannot be sent, a Domain that is a public suffix or an IP address (SetCookies takes those for
// one host), a __Host- name and more than 150 without a Domain are errors; then none is kept.
func (j *Jar) SetShared(cookies ...*http.Cookie) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	all := make([]*kept, 0, len(cookies))
	shared := map[cookieID]bool{}
	for _, c := range cookies {
		k, err := newShared(c, now)
		if err != nil {
			return fmt.Errorf("crest: SetShared: %w", err)
		}
		if all = append(all, k); k.shared && j.sites[""][k.id()] == nil {
			shared[k.id()] = true
		}
	}
	if len(j.sites[""])+len(shared) > maxCookiesPerDomain {
		return fmt.Errorf("crest: SetShared: the jar would have more than %d shared cookies", maxCookiesPerDomain)
	}
	j.putAll(all, now)
	return nil
}

// newShared checks a cookie that the program sets.
func newShared(c *http.Cookie, now time.Time) (*kept, error) {
	if c == nil {
		return nil, fmt.Errorf("a cookie is nil")
	}
	k := newKept(c, "", cmp.Or(c.Path, "/"), now)
	k.shared = c.Domain == ""
	if !k.valid() || !strings.HasPrefix(k.Path, "/") {
		return nil, fmt.Errorf("the cookie %q has a name, a value or a path that cannot be sent", c.Name)
	}
	if !k.prefixHolds(false) {
		return nil, fmt.Errorf("the cookie %q promises by its name to be Secure, or of one host: set it with SetCookies", c.Name)
	}
	if k.shared {
		return k, nil
	}
	domain, ip, ok := cookieHost(strings.TrimPrefix(c.Domain, "."))
	if k.Domain = domain; !ok || ip || publicSuffix(domain) {
		return nil, fmt.Errorf("the cookie %q has a Domain that is none, a public suffix or an IP address", c.Name)
	}
	return k, nil
}

// Cookies returns what a request for u sends, with names and values only: longest path first, then the oldest.
func (j *Jar) Cookies(u *url.URL) []*http.Cookie {
	found := j.match(u, true)
	cookies := make([]*http.Cookie, len(found))
	for i, k := range found {
		cookies[i] = &http.Cookie{Name: k.Name, Value: k.Value, Quoted: k.Quoted}
	}
	return cookies
}

// For returns the cookies that a request for u would send, in that order, each as [Jar.All] shows it.
func (j *Jar) For(u *url.URL) []*http.Cookie { return views(j.match(u, false)) }

// All walks all cookies, the oldest first, with all they have: Expires is when one ends, zero with the session. A Domain
// that begins with a dot includes the hosts below it, one without is that host alone, an empty one is shared.
// The cookies are copies; the jar may change meanwhile.
func (j *Jar) All() iter.Seq[*http.Cookie] { return slices.Values(views(j.live())) }

// Len is how many cookies the jar has.
func (j *Jar) Len() int { return len(j.live()) }

// Clear removes the cookies for which where returns true; nil removes all. It is given them as [Jar.All] shows them.
func (j *Jar) Clear(where func(*http.Cookie) bool) {
	j.remove(slices.DeleteFunc(j.live(), func(k *kept) bool { return where != nil && !where(k.view()) }))
}

// ClearDomain removes the cookies of a domain and of the hosts below it. Shared ones stay.
func (j *Jar) ClearDomain(domain string) {
	domain, ip, ok := cookieHost(strings.TrimPrefix(domain, "."))
	j.remove(slices.DeleteFunc(j.live(), func(k *kept) bool {
		return !ok || k.Domain != domain && (ip || !domainMatches(k.Domain, domain))
	}))
}

// Format prints how many cookies there are, under every verb.
func (j *Jar) Format(f fmt.State, verb rune) {
	formatError(f, verb, "crest.Jar("+strconv.Itoa(j.Len())+" cookies)")
}

// view is the cookie as it is shown.
func (k *kept) view() *http.Cookie {
	c := *k.Cookie
	if !k.hostOnly && !k.shared {
		c.Domain = "." + c.Domain
	}
	return &c
}

func views(all []*kept) []*http.Cookie {
	cookies := make([]*http.Cookie, len(all))
	for i, k := range all {
		cookies[i] = k.view()
	}
	return cookies
}
