package bind

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestR20ValidToken(t *testing.T) {
	require.False(t, ValidToken(""))
	for c := range 256 {
		want := c > ' ' && c < 0x7F && !strings.ContainsRune(`"(),/:;<=>?@[\]{}`, rune(c))
		require.Equal(t, want, ValidToken(string([]byte{byte(c)})), "%q", byte(c))
	}
}

func TestR20EveryByte(t *testing.T) {
	for c := range 256 {
		value := "hunter2" + string([]byte{byte(c)}) + "x"
		control := c < ' ' && c != '\t' || c == 0x7F
		require.Equal(t, control, CheckHeader("X-A", value) != nil, "header value %q", byte(c))
		cookie := c <= ' ' || c >= 0x7F || strings.IndexByte(`",;\`, byte(c)) >= 0
		require.Equal(t, cookie, CheckCookie("a", value) != nil, "cookie value %q", byte(c))
		for _, err := range []error{CheckHeader("X-A", value), CheckCookie("a", value)} {
			if err != nil {
				require.NotContains(t, err.Error(), "hunter2")
			}
		}
		name := "a" + string([]byte{byte(c)})
		require.Equal(t, !ValidToken(name), CheckHeader(name, "v") != nil)
		require.Equal(t, !ValidToken(name), CheckCookie(name, "v") != nil)
	}
}

// Each place with each byte: what is sent holds no line that was not declared.
func TestR20EachPlaceEachByte(t *testing.T) {
	type model struct {
		P string            `path:"p"`
		Q string            `query:"q"`
		K map[string]string `query:"*"`
		H string            `header:"X-H"`
		N map[string]string `header:"X-*"`
		C string            `cookie:"c"`
	}
	r := compile(t, "/{p}", model{})
	for c := range 256 {
		b := "v" + string([]byte{byte(c)}) + "v"
		for i, in := range []model{{P: b}, {P: "x", Q: b}, {P: "x", K: map[string]string{b: b}}, {P: "x", H: b}, {P: "x", N: map[string]string{b: "v"}}, {P: "x", C: b}} {
			out := new(Parts)
			if r.Encode(own(in), out) != nil {
				continue
			}
			sent := fmt.Sprintf("%s?%s %v %v", out.Path, out.Query, out.Header, out.Cookies)
			require.NotRegexp(t, `[\x00-\x08\x0A-\x1F\x7F]`, sent, "case %d", i)
			require.NotContains(t, string(out.Path[1:])+string(out.Query), "/")
		}
	}
}

func TestCheckHeader(t *testing.T) {
	require.NoError(t, CheckHeader("X-A", ""))
	require.NoError(t, CheckHeader("X-A", "a b\tc"))
	for _, value := range []string{" a", "a ", "\ta", "a\t", " "} {
		require.ErrorContains(t, CheckHeader("X-A", value), "header X-A begins or ends with white space")
	}
	require.ErrorContains(t, CheckHeader("", "v"), "not a token")
	require.ErrorContains(t, CheckHeader("X-A:", "v"), "not a token")
}

func TestCheckCookie(t *testing.T) {
	require.NoError(t, CheckCookie("sid", ""))
	require.NoError(t, CheckCookie("sid", `"abc"`))
	require.NoError(t, CheckCookie("sid", "a=b&c%20!#$'()*+-./:<>?@[]^_`{|}~"))
	for _, value := range []string{`"a`, `a"`, `a"b`, `"`, "a b", "a,b", "a;b", `a\b`, "ü"} {
		require.ErrorContains(t, CheckCookie("sid", value), "cookie sid", value)
	}
	require.ErrorContains(t, CheckCookie("", "v"), "not a token")
}

func TestAppendEscape(t *testing.T) {
	var all []byte
	for c := range 256 {
		all = append(all, byte(c))
	}
	want := ""
	for _, c := range all {
		if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", c) >= 0 {
			want += string([]byte{c})
		} else {
			want += fmt.Sprintf("%%%02X", c)
		}
	}
	require.Equal(t, "é="+want, string(AppendQueryEscape([]byte("é="), string(all))))
	require.Equal(t, all, unescape(nil, []byte(want)))
}
