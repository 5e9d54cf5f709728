package crest_test

import (
	"cmp"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// R10, R11, R16: what no Location may say. Nothing is sent there, and the error is not that of another rule.
func TestR10R11R16RefusedLocations(t *testing.T) {
	for name, tt := range map[string]struct{ location, want string }{
		"file":                    {"file:///etc/passwd", "no host"},
		"file with a host":        {"file://b.example/etc/passwd", "neither http nor https"},
		"data":                    {"data:text/plain,x", "no host"},
		"gopher":                  {"gopher://b.example/_x", "neither http nor https"},
		"javascript":              {"javascript:alert(1)", "no host"},
		"ftp":                     {"ftp://b.example/", "neither http nor https"},
		"ws":                      {"ws://b.example/", "neither http nor https"},
		"unix":                    {"unix:/run/x.sock", "no host"},
		"step down":               {"http://a.example/", "https to http"},
		"step down elsewhere":     {"http://b.example/", "https to http"},
		"step down, upper case":   {"HTTP://A.EXAMPLE/", "https to http"},
		"step down to 443":        {"http://a.example:443/", "https to http"},
		"scheme without slashes":  {"https:b.example", "no host"},
		"scheme and one slash":    {"https:/b.example", "no host"},
		"no host":                 {"https:///x", "no host"},
		"port alone":              {"https://:1", "no host"},
		"two at signs":            {"https://a@b@c/", "Location"},
		"at sign in the password": {"https://a.example:x@b.example/", "credentials"},
		"backslashes":             {`https:\\b.example`, "backslash"},
		"backslash after slash":   {`/\b.example`, "backslash"},
		"backslash before at":     {`https://a.example\@b.example/`, "backslash"},
		"tab inside":              {"https://b.exam\tple/", "control character"},
		"zone":                    {"https://[fe80::1%25eth0]/", "zone"},
		"zone as a host":          {"https://[::1%25.a.example]/", "zone"},
		"brackets around a name":  {"https://[b.example]/", "cannot be parsed"},
		"open bracket":            {"https://[::1/", "cannot be parsed"},
		"text after a bracket":    {"https://[::1]b.example/", "cannot be parsed"},
		"port that is none":       {"https://b.example:80x/", "cannot be parsed"},
		"port out of range":       {"https://b.example:65536/", "port"},
		"number as a host":        {"https://2130706433/", "number"},
		"short address":           {"https://127.1/", "number"},
		"hexadecimal host":        {"https://0x7f000001/", "number"},
		"empty label":             {"https://a..example/", "empty label"},
		"escaped at sign":         {"https://a.example%40b.example/", "Location"},
		"escaped slash in host":   {"https://a.example%2fb.example/", "Location"},
		"space in host":           {"https://a .example/", "Location"},
		"NUL":                     {"https://b.example/\x00", "cannot be parsed"},
		"too long":                {"/" + strings.Repeat("x", 8<<10), "8193 bytes, the bound is 8192"},
		"long way up":             {strings.Repeat("../", 1<<20/3), "the bound is 8192"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := each(func(req *http.Request) *http.Response { return response(req, 302, "x", "Location", tt.location) }, ended(200))
			start := time.Now()
			_, err := follow(t, rec)
			require.Less(t, time.Since(start), 5*time.Second)
			failed := refusedRedirect(t, err)
			require.ErrorContains(t, err, tt.want)
			require.Len(t, rec.all, 1)
			require.Empty(t, failed.History)
			require.Len(t, failed.Attempts, 1)
			require.Equal(t, 302, failed.Attempts[0].StatusCode)
			require.Less(t, len(err.Error()), 2000)
		})
	}
}

// Where Locations lead, and what Response.URL says of it. A fragment is kept there and is never sent (D9).
func TestRedirectLocations(t *testing.T) {
	for name, tt := range map[string]struct{ location, target, url string }{
		"absolute path":         {"/x", "https://a.example/x", "https://a.example/x#old"},
		"relative path":         {"x", "https://a.example/dir/x", "https://a.example/dir/x#old"},
		"up":                    {"../x", "https://a.example/x", "https://a.example/x#old"},
		"above the top":         {"../../../x", "https://a.example/x", "https://a.example/x#old"},
		"query alone":           {"?q=1", "https://a.example/dir/file?q=1", "https://a.example/dir/file?q=1#old"},
		"no path":               {"https://b.example", "https://b.example/", "https://b.example/#old"},
		"other host":            {"https://b.example/x?y", "https://b.example/x?y", "https://b.example/x?y#old"},
		"scheme of the request": {"//b.example/x", "https://b.example/x", "https://b.example/x#old"},
		"own fragment":          {"/x#new", "https://a.example/x", "https://a.example/x#new"},
		"three slashes":         {"///b.example/x", "https://a.example///b.example/x", "https://a.example///b.example/x#old"},
		"upper case":            {"HTTPS://B.Example/X", "https://b.example/X", "https://b.example/X#old"},
		"port":                  {"https://b.example:443/", "https://b.example/", "https://b.example/#old"},
		"dot":                   {"https://b.example./", "https://b.example/", "https://b.example/#old"},
		"IPv6":                  {"https://[::1]:8443/x", "https://[::1]:8443/x", "https://[::1]:8443/x#old"},
		"spaces":                {"  /a b?c d  ", "https://a.example/a%20b?c%20d", "https://a.example/a%20b?c%20d#old"},
		"UTF-8":                 {"/š?ä=ö", "https://a.example/%C5%A1?%C3%A4=%C3%B6", "https://a.example/%C5%A1?%C3%A4=%C3%B6#old"},
		"Latin-1":               {"/\xe9", "https://a.example/%E9", "https://a.example/%E9#old"},
		"percent signs":         {"/100%?x=50%", "https://a.example/100%25?x=50%25", "https://a.example/100%25?x=50%25#old"},
		"escapes stay":          {"/a%2Fb%2e%2e?x=%2F+", "https://a.example/a%2Fb%2e%2e?x=%2F+", "https://a.example/a%2Fb%2e%2e?x=%2F+#old"},
		"the bound":             {"/" + strings.Repeat("x", 8<<10-1), "https://a.example/" + strings.Repeat("x", 8<<10-1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			rec := each(moved(302, tt.location), ended(200))
			c := newClient(t, "https://a.example", crest.WithTransport(rec))
			got, err := getThing.Do(t.Context(), c, crest.Empty{}, crest.WithURL("https://a.example/dir/file?old=1#old"))
			require.NoError(t, err)
			sent := rec.all[1].URL
			require.Equal(t, tt.target, "https://"+sent.Host+sent.RequestURI())
			want, err := url.Parse(tt.target)
			require.NoError(t, err)
			require.Equal(t, want.Host, rec.all[1].Host)
			if tt.url != "" {
				require.Equal(t, tt.url, got.URL.String())
			}
			require.Equal(t, "https://a.example/dir/file?old=[redacted]", got.History[0].URL)
		})
	}
}

// R11: what is dialled is the host of the URL that was checked, and Host says the same.
func TestR11DialsWhatWasChecked(t *testing.T) {
	for location, addr := range map[string]string{
		"https://b.example/x":                 "b.example:443",
		"https://B.EXAMPLE./x":                "b.example:443",
		"//b.example:8443/x":                  "b.example:8443",
		"https://b.example#@a.example/":       "b.example:443",
		"https://b.example?@a.example/":       "b.example:443",
		"https://b.example/@a.example/":       "b.example:443",
		"https://sub.a.example/x":             "sub.a.example:443",
		"/@b.example":                         "a.example:443",
		"@b.example":                          "a.example:443",
		"///b.example/x":                      "a.example:443",
		"/..//b.example/x":                    "a.example:443",
		"b.example/x":                         "a.example:443",
		"/https://b.example/":                 "a.example:443",
		"https://a.example:443/?//b.example/": "a.example:443",
	} {
		t.Run(location, func(t *testing.T) {
			l := newLab(t, map[string]http.HandlerFunc{"a.example:443/thing": to(307, location)})
			got, err := follow(t, l, crest.WithBearer(crest.NewSecret("s3cr3t")))
			require.NoError(t, err)
			visits := l.all()
			require.Len(t, visits, 2)
			require.Equal(t, addr, visits[1].addr)
			require.Equal(t, strings.TrimSuffix(addr, ":443"), visits[1].Host)
			require.Equal(t, addr, net.JoinHostPort(got.URL.Hostname(), cmp.Or(got.URL.Port(), "443")))
			require.Equal(t, addr == "a.example:443", visits[1].Header.Get("Authorization") != "")
		})
	}
}

// FuzzRedirect: whatever a Location says, another origin never sees a secret, plain http is never asked, and a call ends with an
// answer or a typed error.
func FuzzRedirect(f *testing.F) {
	for _, s := range []string{
		"/x", "//b.example/x", "https://b.example", "http://a.example/", "https://a.example:8443/", "HTTPS://A.EXAMPLE./", "https://u:p@b.example", `/\b.example`,
		"../../x", "?a", "#f", "file:///x", "https://[::1]/", "https://xn--a/", "https://a.example\t.b.example/", "%2f%2fb.example", " https://b.example", "https://ａ.example/",
	} {
		f.Add(s, "/", 302)
		f.Add("https://b.example/", s, 307)
	}
	f.Fuzz(func(t *testing.T, first, second string, status int) {
		rec := each(moved(status, first), moved(307, second), moved(308, "https://a.example/back"), ended(200))
		c := newClient(t, "https://a.example/v1", append([]crest.ClientOption{crest.WithTransport(rec)}, planted["declared"]...)...)
		_, err := crest.Post[secretRequest, thing](plantedRoute).Call(t.Context(), c, plantedModel)
		if err != nil {
			callError(t, err)
			require.NotContains(t, err.Error(), "s3cr3t")
		}
		left := false
		for i, s := range rec.all {
			require.Equal(t, "https", s.URL.Scheme)
			require.Nil(t, s.URL.User)
			require.NotEmpty(t, s.URL.Hostname())
			u, err := url.Parse("https://" + s.URL.Host + s.URL.RequestURI())
			require.NoError(t, err)
			require.Equal(t, s.URL.Host, u.Host, "it is read as it was written")
			left = left || i > 0 && s.URL.Host != "a.example"
			var wire strings.Builder
			_ = s.Header.Write(&wire)
			if left {
				require.NotContains(t, s.URL.String()+wire.String()+s.Host, "s3cr3t")
				require.NotContains(t, s.Header, "Idempotency-Key")
			} else {
				require.Contains(t, wire.String(), "s3cr3t-authorization")
			}
		}
	})
}
