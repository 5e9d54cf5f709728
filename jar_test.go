package crest

import (
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseCookieDate(t *testing.T) {
	tests := map[string]string{
		"Sun, 06 Nov 1994 08:49:37 GMT":       "1994-11-06T08:49:37Z",
		"Sunday, 06-Nov-94 08:49:37 GMT":      "1994-11-06T08:49:37Z",
		"Sun Nov  6 08:49:37 1994":            "1994-11-06T08:49:37Z",
		"1994 nOVember 6th 8:9:7":             "1994-11-06T08:09:07Z",
		"08:49:37x;6;Nov;1994x":               "1994-11-06T08:49:37Z",
		"06 Nov 94 08:49:37":                  "1994-11-06T08:49:37Z",
		"06 Nov 69 08:49:37":                  "2069-11-06T08:49:37Z",
		"06 Nov 70 08:49:37":                  "1970-11-06T08:49:37Z",
		"06 Nov 099 08:49:37":                 "1999-11-06T08:49:37Z",
		"01 Jan 1601 00:00:00":                "1601-01-01T00:00:00Z",
		"29 Feb 2000 23:59:59":                "2000-02-29T23:59:59Z",
		"7 6 Nov 94 08:49:37":                 "1994-11-07T08:49:37Z", // 6 is no year: it has one digit
		"06 Nov 1994 08:49:37 +0500":          "1994-11-06T08:49:37Z",
		"06 Nov 1994 08:49:37 07 Dec 2001":    "1994-11-06T08:49:37Z", // the first counts
		"":                                    "",
		"06 Nov 1600 08:49:37":                "",
		"06 Nov 1994":                         "",
		"06 Nov 1994 08:49":                   "",
		"06 Nov 1994 24:00:00":                "",
		"06 Nov 1994 08:60:00":                "",
		"06 Nov 1994 08:49:60":                "",
		"06 Nov 1994 008:49:37":               "",
		"06 Nov 1994 08:049:37":               "",
		"06 Nov 1994 08:49:037":               "",
		"06 Nov 1994 :49:37":                  "",
		"06 Nov 1994 08::37":                  "",
		"00 Nov 1994 08:49:37":                "",
		"32 Nov 1994 08:49:37":                "",
		"31 Nov 1994 08:49:37":                "",
		"29 Feb 1900 08:49:37":                "",
		"06 No 1994 08:49:37":                 "",
		"06 nfe 1994 08:49:37":                "",
		"06 Nov 19941 08:49:37":               "",
		"06 Nov \u0661994 08:49:37":           "",
		"\u0660\u0666 Nov 1994 08:49:37":      "",
		"06 Nov 100 08:49:37":                 "",
		"06 Nov 1994 08:49:37\x00 and so on":  "1994-11-06T08:49:37Z",
		"06\tNov\t1994\t08:49:37":             "1994-11-06T08:49:37Z",
		"Thu, 01 Jan 1970 00:00:00 GMT; x":    "1970-01-01T00:00:00Z",
		"Fri, 31 Dec 9999 23:59:59 GMT":       "9999-12-31T23:59:59Z",
		"Tue, 1 Jan 70 00:00:00 GMT":          "1970-01-01T00:00:00Z",
		"expires on the 3rd of May, 08 1:2:3": "2008-05-03T01:02:03Z",
	}
	for text, want := range tests {
		at, ok := parseCookieDate(text)
		got := ""
		if ok {
			got = at.Format(time.RFC3339)
		}
		require.Equal(t, want, got, "%q", text)
	}
}

func TestParseSetCookie(t *testing.T) {
	tests := map[string]struct {
		line string
		want *http.Cookie // without Raw; nil is refused
	}{
		"plain":         {"a=b", &http.Cookie{Name: "a", Value: "b"}},
		"blanks":        {" \ta\t=\t b \t", &http.Cookie{Name: "a", Value: "b"}},
		"no value":      {"a=", &http.Cookie{Name: "a"}},
		"quotes":        {`a="b c"`, &http.Cookie{Name: "a", Value: "b c", Quoted: true}},
		"empty quotes":  {`a=""`, &http.Cookie{Name: "a", Quoted: true}},
		"one quote":     {`a="`, &http.Cookie{Name: "a", Value: `"`}},
		"quotes within": {`a=b"c"`, &http.Cookie{Name: "a", Value: `b"c"`}},
		"odd names":     {"a(b)[c]{d}@e:f/g?h=<i>", &http.Cookie{Name: "a(b)[c]{d}@e:f/g?h", Value: "<i>"}},
		"no pair":       {"a", nil},
		"no name":       {"=b", nil},
		"nothing":       {"", nil},
		"comma":         {"a,b=c", nil},
		"blank within":  {"a b=c", nil},
		"quoted name":   {`"a"=c`, nil},
		"control":       {"a=b\x01c", nil},
		"control later": {"a=b; path=/\x00", nil},
		"delete":        {"a=b\x7f", nil},
		"attributes": {
			"a=b; Domain=.Example.com ;PATH=/x;Secure;HttpOnly=1;samesite=LAX;Partitioned;Max-Age=60;Priority=High;;",
			&http.Cookie{
				Name: "a", Value: "b", Domain: ".Example.com", Path: "/x", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, Partitioned: true,
				MaxAge: 60, Unparsed: []string{"Priority=High"},
			},
		},
		"the last counts": {"a=b; path=/x; path=/y; max-age=1; max-age=2; max-age=x", &http.Cookie{Name: "a", Value: "b", Path: "/y", MaxAge: 2}},
		"too long":        {"a=b; path=/x; path=/" + strings.Repeat("y", 1024), &http.Cookie{Name: "a", Value: "b", Path: "/x"}},
		"Max-Age 0":       {"a=b; max-age=0", &http.Cookie{Name: "a", Value: "b", MaxAge: -1}},
		"Max-Age -0":      {"a=b; max-age=-0", &http.Cookie{Name: "a", Value: "b", MaxAge: -1}},
		"Max-Age +1":      {"a=b; max-age=+1", &http.Cookie{Name: "a", Value: "b"}},
		"Max-Age -":       {"a=b; max-age=-", &http.Cookie{Name: "a", Value: "b"}},
		"Max-Age --1":     {"a=b; max-age=--1", &http.Cookie{Name: "a", Value: "b"}},
		"Max-Age large":   {"a=b; max-age=4294967296", &http.Cookie{Name: "a", Value: "b", MaxAge: math.MaxInt32}},
		"SameSite":        {"a=b; samesite=None", &http.Cookie{Name: "a", Value: "b", SameSite: http.SameSiteNoneMode}},
		"SameSite other":  {"a=b; samesite=x", &http.Cookie{Name: "a", Value: "b", SameSite: http.SameSiteDefaultMode}},
		"no date":         {"a=b; expires=string", &http.Cookie{Name: "a", Value: "b"}},
		"date": {
			"a=b; expires=6 Nov 94 8:49:37", &http.Cookie{
				Name: "a", Value: "b", Expires: time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC), RawExpires: "6 Nov 94 8:49:37",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, refused := readSetCookies([]string{test.line})
			if test.want == nil {
				require.Empty(t, got)
				require.Equal(t, 1, refused)
				return
			}
			require.Zero(t, refused)
			require.Equal(t, test.line, got[0].Raw)
			got[0].Raw = ""
			require.Equal(t, test.want, got[0])
		})
	}
}

func FuzzCookieDate(f *testing.F) {
	for _, seed := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "06-Nov-94 8:9:7", "1:2:3 4 jan 05", "::: 99 dec 9999", "\u0661 \xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := parseCookieDate(text)
		if !ok {
			require.True(t, at.IsZero() || at.Year() >= 1601)
			return
		}
		require.True(t, at.Year() >= 1601 && at.Year() <= 9999)
		again, ok := parseCookieDate(at.Format(http.TimeFormat))
		require.True(t, ok)
		require.Equal(t, at, again)
	})
}

// Whatever a server sends: what is kept can be sent, is sent as it came, and is the same after a save.
func FuzzSetCookie(f *testing.F) {
	for _, seed := range []string{
		"a=b", `a="b"; Path=/; Domain=example.com; Secure; Max-Age=9`, "__Host-a=b; secure; path=/", "a=\xff; expires=6 Nov 2094 8:49:37", "=;=;=", `a="`,
		"a=b; domain=co.uk", "a=b; path=/\xff", "a=b; domain=\u00fc.test",
	} {
		f.Add(seed, "www.example.com")
	}
	f.Add("a=b; domain=127.0.0.1", "127.0.0.1")
	path := f.TempDir() + "/jar"
	f.Fuzz(func(t *testing.T, line, host string) {
		u := &url.URL{Scheme: "https", Host: host, Path: "/"}
		jar := NewJar(JarOptions{AllowIP: true})
		cookies, _ := readSetCookies([]string{line})
		refused := jar.take(u, cookies)
		require.LessOrEqual(t, jar.Len()+refused, len(cookies))
		for c := range jar.All() {
			u.Path = c.Path
			pair := cookiePair(c)
			require.NotEmpty(t, pair)
			require.Contains(t, line, c.Value)
			require.False(t, hasControl(pair))
			again := parseSetCookie(pair)
			require.Equal(t, []any{c.Name, c.Value, c.Quoted}, []any{again.Name, again.Value, again.Quoted})
		}
		if jar.Len() == 0 {
			return
		}
		require.NoError(t, jar.Save(path))
		loaded := NewJar(JarOptions{AllowIP: true})
		require.NoError(t, loaded.Load(path))
		require.Equal(t, views(jar.live()), views(loaded.live()))
		require.Equal(t, jar.Cookies(u), loaded.Cookies(u))
	})
}
