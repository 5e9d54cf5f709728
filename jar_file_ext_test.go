package crest_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// saved writes a jar and returns the file.
func saved(t testing.TB, jar *crest.Jar) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cookies.json")
	require.NoError(t, jar.Save(path))
	return path
}

// loaded reads a file into a new jar.
func loaded(t testing.TB, path string, options crest.JarOptions) *crest.Jar {
	t.Helper()
	jar := crest.NewJar(options)
	require.NoError(t, jar.Load(path))
	return jar
}

// R38: a jar that was saved and loaded has the same cookies, for the same hosts and until the same time.
func TestR38Saved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jar := crest.NewJar(crest.JarOptions{AllowIP: true})
		require.NoError(t, jar.SetShared(&http.Cookie{Name: "shared", Value: "1"}, &http.Cookie{Name: "team", Value: "1", Domain: "example.com"}))
		jar.SetCookies(at(t, "https://www.example.com/x/y"), []*http.Cookie{
			{Name: "host", Value: "1", Path: "/"},
			{Name: "minute", Value: "1", MaxAge: 60, Path: "/"},
			{Name: "all", Value: "x y", Quoted: true, Domain: "example.com", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode, Partitioned: true},
			{Name: "bytes", Value: "\xff<&>\u2028"},
			{Name: "__Host-a", Value: "1", Secure: true, Path: "/"},
		})
		jar.SetCookies(at(t, "http://10.0.0.1/"), []*http.Cookie{{Name: "ip", Value: "1"}})
		require.Equal(t, 8, jar.Len())
		path := saved(t, jar)
		require.Equal(t, slices.Collect(jar.All()), slices.Collect(loaded(t, path, crest.JarOptions{AllowIP: true}).All()))

		time.Sleep(30 * time.Second)
		later := loaded(t, path, crest.JarOptions{})
		require.Equal(t, 7, later.Len(), "without the address")
		require.Equal(t, "all=\"x y\"; bytes=\xff<&>\u2028; team=1; host=1; minute=1; __Host-a=1; shared=1", sent(t, later, "https://www.example.com/x"))
		require.Equal(t, "all=\"x y\"; team=1; shared=1", sent(t, later, "https://api.example.com/x"), "host only")
		time.Sleep(30 * time.Second)
		require.Equal(t, 6, later.Len(), "the minute was not begun anew")
		require.Equal(t, 6, loaded(t, path, crest.JarOptions{}).Len())
	})
}

func TestJarSaveMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no such modes there")
	}
	jar := crest.NewJar(crest.JarOptions{})
	setCookies(t, jar, "https://example.com/", "sid=s3cr3t")
	path := saved(t, jar)
	mode := func() fs.FileMode {
		info, err := os.Lstat(path)
		require.NoError(t, err)
		return info.Mode()
	}
	require.Equal(t, fs.FileMode(0o600), mode())
	require.NoError(t, os.Chmod(path, 0o640))
	require.NoError(t, jar.Save(path))
	require.Equal(t, fs.FileMode(0o640), mode(), "what its owner has chosen stays")

	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	require.NoError(t, os.WriteFile(elsewhere, []byte("mine"), 0o644))
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Symlink(elsewhere, path))
	require.NoError(t, jar.Save(path))
	require.Equal(t, fs.FileMode(0o600), mode(), "a link is not followed")
	text, err := os.ReadFile(elsewhere)
	require.NoError(t, err)
	require.Equal(t, "mine", string(text))
}

// A save that fails leaves the old file as it is, and nothing beside it.
func TestJarSaveFails(t *testing.T) {
	jar := crest.NewJar(crest.JarOptions{})
	dir := t.TempDir()
	require.ErrorIs(t, jar.Save(filepath.Join(dir, "no", "jar")), fs.ErrNotExist)
	path := filepath.Join(dir, "jar")
	require.NoError(t, os.Mkdir(path, 0o700))
	require.ErrorContains(t, jar.Save(path), "saving the cookies")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// A file that cannot be read changes nothing, and its text is in no error.
func TestJarLoadFails(t *testing.T) {
	tests := map[string]string{
		"empty":           "",
		"no JSON":         "s3cr3t",
		"cut off":         `{"version":1,"cookies":[{"name":"a","value":"s3cr3t"`,
		"another type":    `{"version":1,"cookies":[{"name":"a","value":471147114711}]}`,
		"two values":      `{"version":1,"cookies":[]} {}`,
		"another version": `{"version":2,"cookies":[]}`,
		"no version":      `{}`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			jar := crest.NewJar(crest.JarOptions{})
			setCookies(t, jar, "https://example.com/", "a=1")
			path := filepath.Join(t.TempDir(), "jar")
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			err := jar.Load(path)
			require.ErrorContains(t, err, "is not what Save")
			require.NotContains(t, err.Error(), "s3cr3t")
			require.NotContains(t, err.Error(), "471147114711") // longer than the number in a temporary folder's name
			require.Equal(t, 1, jar.Len())
		})
	}
	jar := crest.NewJar(crest.JarOptions{})
	require.ErrorIs(t, jar.Load(filepath.Join(t.TempDir(), "none")), fs.ErrNotExist)
}

// A file is held to the rules that servers are held to: what was changed in it does not widen where a cookie goes.
func TestJarLoadRules(t *testing.T) {
	tests := map[string]struct {
		line string
		want int
	}{
		"as saved":        {`{"name":"a","value":"1","domain":"example.com","path":"/"}`, 1},
		"unknown keys":    {`{"name":"a","value":"1","domain":"example.com","path":"/","new":true}`, 1},
		"public suffix":   {`{"name":"a","value":"1","domain":"co.uk","subdomains":true,"path":"/"}`, 0},
		"address":         {`{"name":"a","value":"1","domain":"127.0.0.1","path":"/"}`, 0},
		"no domain":       {`{"name":"a","value":"1","path":"/"}`, 0},
		"shared":          {`{"name":"a","value":"1","shared":true,"path":"/"}`, 1},
		"shared, domain":  {`{"name":"a","value":"1","shared":true,"domain":"example.com","path":"/"}`, 0},
		"spelled oddly":   {`{"name":"a","value":"1","domain":"Example.com.","path":"/"}`, 0},
		"no path":         {`{"name":"a","value":"1","domain":"example.com"}`, 0},
		"name":            {`{"name":"a b","value":"1","domain":"example.com","path":"/"}`, 0},
		"value":           {`{"name":"a","value":"1\r\nX: y","domain":"example.com","path":"/"}`, 0},
		"bytes":           {`{"name":"a","value":"","bytes":"DQo=","domain":"example.com","path":"/"}`, 0},
		"size":            {`{"name":"a","value":"` + strings.Repeat("x", 4096) + `","domain":"example.com","path":"/"}`, 0},
		"__Host-":         {`{"name":"__Host-a","value":"1","domain":"example.com","subdomains":true,"secure":true,"path":"/"}`, 0},
		"__Host-, shared": {`{"name":"__Host-a","value":"1","shared":true,"secure":true,"path":"/"}`, 0},
		"__Secure-":       {`{"name":"__Secure-a","value":"1","domain":"example.com","path":"/"}`, 0},
		"ended":           {`{"name":"a","value":"1","domain":"example.com","path":"/","expires":"1970-01-01T00:00:00Z"}`, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "jar")
			require.NoError(t, os.WriteFile(path, []byte(`{"version":1,"cookies":[`+test.line+`]}`), 0o600))
			jar := loaded(t, path, crest.JarOptions{})
			require.Equal(t, test.want, jar.Len())
			if name != "shared" {
				require.Empty(t, jar.For(at(t, "https://sub.example.com/")), "nothing but subdomains widens")
			}
		})
	}
	t.Run("what the jar held goes", func(t *testing.T) {
		path := saved(t, crest.NewJar(crest.JarOptions{}))
		jar := crest.NewJar(crest.JarOptions{})
		setCookies(t, jar, "https://example.com/", "a=1")
		require.NoError(t, jar.Load(path))
		require.Zero(t, jar.Len())
	})
}
