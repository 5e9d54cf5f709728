package bind

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type onePath struct {
	ID string `path:"id"`
}

func TestR14PathValues(t *testing.T) {
	good := map[string]string{
		"plain":     "plain",
		"a/b":       "a%2Fb",
		`a\b`:       "a%5Cb",
		"?x":        "%3Fx",
		"#f":        "%23f",
		"a%2fb":     "a%252fb",
		"100%":      "100%25",
		"..;":       "..%3B",
		"...":       "...",
		".hidden":   ".hidden",
		"a..b":      "a..b",
		"a b+c":     "a%20b%2Bc",
		"//evil":    "%2F%2Fevil",
		"http://e":  "http%3A%2F%2Fe",
		"@evil":     "%40evil",
		"\t\n\x00":  "%09%0A%00",
		"ü~-._":     "%C3%BC~-._",
		"%2f%2fe":   "%252f%252fe",
		"\xff":      "%FF",
		"%25252e":   "%2525252e",
		"!$&'()*,;": "%21%24%26%27%28%29%2A%2C%3B",
	}
	for value, want := range good {
		t.Run("good "+value, func(t *testing.T) {
			out, err := encode(t, "/a/{id}/b", onePath{value})
			require.NoError(t, err)
			require.Equal(t, "/a/"+want+"/b", string(out.Path))
			u, err := url.ParseRequestURI(string(out.Path))
			require.NoError(t, err)
			require.Equal(t, "/a/"+value+"/b", u.Path)
		})
	}
	bad := []string{
		"", ".", "..", "%2e", "%2E%2e", "%2e.", ".%2E", "%252e%252e", "%252e", "../..", "..%2f..", "a/..", "../a", "a/./b", "a/%2e%2e/b",
		`..\..`, `a\..`, "..%5c..", "%2e%2e%2f", "a%252f..", "..%252f..",
	}
	for _, value := range bad {
		t.Run("bad "+value, func(t *testing.T) {
			_, err := encode(t, "/a/{id}/b", onePath{value})
			require.ErrorContains(t, err, `onePath.ID (path:"id") `)
			if value != "" && value != "." && value != ".." {
				require.NotContains(t, err.Error(), value)
			}
		})
	}
}

func TestR14WholeSegment(t *testing.T) {
	type two struct {
		A string `path:"a"`
		B string `path:"b"`
	}
	for name, tt := range map[string]struct {
		route string
		in    two
		want  string
	}{
		"extension":        {"/{a}.{b}", two{"x", "json"}, "/x.json"},
		"together":         {"/{a}{b}", two{"x", "y"}, "/xy"},
		"split triplet":    {"/{a}{b}", two{"%2", "e"}, ""},
		"dot and encoded":  {"/.{a}/{b}", two{"%2", "x"}, "/.%252/x"},
		"literal and dot":  {"/%2e{a}/{b}", two{"x.", "x"}, "/%2ex./x"},
		"half of triplet":  {"/.%25{a}/{b}", two{"2e", "x"}, ""},
		"value is a dot":   {"/v{a}/{b}", two{".", "x"}, ""},
		"ends in two dots": {"/v{a}/{b}", two{"..", "x"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := encode(t, tt.route, tt.in)
			if tt.want == "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, string(out.Path))
		})
	}
}

func TestPathRest(t *testing.T) {
	type model struct {
		P string `path:"p"`
	}
	for value, want := range map[string]string{
		"there/guy":  "/x/there/guy",
		"one":        "/x/one",
		"photos/":    "/x/photos/",
		"a b/c?d/#e": "/x/a%20b/c%3Fd/%23e",
		"a%2fb":      "/x/a%252fb",
	} {
		out, err := encode(t, "/x/{p...}", model{value})
		require.NoError(t, err, value)
		require.Equal(t, want, string(out.Path))
	}
	for _, value := range []string{"", "/", "/a", "a//b", "a//", "../a", "a/..", "a/./b", "a/%2e%2e/b", "a/%252e", `a/..\b`, "a/..%2fb"} {
		_, err := encode(t, "/x/{p...}", model{value})
		require.Error(t, err, value)
	}

	type list struct {
		P []string `path:"p"`
	}
	out, err := encode(t, "/x/{p...}", list{[]string{"a/b", "c"}})
	require.NoError(t, err)
	require.Equal(t, "/x/a%2Fb/c", string(out.Path))
	for _, value := range [][]string{nil, {}, {""}, {"a", ""}, {"a", ".."}} {
		_, err := encode(t, "/x/{p...}", list{value})
		require.Error(t, err, "%q", value)
	}
}

func TestPathNilAndNull(t *testing.T) {
	type model struct {
		P *int     `path:"p"`
		O Opt[int] `path:"o"`
	}
	_, err := encode(t, "/{p}/{o}", model{O: some(1)})
	require.ErrorContains(t, err, "is empty")
	_, err = encode(t, "/{p}/{o}", model{P: new(1)})
	require.ErrorContains(t, err, "is empty")
	_, err = encode(t, "/{p}/{o}", model{P: new(1), O: nullOf[int]()})
	require.ErrorContains(t, err, "is null")
	out, err := encode(t, "/{p}/{o}", model{P: new(0), O: some(2)})
	require.NoError(t, err)
	require.Equal(t, "/0/2", string(out.Path))
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"a", "..", "%2e%2e", "%252e", "a/b", "?x#y", "a%2fb", "ü", "\x00", "//evil", `..\..`, "%2", ".%2"} {
		f.Add(seed, seed)
	}
	type model struct {
		A string `path:"a"`
		B string `path:"b"`
	}
	r := compile(f, "/x/{a}/y/{b}", model{})
	f.Fuzz(func(t *testing.T, a, b string) {
		out := new(Parts)
		if r.Encode(own(model{a, b}), out) != nil {
			return
		}
		u, err := url.ParseRequestURI(string(out.Path))
		require.NoError(t, err)
		require.Empty(t, u.Host)
		segments := strings.Split(u.EscapedPath(), "/")
		require.Len(t, segments, 5)
		for i, want := range map[int]string{1: "x", 2: a, 3: "y", 4: b} {
			got, err := url.PathUnescape(segments[i])
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.NotContains(t, []string{".", "..", ""}, got)
		}
		require.Equal(t, u.Path, u.JoinPath().Path, "cleaning must change nothing")
	})
}
