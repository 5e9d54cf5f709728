package crest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// at reads a URL that the test has written.
func at(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

// setCookies lets an answer from a URL set cookies, on the way that a client goes.
func setCookies(t testing.TB, jar *crest.Jar, from string, lines ...string) {
	t.Helper()
	u := at(t, from)
	var headers []string
	for _, line := range lines {
		headers = append(headers, "Set-Cookie", line)
	}
	c := newClient(t, u.Scheme+"://"+u.Host, crest.WithCookieJar(jar), crest.WithTransport(fixed(204, "", headers...)))
	_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithURL(from))
	require.NoError(t, err)
}

// sent is the Cookie header of a request for a URL.
func sent(t testing.TB, jar *crest.Jar, to string) string {
	t.Helper()
	u, r := at(t, to), &recorder{}
	c := newClient(t, u.Scheme+"://"+u.Host, crest.WithCookieJar(jar), crest.WithTransport(r))
	_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithURL(to))
	require.NoError(t, err)
	return r.last(t).Header.Get("Cookie")
}

// names are those of the cookies, in their order.
func names(cookies []*http.Cookie) []string {
	list := []string{}
	for _, c := range cookies {
		list = append(list, c.Name)
	}
	return list
}

// The whole way: a login that redirects, a session that is kept, a logout that ends it.
func TestJarLogin(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "s3cr3t", Path: "/", HttpOnly: true, MaxAge: 60})
		http.Redirect(w, r, "/thing", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /thing", func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("sid"); err != nil || c.Value != "s3cr3t" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		replyJSON(200, thingJSON)(w, r)
	})
	mux.HandleFunc("DELETE /login", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "sid", Path: "/", MaxAge: -1})
		w.WriteHeader(http.StatusNoContent)
	})
	jar := crest.NewJar(crest.JarOptions{AllowIP: true})
	base := serve(t, mux.ServeHTTP)
	c := newClient(t, base, crest.WithCookieJar(jar))

	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.Status(401))
	got, err := crest.Post[crest.Empty, thing]("/login").Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, "Rex", got.Name, "the redirect carried the cookie that it set")
	_, err = getThing.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, 1, jar.Len())

	_, err = crest.Delete[crest.Empty, crest.Empty]("/login").Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Zero(t, jar.Len())
	_, err = getThing.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.Status(401))
}

// For an http.Client too: the jar is an http.CookieJar.
func TestJarOfNetHTTP(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Got", r.Header.Get("Cookie"))
		w.Header().Add("Set-Cookie", `a="quoted"`)
		w.Header().Add("Set-Cookie", "b=2")
	})
	c := &http.Client{Jar: crest.NewJar(crest.JarOptions{AllowIP: true}), Transport: crest.NewTransport()}
	defer c.CloseIdleConnections()
	for _, want := range []string{"", `a="quoted"; b=2`} {
		resp, err := c.Get(base)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, resp.Header.Get("X-Got"))
	}
}

// Which cookies are taken, and where they go.
func TestJarRules(t *testing.T) {
	const site = "https://www.example.com/a/b"
	tests := map[string]struct {
		from string // the URL that sets
		set  string
		to   string // the URL that is asked
		want string // its Cookie header
	}{
		"host only":                      {site, "a=1", "https://www.example.com/a/c", "a=1"},
		"host only, below":               {site, "a=1", "https://x.www.example.com/a/b", ""},
		"host only, beside":              {site, "a=1; path=/", "https://api.example.com/", ""},
		"domain":                         {site, "a=1; path=/; domain=example.com", "https://api.example.com/", "a=1"},
		"domain with a dot before":       {site, "a=1; path=/; domain=.example.com", "https://api.example.com/", "a=1"},
		"domain with a dot behind":       {site, "a=1; path=/; domain=example.com.", "https://api.example.com/", ""},
		"domain with a dot behind, home": {site, "a=1; path=/; domain=example.com.", "https://www.example.com/", "a=1"},
		"the last domain counts":         {site, "a=1; path=/; domain=example.com; domain=", "https://api.example.com/", ""},
		"domain of another":              {site, "a=1; domain=example.org", "https://www.example.org/a/b", ""},
		"domain below":                   {site, "a=1; path=/; domain=x.www.example.com", "https://x.www.example.com/", ""},
		"domain that ends alike":         {"https://badexample.com/", "a=1; domain=example.com", "https://example.com/", ""},
		"another port":                   {site, "a=1; path=/", "https://www.example.com:8443/", "a=1"},
		"default path":                   {site, "a=1", "https://www.example.com/ab", ""},
		"default path, root":             {"https://example.com", "a=1", "https://example.com/x/y", "a=1"},
		"path of a folder":               {site, "a=1; path=/x/", "https://www.example.com/x", ""},
		"path of a folder, below":        {site, "a=1; path=/x/", "https://www.example.com/x/y", "a=1"},
		"path that begins alike":         {site, "a=1; path=/x", "https://www.example.com/xy", ""},
		"path as it is escaped":          {site, "a=1; path=/a%20b", "https://www.example.com/a%20b/c", "a=1"},
		"secure over https":              {site, "a=1; path=/; secure", "https://www.example.com/", "a=1"},
		"secure is not sent over http":   {site, "a=1; path=/; secure", "http://www.example.com/", ""},
		"secure set over http":           {"http://example.com/", "a=1; secure", "https://example.com/", ""},
		"insecure over both":             {site, "a=1; path=/", "http://www.example.com/", "a=1"},
		"Max-Age over Expires":           {site, "a=1; path=/; max-age=60; expires=Thu, 01 Jan 1970 00:00:00 GMT", "https://www.example.com/", "a=1"},
		"Expires over nothing":           {site, "a=1; path=/; max-age=x; expires=Thu, 01 Jan 1970 00:00:00 GMT", "https://www.example.com/", ""},
		"Max-Age beyond numbers":         {site, "a=1; path=/; max-age=99999999999999999999", "https://www.example.com/", "a=1"},
		"Max-Age below numbers":          {site, "a=1; path=/; max-age=-99999999999999999999", "https://www.example.com/", ""},
		"as it came":                     {site, "a= x y,\tz ; path=/", "https://www.example.com/", "a=x y,\tz"},
		"quotes as they came":            {site, `a="x y"; path=/`, "https://www.example.com/", `a="x y"`},
		"one quote":                      {site, `a="; path=/`, "https://www.example.com/", `a="`},
		"bytes as they came":             {site, "a=\xff\xfe; path=/", "https://www.example.com/", "a=\xff\xfe"},
		"the value has the other =":      {site, "a=b=c; path=/", "https://www.example.com/", "a=b=c"},
		"no value":                       {site, "a=; path=/", "https://www.example.com/", "a="},
		"no name":                        {site, "=a; path=/", "https://www.example.com/", ""},
		"no =":                           {site, "a; path=/", "https://www.example.com/", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			jar := crest.NewJar(crest.JarOptions{})
			setCookies(t, jar, test.from, test.set)
			require.Equal(t, test.want, sent(t, jar, test.to))
		})
	}
}

// What is longer in its path goes first, then what is older; a new value does not make a cookie younger.
func TestJarOrder(t *testing.T) {
	jar := crest.NewJar(crest.JarOptions{})
	setCookies(t, jar, "https://example.com/", "b=1", "a=1", "c=1; path=/x", "a=2", "d=1; path=/x/y")
	require.Equal(t, "d=1; c=1; b=1; a=2", sent(t, jar, "https://example.com/x/y"))
	require.Equal(t, []string{"d", "c", "b", "a"}, names(jar.For(at(t, "https://example.com/x/y"))))
	require.Equal(t, []string{"b", "a", "c", "d"}, names(slices.Collect(jar.All())))
	for range jar.All() {
		break
	}
}

// What came over http leaves what came over https alone (RFC 6265bis).
func TestJarLeavesSecureAlone(t *testing.T) {
	tests := map[string]struct {
		first, then string
		want        string // over https at /login/x
	}{
		"replace":           {"sid=good; secure; path=/", "sid=evil; path=/", "sid=good"},
		"remove":            {"sid=good; secure; path=/", "sid=; path=/; max-age=0", "sid=good"},
		"hide by the path":  {"sid=good; secure; path=/", "sid=evil; path=/login", "sid=good"},
		"by the domain":     {"sid=good; secure; path=/", "sid=evil; path=/; domain=example.com", "sid=good"},
		"a path above":      {"sid=good; secure; path=/login", "sid=other; path=/", "sid=good; sid=other"},
		"another name":      {"sid=good; secure; path=/", "sad=other; path=/", "sid=good; sad=other"},
		"of an insecure":    {"sid=good; path=/", "sid=new; path=/", "sid=new"},
		"of one that ended": {"sid=good; secure; path=/; max-age=0", "sid=new; path=/", "sid=new"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			jar := crest.NewJar(crest.JarOptions{})
			setCookies(t, jar, "https://www.example.com/", test.first)
			setCookies(t, jar, "http://www.example.com/", test.then)
			require.Equal(t, test.want, sent(t, jar, "https://www.example.com/login/x"))
		})
	}
	jar := crest.NewJar(crest.JarOptions{})
	setCookies(t, jar, "https://www.example.com/", "sid=1; secure; path=/")
	setCookies(t, jar, "https://www.example.com/", "sid=2; path=/")
	require.Equal(t, "sid=2", sent(t, jar, "http://www.example.com/"), "who came over https may")
}

// Cookies end in time, and none lives longer than 400 days.
func TestJarExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jar := crest.NewJar(crest.JarOptions{})
		u := at(t, "https://example.com/")
		jar.SetCookies(u, []*http.Cookie{
			{Name: "minute", Value: "1", MaxAge: 60},
			{Name: "hour", Value: "1", Expires: time.Now().Add(time.Hour)},
			{Name: "ages", Value: "1", Expires: time.Now().AddDate(30, 0, 0)},
			{Name: "aeons", Value: "1", MaxAge: 1<<31 - 1},
			{Name: "session", Value: "1"},
		})
		wants := []struct {
			after time.Duration
			names []string
		}{
			{time.Minute - 1, []string{"minute", "hour", "ages", "aeons", "session"}},
			{time.Minute, []string{"hour", "ages", "aeons", "session"}},
			{time.Hour, []string{"ages", "aeons", "session"}},
			{400*24*time.Hour - 1, []string{"ages", "aeons", "session"}},
			{400 * 24 * time.Hour, []string{"session"}},
		}
		begin := time.Now()
		for _, want := range wants {
			time.Sleep(want.after - time.Since(begin))
			require.Equal(t, want.names, names(jar.Cookies(u)), "after %s", want.after)
			require.Equal(t, len(want.names), jar.Len())
		}
	})
}

func TestJarClear(t *testing.T) {
	fill := func() *crest.Jar {
		jar := crest.NewJar(crest.JarOptions{AllowIP: true})
		require.NoError(t, jar.SetShared(&http.Cookie{Name: "shared", Value: "1"}))
		setCookies(t, jar, "https://www.example.com/", "host=1", "domain=1; domain=example.com", "flag=1; secure; httponly; samesite=lax")
		setCookies(t, jar, "http://10.0.0.1/", "ip=1")
		return jar
	}
	tests := map[string]struct {
		clear func(*crest.Jar)
		want  []string
	}{
		"nothing":         {func(*crest.Jar) {}, []string{"shared", "host", "domain", "flag", "ip"}},
		"all":             {func(j *crest.Jar) { j.Clear(nil) }, []string{}},
		"some":            {func(j *crest.Jar) { j.Clear(func(c *http.Cookie) bool { return c.HttpOnly }) }, []string{"shared", "host", "domain", "ip"}},
		"by domain":       {func(j *crest.Jar) { j.ClearDomain("example.com") }, []string{"shared", "ip"}},
		"by a subdomain":  {func(j *crest.Jar) { j.ClearDomain("WWW.example.com.") }, []string{"shared", "domain", "ip"}},
		"by a dot":        {func(j *crest.Jar) { j.ClearDomain(".example.com") }, []string{"shared", "ip"}},
		"by an address":   {func(j *crest.Jar) { j.ClearDomain("10.0.0.1") }, []string{"shared", "host", "domain", "flag"}},
		"by no domain":    {func(j *crest.Jar) { j.ClearDomain("") }, []string{"shared", "host", "domain", "flag", "ip"}},
		"by another":      {func(j *crest.Jar) { j.ClearDomain("ample.com") }, []string{"shared", "host", "domain", "flag", "ip"}},
		"the jar is free": {func(j *crest.Jar) { j.Clear(func(*http.Cookie) bool { return j.Len() == 0 }) }, []string{"shared", "host", "domain", "flag", "ip"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			jar := fill()
			test.clear(jar)
			require.Equal(t, test.want, names(slices.Collect(jar.All())))
		})
	}
}

// What a server sets anew while Clear looks at the old is not what was to be cleared.
func TestJarClearMeanwhile(t *testing.T) {
	jar, u := crest.NewJar(crest.JarOptions{}), at(t, "https://example.com/")
	jar.SetCookies(u, []*http.Cookie{{Name: "sid", Value: "old"}})
	jar.Clear(func(c *http.Cookie) bool {
		jar.SetCookies(u, []*http.Cookie{{Name: "sid", Value: "new"}})
		return c.Value == "old"
	})
	require.Equal(t, "sid=new", sent(t, jar, "https://example.com/"))
}

// The list shows all attributes; what it shows are copies.
func TestJarAll(t *testing.T) {
	jar := crest.NewJar(crest.JarOptions{})
	setCookies(t, jar, "https://www.example.com/x/y", "a=1; secure; httponly; samesite=strict; partitioned; domain=Example.com; max-age=60", "b=2")
	all := slices.Collect(jar.All())
	require.Len(t, all, 2)
	require.WithinDuration(t, time.Now().Add(time.Minute), all[0].Expires, 10*time.Second)
	all[0].Expires = time.Time{}
	require.Equal(t, &http.Cookie{
		Name: "a", Value: "1", Domain: ".example.com", Path: "/x", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, Partitioned: true,
	}, all[0])
	require.Equal(t, &http.Cookie{Name: "b", Value: "2", Domain: "www.example.com", Path: "/x"}, all[1], "that host alone")
	all[1].Value = "changed"
	require.Equal(t, "a=1; b=2", sent(t, jar, "https://www.example.com/x"))
	require.Equal(t, []*http.Cookie{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}}, jar.Cookies(at(t, "https://www.example.com/x")))
}

// Other schemes, and none, have no cookies.
func TestJarSchemes(t *testing.T) {
	cookies := []*http.Cookie{{Name: "a", Value: "1", Path: "/"}, nil}
	tests := map[string]int{
		"http://h.test/": 1, "https://h.test/": 1, "ws://h.test/": 1, "WSS://h.test/": 1, "ftp://h.test/": 0, "h.test": 0, "https:///x": 0, "https://h..test/": 0,
		"https://[fe80::1%25eth0]/": 0, "https://1.2/": 0,
	}
	for text, want := range tests {
		jar := crest.NewJar(crest.JarOptions{AllowIP: true})
		jar.SetCookies(at(t, text), cookies)
		require.Equal(t, want, jar.Len(), text)
		require.Len(t, jar.Cookies(at(t, text)), want, text)
	}
	var zero crest.Jar
	zero.SetCookies(nil, cookies)
	zero.SetCookies(at(t, "https://h.test/"), cookies)
	require.Equal(t, 1, zero.Len())
	require.Empty(t, zero.Cookies(nil))
}

// Whatever prints a jar, or something that holds one, prints no cookie.
func TestJarPrintsNothing(t *testing.T) {
	jar := crest.NewJar(crest.JarOptions{})
	setCookies(t, jar, "https://example.com/", "sid=s3cr3t", `q="s3cr3t"`)
	type holder struct {
		jar crest.Jar
		ptr *crest.Jar
		any any
	}
	h := &holder{ptr: jar, any: jar}
	h.jar.SetCookies(at(t, "https://example.com/"), jar.Cookies(at(t, "https://example.com/")))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{jar, h, []any{jar}, map[string]*crest.Jar{"jar": jar}} {
			require.NotContains(t, fmt.Sprintf(verb, v), "s3cr3t")
			require.NotContains(t, fmt.Sprintf(verb, v), fmt.Sprintf("%x", "s3cr3t"))
		}
	}
	require.Equal(t, "crest.Jar(2 cookies)", fmt.Sprintf("%+v", jar))
	text, err := json.Marshal(map[string]any{"jar": jar})
	require.NoError(t, err)
	require.NotContains(t, string(text), "s3cr3t")
}

func TestJarRace(t *testing.T) {
	jar := crest.NewJar(crest.JarOptions{})
	path := t.TempDir() + "/jar"
	require.NoError(t, jar.Save(path))
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 50 {
				u := &url.URL{Scheme: "https", Host: fmt.Sprintf("h%d.test", i%3), Path: "/"}
				jar.SetCookies(u, []*http.Cookie{{Name: fmt.Sprint(worker, "-", i)[:3], Value: "1", MaxAge: i%5 - 1}})
				_, _, _ = jar.Cookies(u), jar.For(u), jar.Len()
				for c := range jar.All() {
					c.Value = "mine"
				}
				switch i % 10 {
				case 3:
					jar.Clear(func(c *http.Cookie) bool { return c.Name == "0-1" })
				case 5:
					jar.ClearDomain("h1.test")
				case 7:
					_ = jar.SetShared(&http.Cookie{Name: "s", Value: "1"})
				case 9:
					_ = fmt.Sprint(jar)
					_ = jar.Save(path)
					_ = jar.Load(path)
				}
			}
		})
	}
	all.Wait()
	require.NoError(t, jar.Load(path), "no half a file")
}
