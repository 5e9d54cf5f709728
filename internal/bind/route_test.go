package bind

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseRoute(t *testing.T) {
	tests := map[string]struct {
		names   []string
		literal string // the path with x for each placeholder
		query   string
	}{
		"/":                                      {literal: "/"},
		"/pets":                                  {literal: "/pets"},
		"/pets/":                                 {literal: "/pets/"},
		"/pets/{id}":                             {names: []string{"id"}, literal: "/pets/x"},
		"/pets/{id}/files/{path...}?version=2":   {names: []string{"id", "path"}, literal: "/pets/x/files/x", query: "version=2"},
		"/v{major}/{a}.{ext}":                    {names: []string{"major", "a", "ext"}, literal: "/vx/x.x"},
		"/{pet-id}/{a_b}/{c.d}":                  {names: []string{"pet-id", "a_b", "c.d"}, literal: "/x/x/x"},
		"/a%2Fb/@scope/x:y,z;p=1!$&'()*+":        {literal: "/a%2Fb/@scope/x:y,z;p=1!$&'()*+"},
		"/größe":                                 {literal: "/gr%C3%B6%C3%9Fe"},
		"/x?a=1&b=%20&flag&q=a+b/?":              {literal: "/x", query: "a=1&b=%20&flag&q=a+b/?"},
		"/...":                                   {literal: "/..."},
		"/.well-known/openid-configuration":      {literal: "/.well-known/openid-configuration"},
		"/proxy/http://other":                    {literal: "/proxy/http://other"},
		"/%2f%2fevil":                            {literal: "/%2f%2fevil"},
		"/ConstantQueryString/{hello}?foo=bar&h": {names: []string{"hello"}, literal: "/ConstantQueryString/x", query: "foo=bar&h"},
	}
	for template, tt := range tests {
		t.Run(template, func(t *testing.T) {
			r, mistakes := ParseRoute(template)
			require.Empty(t, mistakes)
			require.Equal(t, template, r.String())
			require.Equal(t, tt.names, r.Names())
			require.Equal(t, tt.query, r.query)
			require.Equal(t, tt.literal, literalPath(r))
		})
	}
}

func literalPath(r *Route) string {
	var b strings.Builder
	for _, p := range r.parts {
		b.WriteString(p.literal)
		if p.name != "" {
			b.WriteByte('x')
		}
	}
	return b.String()
}

func TestR13RouteStaysAtItsOrigin(t *testing.T) {
	tests := map[string]string{
		"":                     "must begin with /",
		"pets":                 "must begin with /",
		"//evil":               "begins with //",
		"http://evil":          "holds a scheme and host",
		"https://evil/{id}":    "holds a scheme and host",
		`\\evil`:               "must begin with /",
		`/\evil`:               "backslash",
		"http:evil":            "must begin with /",
		"@evil":                "must begin with /",
		"%2f%2fevil":           "must begin with /",
		"/a\tb":                "control character",
		"/a\nb":                "control character",
		"/a%0ab":               "percent-encoded control character",
		"/a%00":                "percent-encoded control character",
		"\n/a":                 "must begin with /",
		"/a b":                 "write %20",
		`/a"b`:                 "write %22",
		"/a<b>":                "write %3C",
		"/a|b":                 "write %7C",
		"/a#frag":              "fragment",
		"/a%zz":                "write %25",
		"/a%2":                 "write %25",
		"/..":                  "dot segment",
		"/a/../b":              "dot segment",
		"/a/./b":               "dot segment",
		"/%2e%2e/b":            "dot segment",
		"/%252e%252E/b":        "dot segment",
		"/a/..%2fb":            "dot segment",
		"/a/.%2e":              "dot segment",
		"/{}":                  "placeholder without a name",
		"/{...}":               "placeholder without a name",
		"/{a}/{a}":             "stands in the route twice",
		"/{a.b...}/c":          "must be the whole last segment",
		"/v{a...}":             "must be the whole last segment",
		"/{a..}":               "is not a name",
		"/{.a}":                "is not a name",
		"/{-a}":                "is not a name",
		"/{a b}":               "is not a name",
		"/{a":                  "without its }",
		"/a}":                  "without its {",
		"/{a{b}}":              "is not a name",
		"/a?":                  "ends in ?",
		"/a?x={y}":             "query holds a placeholder",
		"/a?x= y":              "write %20",
		"/a?x=ü":               "must be percent-encoded",
		"/a?x#y":               "fragment",
		"/a?x=%":               "write %25",
		"/a?x=%0a":             "percent-encoded control",
		"/{a...}/{b}":          "must be the whole last segment",
		"/{a...}?x=1#fragment": "fragment",
	}
	for template, want := range tests {
		t.Run(template, func(t *testing.T) {
			r, mistakes := ParseRoute(template)
			require.Nil(t, r)
			require.Contains(t, text(mistakes), want)
		})
	}
}

func TestParseRouteReportsAllMistakes(t *testing.T) {
	_, mistakes := ParseRoute(`a\b/{}/{x}/{x}?{y}`)
	require.Len(t, mistakes, 5)
}

// The templates that RFC 6570's own suite calls wrong; crest's grammar takes
// only the one with a hyphen in its name.
func TestR13ForeignTemplates(t *testing.T) {
	templates := []string{
		"{/id*", "/id*}", "{/?id}", "{var:prefix}", "{hello:2*}", "{??hello}", "{!hello}", "{with space}", "{ leading_space}",
		"{trailing_space }", "{=path}", "{$var}", "{|var*}", "{*keys?}", "{?empty=default,var}", "{var}{-prefix|/-/|var}",
		"?q={searchTerms}&amp;c={example:color?}", "x{?empty|foo=none}", "/h{#hello+}", "/h#{hello+}", "{keys:1}", "{+keys:1}",
		"{;keys:1*}", "?{-join|&|var,list}", "/people/{~thing}", "/sparql{?query,default-graph-uri}",
		"/sparql{?query){&default-graph-uri*}", "/resolution{?x, y}", "{var:0}", "{x.}", "{x..y}", "{%2x}",
		"/{x.}", "/{%2x}", "/{var:0}", "/{+keys:1}", "/{;keys:1*}",
	}
	for _, template := range templates {
		t.Run(template, func(t *testing.T) {
			_, mistakes := ParseRoute(template)
			require.NotEmpty(t, mistakes)
		})
	}
	_, mistakes := ParseRoute("/{default-graph-uri}")
	require.Empty(t, mistakes)
}

func FuzzRoute(f *testing.F) {
	for _, seed := range []string{"/", "/pets/{id}", "//evil", `/\evil`, "/{a...}?x=1", "/%2e%2e", "http://evil", "/ü{x}", "/a?b=c#d", "/{", "@evil"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, template string) {
		r, mistakes := ParseRoute(template)
		if len(mistakes) > 0 {
			require.Nil(t, r)
			return
		}
		path := literalPath(r)
		require.True(t, strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//"), path)
		u, err := url.Parse(path + "?" + r.query)
		require.NoError(t, err)
		require.Empty(t, u.Host)
		require.Empty(t, u.Scheme)
		require.Nil(t, u.User)
		require.Equal(t, path, u.EscapedPath())
	})
}
