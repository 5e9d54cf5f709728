package structured

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseItem(t *testing.T) {
	for text, want := range map[string]any{
		"42":                            int64(42),
		"-0":                            int64(0),
		"007":                           int64(7),
		"999999999999999":               int64(999999999999999),
		"1.5":                           1.5,
		"-123456789012.125":             -123456789012.125,
		`"a \"quoted\" \\ text"`:        `a "quoted" \ text`,
		"gzip/*":                        Token("gzip/*"),
		"*":                             Token("*"),
		":aGVsbG8=:":                    []byte("hello"),
		"::":                            []byte{},
		"?1":                            true,
		"?0":                            false,
		"@1659578233":                   Date(1659578233),
		"@-1":                           Date(-1),
		`%"f%c3%bc r"`:                  DisplayString("fü r"),
		`%""`:                           DisplayString(""),
		"  1  ":                         int64(1),
		"":                              nil,
		"1000000000000000":              nil,
		"1.2345":                        nil,
		"1.":                            nil,
		"1234567890123.1":               nil,
		"-":                             nil,
		"--1":                           nil,
		"1 2":                           nil,
		"\t1":                           nil,
		"1\x00":                         nil,
		`"a`:                            nil,
		`"a\b"`:                         nil,
		`"a\`:                           nil,
		"\"\x7f\"":                      nil,
		`"é"`:                           nil,
		":a:":                           nil,
		":aGVs\nbG8=:":                  nil,
		":aGVsbG8====:":                 nil,
		":aGVs":                         nil,
		"?":                             nil,
		"?2":                            nil,
		"@":                             nil,
		"@1.5":                          nil,
		"%x":                            nil,
		`%"%C3%BC"`:                     nil,
		`%"%c3"`:                        nil,
		`%"%c`:                          nil,
		`%"%`:                           nil,
		`%"ü"`:                          nil,
		`%"a`:                           nil,
		"(1)":                           nil,
		"1;":                            nil,
		"1;A":                           nil,
		"1;a=":                          nil,
		"1 ;a":                          nil,
		"1;a=(1)":                       nil,
		"1" + params(most+1):            nil,
		strings.Repeat("1", 1e6):        nil,
		"\"" + strings.Repeat("1", 1e6): nil,
	} {
		item, err := ParseItem([]string{text})
		if want == nil {
			require.Error(t, err, "%.40q", text)
			continue
		}
		require.NoError(t, err, "%.40q", text)
		require.Equal(t, want, item.Value, "%.40q", text)
	}
}

// params are n parameters of different names.
func params(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(";a")
		b.WriteString(strings.Repeat("b", i/26))
		b.WriteByte('a' + byte(i%26))
	}
	return b.String()
}

// The latest value of a parameter counts, at the place of the first; one without a value is true.
func TestParams(t *testing.T) {
	item, err := ParseItem([]string{"a;q=1;  w;q=?0;*x-y.z_=tok"})
	require.NoError(t, err)
	require.Equal(t, Params{{"q", false}, {"w", true}, {"*x-y.z_", Token("tok")}}, item.Params)
	require.Equal(t, false, item.Params.Get("q"))
	require.Nil(t, item.Params.Get("none"))
	many, err := ParseItem([]string{"1" + params(most)})
	require.NoError(t, err)
	require.Len(t, many.Params, most)
}

// The lines of a list are one field.
func TestParseList(t *testing.T) {
	list, err := ParseList([]string{`"burst";q=100;w=60 ,	"daily";q=1000`, `("a" b;x  3);y`, "()"})
	require.NoError(t, err)
	require.Equal(t, []Item{
		{"burst", Params{{"q", int64(100)}, {"w", int64(60)}}},
		{"daily", Params{{"q", int64(1000)}}},
		{InnerList{{"a", nil}, {Token("b"), Params{{"x", true}}}, {int64(3), nil}}, Params{{"y", true}}},
		{InnerList{}, nil},
	}, list)
	for _, lines := range [][]string{nil, {}, {""}, {"  "}} {
		list, err := ParseList(lines)
		require.NoError(t, err)
		require.Nil(t, list)
	}
	for _, bad := range []string{"1,", "1,,2", ",1", "1 2", "(1", "(1,2)", `("a""b")`, "((1))", "limit=100, remaining=5", strings.Repeat("1,", most) + "1", "(" + strings.Repeat("1 ", most+1) + ")"} {
		list, err := ParseList([]string{bad})
		require.Error(t, err, "%.40q", bad)
		require.Nil(t, list)
	}
	_, err = ParseList([]string{"1", ""})
	require.Error(t, err, "an empty line leaves a comma at the end")
}

func TestParseDictionary(t *testing.T) {
	all, err := ParseDictionary([]string{"a=1;x, b, c=(1 2), d=?0", "a=2, b;y"})
	require.NoError(t, err)
	require.Equal(t, []Member{
		{"a", Item{int64(2), nil}},
		{"b", Item{true, Params{{"y", true}}}},
		{"c", Item{InnerList{{int64(1), nil}, {int64(2), nil}}, nil}},
		{"d", Item{false, nil}},
	}, all)
	for _, bad := range []string{"A=1", "a=", "a=1 b=2", "a,", "=1", "1", "a;B"} {
		all, err := ParseDictionary([]string{bad})
		require.Error(t, err, bad)
		require.Nil(t, all)
	}
}

// FuzzParse: nothing panics or hangs, whole values stay within RFC 9651's ranges, and what is no field has no value.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`"default";r=50;t=30`, `"a";q=1;w=60;pk=:cHs=:, b;x=?1`, "a=(1 2.5;x @3), b=%\"%c3\"", "((", "@-9", ";;", "\x00", `"\`} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		lines := []string{a, b}
		if item, err := ParseItem(lines); err == nil {
			checkItem(t, item, false)
		}
		list, err := ParseList(lines)
		require.True(t, err == nil || list == nil)
		for _, item := range list {
			checkItem(t, item, true)
		}
		all, err := ParseDictionary(lines)
		require.True(t, err == nil || all == nil)
		for _, m := range all {
			require.NotEmpty(t, m.Name)
			checkItem(t, m.Item, true)
		}
	})
}

func checkItem(t *testing.T, item Item, inner bool) {
	t.Helper()
	list, isList := item.Value.(InnerList)
	require.True(t, inner || !isList)
	for _, x := range list {
		checkItem(t, x, false)
	}
	checkRange(t, item.Value)
	for _, p := range item.Params {
		require.NotEmpty(t, p.Name)
		checkRange(t, p.Value)
	}
}

func checkRange(t *testing.T, v any) {
	t.Helper()
	const largest = 999_999_999_999_999
	switch v := v.(type) {
	case int64:
		require.LessOrEqual(t, max(v, -v), int64(largest))
	case Date:
		require.LessOrEqual(t, max(v, -v), Date(largest))
	case float64:
		require.Less(t, max(v, -v), 1e12)
	case string, Token, []byte, bool, DisplayString, InnerList:
	default:
		t.Fatalf("%T is no type of a structured field", v)
	}
}
