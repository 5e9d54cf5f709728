package crest

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// RFC 6266, sections 4.3 and 5, RFC 8187, and what servers really send.
func TestFileName(t *testing.T) {
	for name, tt := range map[string]struct{ header, want string }{
		"none":                         {"", ""},
		"no name":                      {"attachment", ""},
		"token":                        {"attachment; filename=example.html", "example.html"},
		"quoted":                       {`Attachment; FileName="an example.html"`, "an example.html"},
		"space around":                 {`attachment ;  filename = "x.txt" `, "x.txt"},
		"escaped":                      {`attachment; filename="a \"b\" \\ c.txt"`, "c.txt"},
		"escaped quote":                {`attachment; filename="a \"b\".txt"`, "a _b_.txt"},
		"semicolon in it":              {`attachment; filename="a;b.txt"; size=5`, "a;b.txt"},
		"extended":                     {`attachment; filename*=UTF-8''%e2%82%ac%20rates`, "€ rates"},
		"extended, with language":      {`attachment; filename*=utf-8'de'%c3%a4.txt`, "ä.txt"},
		"extended wins":                {`attachment; filename="EURO rates"; filename*=utf-8''%e2%82%ac%20rates`, "€ rates"},
		"extended wins from before":    {`attachment; filename*=utf-8''%e2%82%ac; filename="E"`, "€"},
		"extended, Latin-1":            {`attachment; filename*=iso-8859-1''%a3%20rates`, "£ rates"},
		"extended, broken":             {`attachment; filename="plain.txt"; filename*=UTF-8''%e2%82`, "plain.txt"},
		"extended, unknown charset":    {`attachment; filename="plain.txt"; filename*=KOI8-R''%c0`, "plain.txt"},
		"extended, bad escape":         {`attachment; filename="plain.txt"; filename*=UTF-8''%zz`, "plain.txt"},
		"extended, not one":            {`attachment; filename="plain.txt"; filename*=x`, "plain.txt"},
		"raw UTF-8":                    {"attachment; filename=\"\u00e4.txt\"", "ä.txt"},
		"raw Latin-1":                  {"attachment; filename=\"\xe4.txt\"", "ä.txt"},
		"first of two":                 {`attachment; filename=a.txt; filename=b.txt`, "a.txt"},
		"unfinished quote":             {`attachment; filename="a.txt`, "a.txt"},
		"a parameter without a value":  {`attachment; foo; filename=a.txt`, "a.txt"},
		"percent signs are themselves": {`attachment; filename="50%25.txt"`, "50%25.txt"},

		"path":               {`attachment; filename="/etc/passwd"`, "passwd"},
		"path upwards":       {`attachment; filename="../../x"`, "x"},
		"path of Windows":    {`attachment; filename="C:\dir\x.exe"`, "x.exe"},
		"path, extended":     {`attachment; filename*=UTF-8''..%2f..%2fx`, "x"},
		"dots":               {`attachment; filename=".."`, ""},
		"dots at last":       {`attachment; filename="a/.."`, ""},
		"hidden":             {`attachment; filename=".bashrc"`, "_bashrc"},
		"slash at the end":   {`attachment; filename="a/"`, ""},
		"NUL":                {"attachment; filename*=UTF-8''a%00.txt", "a.txt"},
		"line break":         {"attachment; filename*=UTF-8''a%0d%0aX:%20b", "aX_ b"},
		"escape sequence":    {"attachment; filename*=UTF-8''%1b[31m.txt", "[31m.txt"},
		"turned around":      {"attachment; filename*=UTF-8''a%e2%80%aefdp.exe", "afdp.exe"},
		"device":             {`attachment; filename="CON"`, "_CON"},
		"device, extension":  {`attachment; filename="nul.txt"`, "_nul.txt"},
		"device with number": {`attachment; filename="COM1.log"`, "_COM1.log"},
		"device, other sign": {"attachment; filename*=UTF-8''LPT%c2%b2", "_LPT²"},
		"no device":          {`attachment; filename="COM12"`, "COM12"},
		"reserved signs":     {`attachment; filename="a<b>c:d|e?f*.txt"`, "a_b_c_d_e_f_.txt"},
		"stream of a file":   {`attachment; filename="a.txt:evil"`, "a.txt_evil"},
		"dots at the end":    {`attachment; filename="a.txt. ."`, "a.txt"},
		"long":               {`attachment; filename="` + strings.Repeat("a", 300) + `.txt"`, strings.Repeat("a", 251) + ".txt"},
		"long, in runes":     {`attachment; filename="` + strings.Repeat("ä", 300) + `.txt"`, strings.Repeat("ä", 125) + ".txt"},
		"long extension":     {`attachment; filename="a.` + strings.Repeat("b", 300) + `"`, "a." + strings.Repeat("b", 253)},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Response[Empty]{Header: http.Header{}}
			if tt.header != "" {
				r.Header.Set("Content-Disposition", tt.header)
			}
			require.Equal(t, tt.want, r.FileName())
			require.NoError(t, safe(r.FileName()))
		})
	}
}

// safe is what a name promises.
func safe(name string) error {
	switch {
	case name == "":
		return nil
	case len(name) > 255, !utf8.ValidString(name), strings.ContainsAny(name, `/\<>:"|?*`), name[0] == '.', strings.HasSuffix(name, "."), reservedName(name),
		strings.TrimSpace(name) != name, strings.ContainsFunc(name, unicode.IsControl), strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Cf, r) }):
		return Status(0)
	}
	return nil
}

// A header is as long as a server likes, up to the bound of all headers.
func TestFileNameNoQuadraticTime(t *testing.T) {
	start := time.Now()
	require.Equal(t, "a.txt", suggestedName("attachment;"+strings.Repeat(";", 1<<20)+"filename=a.txt"))
	require.Less(t, time.Since(start), 2*time.Second)
}

func FuzzFileName(f *testing.F) {
	for _, seed := range []string{
		`attachment; filename="a.txt"`, `a; filename*=UTF-8''%e2%82%ac`, `a; filename="..\\..\\x"; b`, `a;filename=CON.`, "a; filename=\"\xe4", ";filename=0\xa0.", ";filename=CON\xa0.", `a; filename="` + strings.Repeat("ä.", 200),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		name := suggestedName(header)
		require.NoError(t, safe(name), "%q", name)
		require.Equal(t, name, safeName(name), "what is safe stays as it is")
	})
}
