package crest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// R33: 20 000 cookies, in one answer and in many, of one domain and of many.
func TestR33(t *testing.T) {
	t.Run("of an answer", func(t *testing.T) {
		jar := crest.NewJar(crest.JarOptions{})
		var lines []string
		for i := range 20_000 {
			lines = append(lines, fmt.Sprintf("c%d=1", i))
		}
		setCookies(t, jar, "https://example.com/", lines...)
		require.Equal(t, 50, jar.Len())
		require.Equal(t, "c49", names(slices.Collect(jar.All()))[49])
	})
	t.Run("of a domain, its subdomains in turn", func(t *testing.T) {
		jar := crest.NewJar(crest.JarOptions{})
		for i := range 20_000 {
			u := &url.URL{Scheme: "https", Host: fmt.Sprintf("h%d.example.com", i%40), Path: "/"}
			jar.SetCookies(u, []*http.Cookie{{Name: fmt.Sprint("c", i), Value: "1"}})
		}
		require.Equal(t, 150, jar.Len())
	})
	t.Run("of many domains", func(t *testing.T) {
		jar := crest.NewJar(crest.JarOptions{})
		require.NoError(t, jar.SetShared(&http.Cookie{Name: "mine", Value: "1"}, &http.Cookie{Name: "idle", Value: "1", Path: "/never"}))
		setCookies(t, jar, "https://home.test/", "sid=1")
		for i := range 400 {
			u := &url.URL{Scheme: "https", Host: fmt.Sprintf("h%d.test", i%200), Path: "/"}
			var cookies []*http.Cookie
			for range 50 {
				cookies = append(cookies, &http.Cookie{Name: fmt.Sprint("c", i, "-", len(cookies)), Value: "1"})
			}
			jar.SetCookies(u, cookies)
			if i%20 == 0 {
				jar.Cookies(at(t, "https://home.test/"))
			}
		}
		require.Equal(t, 3000, jar.Len())
		require.Equal(t, "sid=1; mine=1", sent(t, jar, "https://home.test/"), "what is in use stays")
		require.Equal(t, []string{"mine", "idle"}, names(slices.Collect(jar.All()))[:2], "shared ones stay, in use or not")
	})
	t.Run("of a size", func(t *testing.T) {
		jar := crest.NewJar(crest.JarOptions{})
		setCookies(t, jar, "https://a.test/", "fits="+strings.Repeat("x", 4092), "long="+strings.Repeat("x", 4093), strings.Repeat("x", 4096)+"=1")
		require.Equal(t, []string{"fits"}, names(slices.Collect(jar.All())))
		setCookies(t, jar, "https://b.test/x/y", "path=1; path=/"+strings.Repeat("x", 1024), "domain=1; domain="+strings.Repeat("x.", 1024)+"test")
		for _, c := range jar.For(at(t, "https://b.test/x/z")) {
			require.Equal(t, [2]string{"/x", "b.test"}, [2]string{c.Path, c.Domain}, "an attribute that is too long is none")
		}
		require.Equal(t, 3, jar.Len())
	})
}

// What makes room: insecure cookies of the domain before Secure ones, then those that were not used for the longest.
func TestR33Order(t *testing.T) {
	jar, u := crest.NewJar(crest.JarOptions{}), at(t, "https://example.com/")
	set := func(name string, secure bool) {
		jar.SetCookies(u, []*http.Cookie{{Name: name, Value: "1", Secure: secure, Path: "/" + name}})
	}
	for i := range 100 {
		set(fmt.Sprint("safe", i), true)
	}
	for i := range 50 {
		set(fmt.Sprint("bare", i), false)
	}
	jar.Cookies(at(t, "https://example.com/bare0"))
	set("new", true)
	require.Equal(t, 150, jar.Len())
	require.Equal(t, "bare0=1", sent(t, jar, "https://example.com/bare0"), "it was used")
	require.Empty(t, sent(t, jar, "https://example.com/bare1"))
	require.Equal(t, "safe0=1", sent(t, jar, "https://example.com/safe0"))
	for i := range 149 {
		set(fmt.Sprint("more", i), true)
	}
	require.Equal(t, 150, jar.Len())
	require.Empty(t, sent(t, jar, "https://example.com/bare0"), "insecure ones all went before")
}

// R38: hosts in one spelling, public suffixes, addresses, prefixes, control characters.
func TestR38(t *testing.T) {
	tests := map[string]struct {
		from, set string
		to, want  string
	}{
		"public suffix":             {"https://www.example.co.uk/", "a=1; domain=co.uk", "https://other.co.uk/", ""},
		"public suffix, at home":    {"https://www.example.co.uk/", "a=1; domain=co.uk", "https://www.example.co.uk/", ""},
		"private suffix":            {"https://mine.github.io/", "a=1; domain=github.io", "https://yours.github.io/", ""},
		"mixed case suffix":         {"https://www.example.co.uk/", "a=1; domain=cO.Uk", "https://other.co.uk/", ""},
		"suffix with a dot":         {"https://www.example.co.uk/", "a=1; domain=.co.uk.", "https://other.co.uk/", ""},
		"unknown suffix":            {"https://a.internal/", "a=1; domain=internal", "https://b.internal/", ""},
		"the suffix itself":         {"https://github.io/", "a=1; domain=github.io", "https://yours.github.io/", ""},
		"the suffix itself, home":   {"https://github.io/", "a=1; domain=github.io", "https://github.io/", "a=1"},
		"host with a dot, suffix":   {"https://www.example.co.uk./", "a=1; domain=co.uk", "https://other.co.uk./", ""},
		"upper case host":           {"https://WWW.Example.COM/", "a=1", "https://www.example.com/", "a=1"},
		"trailing dot":              {"https://www.example.com./", "a=1", "https://www.example.com/", "a=1"},
		"trailing dot, and domain":  {"https://www.example.com./", "a=1; domain=example.com", "https://x.example.com/", "a=1"},
		"mixed case domain":         {"https://www.example.com/", "a=1; domain=Example.Com", "https://x.example.com/", "a=1"},
		"IDNA":                      {"https://www.b\u00fccher.example/", "a=1; domain=xn--bcher-kva.example", "https://x.b\u00fccher.example/", "a=1"},
		"IDNA the other way":        {"https://www.xn--bcher-kva.example/", "a=1; domain=B\u00dcCHER.example", "https://x.xn--bcher-kva.example/", "a=1"},
		"address as domain":         {"https://1.2.3.4/", "a=1; domain=1.2.3.4", "https://1.2.3.4/", "a=1"},
		"tail of an address":        {"https://1.2.3.4/", "a=1; domain=3.4", "https://9.9.3.4/", ""},
		"tail of an address, home":  {"https://1.2.3.4/", "a=1; domain=.4", "https://1.2.3.4/", ""},
		"address as foreign domain": {"https://www.example.com/", "a=1; domain=1.2.3.4", "https://1.2.3.4/", ""},
		"IPv6":                      {"https://[2001:DB8:0::1]/", "a=1", "https://[2001:db8::1]/", "a=1"},
		"domain with a port":        {"https://www.example.com/", "a=1; domain=example.com:443", "https://www.example.com/", ""},
		"domain with a blank":       {"https://www.example.com/", "a=1; domain=example.com evil.test", "https://www.example.com/", ""},
		"__Host-":                   {"https://h.test/", "__Host-a=1; secure; path=/", "https://h.test/", "__Host-a=1"},
		"__Host- not secure":        {"https://h.test/", "__Host-a=1; path=/", "https://h.test/", ""},
		"__Host- over http":         {"http://h.test/", "__Host-a=1; secure; path=/", "https://h.test/", ""},
		"__Host- with a domain":     {"https://h.test/", "__Host-a=1; secure; path=/; domain=h.test", "https://h.test/", ""},
		"__Host- without a path":    {"https://h.test/", "__Host-a=1; secure", "https://h.test/", ""},
		"__hOST- with a path":       {"https://h.test/", "__hOST-a=1; secure; path=/x", "https://h.test/x", ""},
		"__Secure-":                 {"https://h.test/", "__Secure-a=1; secure; domain=h.test", "https://h.test/", "__Secure-a=1"},
		"__secure- not secure":      {"https://h.test/", "__secure-a=1", "https://h.test/", ""},
		"__Host- as a value":        {"https://h.test/", "=__Host-a=1; path=/", "https://h.test/", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			jar := crest.NewJar(crest.JarOptions{AllowIP: true})
			setCookies(t, jar, test.from, test.set)
			require.Equal(t, test.want, sent(t, jar, test.to))
		})
	}
	t.Run("control characters", func(t *testing.T) {
		jar, u := crest.NewJar(crest.JarOptions{}), at(t, "https://h.test/")
		for c := range 256 {
			bad := string([]byte{byte(c)})
			setCookies(t, jar, u.String(), "a"+bad+"b=1", "a=1"+bad+"2", "a=1; path=/"+bad, "a=1; domain="+bad+"h.test")
			jar.SetCookies(u, []*http.Cookie{{Name: "a" + bad, Value: "1"}, {Name: "b", Value: "1" + bad + "2"}, {Name: "c", Value: "1", Path: "/" + bad}})
		}
		for c := range jar.All() {
			require.NotRegexp(t, "[\x00-\x08\x0a-\x1f\x7f;]", c.Value+c.Path)
			require.Regexp(t, "^[!-~]+$", c.Name)
			require.Equal(t, "h.test", strings.TrimPrefix(c.Domain, "."))
		}
		require.NotZero(t, jar.Len())
	})
}

// D22: cookies of addresses are refused unless they are asked for; a host that only looks like one is no host.
func TestR38Addresses(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "127.0.0.1.", "[::1]", "[::ffff:127.0.0.1]", "127.1", "0x7f.1", "2130706433"} {
		jar := crest.NewJar(crest.JarOptions{})
		jar.SetCookies(&url.URL{Scheme: "https", Host: host, Path: "/"}, []*http.Cookie{{Name: "a", Value: "1"}})
		require.Zero(t, jar.Len(), host)
	}
}

// R40: a cookie is in one jar. Two clients of one server have nothing in common, and a client without a jar has nothing.
func TestR40(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Got", r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "user", Value: r.Header.Get("X-User")})
	})
	got := func(c *crest.Client[*failure], user string) string {
		r, err := ping.Do(t.Context(), c, crest.Empty{}, crest.WithHeader("X-User", user))
		require.NoError(t, err)
		return r.Header.Get("X-Got")
	}
	one := newClient(t, base, crest.WithCookieJar(crest.NewJar(crest.JarOptions{AllowIP: true})))
	two := newClient(t, base, crest.WithCookieJar(crest.NewJar(crest.JarOptions{AllowIP: true})))
	none := newClient(t, base)
	require.Empty(t, got(one, "one"))
	require.Empty(t, got(two, "two"))
	require.Empty(t, got(none, "none"))
	require.Equal(t, "user=one", got(one, "one"))
	require.Equal(t, "user=two", got(two, "two"))
	require.Empty(t, got(none, "none"))
}
