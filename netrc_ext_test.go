package crest_test

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// netrcFile writes a netrc file that only its owner may read.
func netrcFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "netrc")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

const netrcText = "machine api.example.com login home password h0me\nmachine other.example login other password 0ther\n" +
	"machine plain.example login plain password pl4in\nmachine ::1 login six password s1x\ndefault login any password 4ny\n"

// R42: the host is that of the parsed URL, and the whole of it.
func TestR42NetrcHosts(t *testing.T) {
	file := netrcFile(t, netrcText)
	for base, want := range map[string]string{
		"https://api.example.com":       "home:h0me",
		"https://api.example.com:8443":  "home:h0me", // a netrc file knows no ports
		"https://API.example.com.":      "home:h0me",
		"http://[::1]:8080":             "six:s1x",
		"https://x.api.example.com":     "",
		"https://example.com":           "",
		"https://xapi.example.com":      "",
		"https://api.example.com.evil":  "",
		"https://unknown.example":       "",
		"https://api-example.com":       "",
		"https://other.example/api/x":   "other:0ther",
		"https://evil/api.example.com":  "",
		"https://evil/@api.example.com": "",
	} {
		t.Run(base, func(t *testing.T) {
			rec := &recorder{}
			c := newClient(t, base, crest.WithTransport(rec), crest.WithNetrc(file))
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			user, password, _ := rec.last(t).BasicAuth()
			require.Equal(t, want, strings.TrimSuffix(user+":"+password, ":"))
		})
	}
	for _, base := range []string{"https://api.example.com:@evil.com/", "https://api.example.com@evil.com/", `https://evil.com\@api.example.com/`} {
		_, err := crest.New[*failure](base, crest.WithNetrc(file))
		require.Error(t, err, base)
	}
}

// Everything else that names a credential beats the file, at every level, and so does the wish for none.
func TestNetrcComesLast(t *testing.T) {
	file := netrcFile(t, netrcText)
	secret := crest.NewSecret("s3cr3t")
	for name, tt := range map[string]struct {
		option crest.Option
		want   string
	}{
		"header":         {crest.WithHeader("Authorization", "mine"), "mine"},
		"no header":      {crest.WithoutHeader("Authorization"), ""},
		"bearer":         {crest.WithBearer(secret), "Bearer s3cr3t"},
		"basic":          {crest.WithBasic("me", secret), "Basic bWU6czNjcjN0"},
		"key":            {crest.WithAPIKey("Authorization", secret), "s3cr3t"},
		"digest":         {crest.WithDigest("me", secret), ""},
		"another header": {crest.WithAPIKey("X-Api-Key", secret), "Basic aG9tZTpoMG1l"},
		"a signer": {crest.WithAuth(crest.AuthFunc(func(req *http.Request) error {
			req.Header.Set("X-Signature", "signed")
			return nil
		})), ""},
	} {
		levels(t, name, tt.option, func(t *testing.T, client crest.ClientOption, endpoint crest.EndpointOption, call crest.CallOption) {
			rec := &recorder{}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithNetrc(file), client)
			_, err := crest.Get[crest.Empty, crest.Empty]("/x", endpoint).Call(t.Context(), c, crest.Empty{}, call)
			require.NoError(t, err)
			require.Equal(t, tt.want, rec.last(t).Header.Get("Authorization"))
		})
	}
	t.Run("field of the model", func(t *testing.T) {
		type request struct {
			Auth string `header:"Authorization"`
		}
		rec := &recorder{}
		c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithNetrc(file))
		_, err := crest.Get[request, crest.Empty]("/x").Call(t.Context(), c, request{"mine"})
		require.NoError(t, err)
		require.Equal(t, "mine", rec.last(t).Header.Get("Authorization"))
	})
}

// levels runs a test with an option at each of the three levels.
func levels(t *testing.T, name string, o crest.Option, test func(*testing.T, crest.ClientOption, crest.EndpointOption, crest.CallOption)) {
	t.Helper()
	t.Run(name+", client", func(t *testing.T) { test(t, o, nil, nil) })
	t.Run(name+", endpoint", func(t *testing.T) { test(t, nil, o, nil) })
	t.Run(name+", call", func(t *testing.T) { test(t, nil, nil, o) })
}

// S3.10: after a redirect the entry of the new host applies, by its exact name, and the caller's own credential stays behind.
func TestNetrcAfterARedirect(t *testing.T) {
	file := netrcFile(t, netrcText)
	for name, tt := range map[string]struct {
		to   string
		want []string
	}{
		"another machine": {"https://other.example/x", []string{"Bearer own", "Basic b3RoZXI6MHRoZXI="}},
		"an unknown host": {"https://evil.example/x", []string{"Bearer own", ""}},
		"the same origin": {"https://api.example.com/x", []string{"Bearer own", "Bearer own"}},
		"another port":    {"https://api.example.com:8443/x", []string{"Bearer own", "Basic aG9tZTpoMG1l"}},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{answer: func(req *http.Request) *http.Response {
				if req.URL.Path == "/ping" {
					return response(req, 302, "", "Location", tt.to)
				}
				return response(req, 204, "")
			}}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithNetrc(file), crest.WithBearer(crest.NewSecret("own")))
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			var got []string
			for _, req := range rec.all {
				got = append(got, req.Header.Get("Authorization"))
			}
			require.Equal(t, tt.want, got)
		})
	}
	t.Run("none is wanted", func(t *testing.T) {
		rec := &recorder{answer: func(req *http.Request) *http.Response {
			if req.URL.Path == "/ping" {
				return response(req, 302, "", "Location", "https://other.example/x")
			}
			return response(req, 204, "")
		}}
		c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithNetrc(file), crest.WithoutHeader("Authorization"))
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Empty(t, rec.last(t).Header.Get("Authorization"))
	})
	t.Run("WithURL goes out bare", func(t *testing.T) {
		rec := &recorder{}
		c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithNetrc(file))
		_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithURL("https://other.example/x"))
		require.NoError(t, err)
		require.Empty(t, rec.last(t).Header.Get("Authorization"))
	})
}

// R52 holds for the file as well.
func TestR52Netrc(t *testing.T) {
	file := netrcFile(t, netrcText)
	rec := &recorder{}
	c := newClient(t, "http://plain.example", crest.WithTransport(rec), crest.WithNetrc(file))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrCredentials, "", crest.SentNo)
	require.NotContains(t, err.Error(), "pl4in")
	rec.none(t)
	c = newClient(t, "http://plain.example", crest.WithTransport(rec), crest.WithNetrc(file), crest.WithPlainCredentials())
	_, err = ping.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.NotEmpty(t, rec.last(t).Header.Get("Authorization"))
}

// Where the file is looked for. D12: without the option it is not looked for at all.
func TestNetrcPlaces(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("HOME and file modes are Unix's")
	}
	home, other := t.TempDir(), netrcFile(t, "machine api.example.com login other password p")
	require.NoError(t, os.WriteFile(filepath.Join(home, ".netrc"), []byte("machine api.example.com login home password p"), 0o600))
	for name, tt := range map[string]struct {
		home, variable string
		options        []crest.ClientOption
		want           string
	}{
		"no option":            {home, other, nil, ""},
		"the usual place":      {home, "", []crest.ClientOption{crest.WithNetrc()}, "home"},
		"the variable":         {home, other, []crest.ClientOption{crest.WithNetrc()}, "other"},
		"named":                {home, "", []crest.ClientOption{crest.WithNetrc(other)}, "other"},
		"named, with variable": {home, filepath.Join(home, "nothing"), []crest.ClientOption{crest.WithNetrc(other)}, "other"},
		"nothing there":        {t.TempDir(), "", []crest.ClientOption{crest.WithNetrc()}, ""},
		"variable of nothing":  {home, filepath.Join(home, "nothing"), []crest.ClientOption{crest.WithNetrc()}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HOME", tt.home)
			t.Setenv("NETRC", tt.variable)
			rec := &recorder{}
			c := newClient(t, "https://api.example.com", append(tt.options, crest.WithTransport(rec))...)
			t.Setenv("HOME", "/nowhere") // it is read once
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			user, _, _ := rec.last(t).BasicAuth()
			require.Equal(t, tt.want, user)
		})
	}
}

func TestNetrcFileMistakes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chmod(path, mode))
		return path
	}
	for name, tt := range map[string]struct {
		files []string
		want  string
	}{
		"not there":  {[]string{filepath.Join(dir, "nothing")}, "no such file"},
		"two files":  {[]string{"a", "b"}, "more than one file"},
		"readable":   {[]string{write("readable", netrcText, 0o644)}, "others may read"},
		"of a group": {[]string{write("group", netrcText, 0o640)}, "set its mode to 0600"},
		"directory":  {[]string{dir}, "is no file"},
		"too large":  {[]string{write("large", strings.Repeat("#", 1<<20+1), 0o600)}, "at most 1048576 bytes"},
		"quote":      {[]string{write("quote", `machine h password "h0me`, 0o600)}, "quote: line 1: a quote is not closed"},
		"empty":      {[]string{""}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := crest.New[*failure]("https://api.example.com", crest.WithNetrc(tt.files...))
			require.ErrorContains(t, err, "WithNetrc: ")
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "h0me")
		})
	}
	_, err := crest.New[*failure]("https://api.example.com", crest.WithNetrc(write("full", strings.Repeat("#", 1<<20), 0o600)))
	require.NoError(t, err)
}
