package crest_test

import (
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func newJar(t testing.TB) *cookiejar.Jar {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return jar
}

// setting answers with cookies, and a redirect where there is a location.
func setting(location string, cookies ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		for _, cookie := range cookies {
			w.Header().Add("Set-Cookie", cookie)
		}
		if location == "" {
			replyJSON(200, thingJSON)(w, req)
			return
		}
		to(302, location)(w, req)
	}
}

// cookieLines are the addresses of all requests with the cookies that came to them, by name.
func (l *lab) cookieLines() []string {
	var lines []string
	for _, v := range l.all() {
		pairs := slices.Sorted(strings.SplitSeq(v.Header.Get("Cookie"), "; "))
		lines = append(lines, v.addr+v.URL.Path+" "+strings.Join(pairs, "; "))
	}
	return lines
}

// D5: what a hop sets goes out with the next one that it is for; the call's own cookies go to the first origin only and win there.
func TestRedirectCookies(t *testing.T) {
	l := newLab(t, map[string]http.HandlerFunc{
		"a.example:443/thing": setting("/2", "hop=1", "own=theirs", "deep=1; Path=/elsewhere"),
		"a.example:443/2":     setting("https://b.example/3", "hop=2"),
		"b.example:443/3":     setting("https://a.example/4", "b=1"),
	})
	jar := newJar(t)
	_, err := follow(t, l, crest.WithCookieJar(jar), crest.WithCookie("own", "mine"))
	require.NoError(t, err)
	require.Equal(t, []string{
		"a.example:443/thing own=mine", "a.example:443/2 hop=1; own=mine", "b.example:443/3 ", "a.example:443/4 hop=2; own=theirs",
	}, l.cookieLines())
	require.Equal(t, []string{"hop=2", "own=theirs"}, inJar(t, jar, "https://a.example/"))
	require.Equal(t, []string{"b=1"}, inJar(t, jar, "https://b.example/"))

	// Without a jar nothing is kept.
	l.visits = nil
	_, err = follow(t, l, crest.WithCookie("own", "mine"))
	require.NoError(t, err)
	require.Equal(t, []string{"a.example:443/thing own=mine", "a.example:443/2 own=mine", "b.example:443/3 ", "a.example:443/4 "}, l.cookieLines())
}

func inJar(t testing.TB, jar http.CookieJar, url string) []string {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	require.NoError(t, err)
	var pairs []string
	for _, cookie := range jar.Cookies(req.URL) {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	slices.Sort(pairs)
	return pairs
}

// What is sent beside the jar, and in its place.
func TestCookieJarAndTheCall(t *testing.T) {
	type model struct {
		Plain  string       `cookie:"plain,omitzero"`
		Secret crest.Secret `cookie:"secret,omitzero"`
	}
	get := crest.Get[model, thing]("/thing")
	for name, tt := range map[string]struct {
		model model
		opts  []crest.CallOption
		want  string
	}{
		"jar":                 {model{}, nil, "a=jar; plain=jar; secret=jar"},
		"own":                 {model{}, []crest.CallOption{crest.WithCookie("a", "own")}, "a=own; plain=jar; secret=jar"},
		"own of another name": {model{}, []crest.CallOption{crest.WithCookie("b", "own")}, "a=jar; b=own; plain=jar; secret=jar"},
		"own header":          {model{}, []crest.CallOption{crest.WithHeader("Cookie", "x=1; a=own")}, "a=own; plain=jar; secret=jar; x=1"},
		"none":                {model{}, []crest.CallOption{crest.WithoutHeader("Cookie")}, ""},
		"fields":              {model{"own", crest.NewSecret("own")}, nil, "a=jar; plain=own; secret=own"},
		"without its own":     {model{}, []crest.CallOption{crest.WithoutCookie("a")}, "a=jar; plain=jar; secret=jar"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, map[string]http.HandlerFunc{"a.example:443/set": setting("", "a=jar", "plain=jar", "secret=jar"), "a.example:443/thing": to(302, "/again")})
			jar := newJar(t)
			var seen []string
			c := newClient(t, "https://a.example", crest.WithTransport(l), crest.WithCookieJar(jar), crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
				return inMemory(func(req *http.Request) (*http.Response, error) {
					seen = append(seen, req.Header.Get("Cookie"))
					return next.RoundTrip(req)
				})
			}))
			_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithURL("https://a.example/set"))
			require.NoError(t, err)
			l.visits, seen = nil, nil
			_, err = get.Call(t.Context(), c, tt.model, tt.opts...)
			require.NoError(t, err)
			require.Equal(t, []string{"a.example:443/thing " + tt.want, "a.example:443/again " + tt.want}, l.cookieLines())
			require.NotContains(t, strings.Join(seen, " "), "jar", "no middleware sees the jar's cookies")
			require.Equal(t, []string{"a=jar", "plain=jar", "secret=jar"}, inJar(t, jar, "https://a.example/"), "what a call sends never enters the jar")
		})
	}
}

// A call that WithURL leads to another origin neither sends nor keeps cookies; on the own origin it does both.
func TestCookieJarAndWithURL(t *testing.T) {
	l := newLab(t, map[string]http.HandlerFunc{
		"a.example:443/set": setting("", "a=1"), "b.example:443/set": setting("", "b=1"), "b.example:443/back": setting("https://a.example/set", "b=2"),
	})
	jar := newJar(t)
	c := newClient(t, "https://a.example", crest.WithTransport(l), crest.WithCookieJar(jar))
	for _, target := range []string{"https://a.example/set", "https://b.example/set", "https://b.example/back", "https://b.example/set", "https://a.example/end"} {
		_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithURL(target))
		require.NoError(t, err)
	}
	require.Equal(t, []string{
		"a.example:443/set ", "b.example:443/set ", "b.example:443/back ", "a.example:443/set ", "b.example:443/set ", "a.example:443/end a=1",
	}, l.cookieLines())
	require.Empty(t, inJar(t, jar, "https://b.example/"))
}

// What failures, foreign requests and retries set is kept as well; a later attempt sends it.
func TestCookieJarKeepsWhatAnyAnswerSets(t *testing.T) {
	n := 0
	l := newLab(t, map[string]http.HandlerFunc{"a.example:443/thing": func(w http.ResponseWriter, req *http.Request) {
		if n++; n == 1 {
			w.Header().Set("Set-Cookie", "failed=1")
			w.WriteHeader(503)
			return
		}
		replyJSON(200, thingJSON)(w, req)
	}, "a.example:443/foreign": setting("", "foreign=1")})
	c := newClient(t, "https://a.example", crest.WithTransport(l), crest.WithCookieJar(newJar(t)), crest.WithRetry(crest.Retry{Max: 1, Backoff: noWait}))
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://a.example/foreign", nil)
	require.NoError(t, err)
	resp, err := crest.RoundTripper(c).RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	_, err = ping.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, []string{
		"a.example:443/thing ", "a.example:443/thing failed=1", "a.example:443/foreign failed=1", "a.example:443/ping failed=1; foreign=1",
	}, l.cookieLines())
}

// R40: each client has its own cookies, or none.
func TestR40TwoClients(t *testing.T) {
	l := newLab(t, map[string]http.HandlerFunc{"a.example:443/thing": setting("", "who=first")})
	first := newClient(t, "https://a.example", crest.WithTransport(l), crest.WithCookieJar(newJar(t)))
	second := newClient(t, "https://a.example", crest.WithTransport(l), crest.WithCookieJar(newJar(t)))
	third := newClient(t, "https://a.example", crest.WithTransport(l))
	_, err := getThing.Call(t.Context(), first, crest.Empty{})
	require.NoError(t, err)
	for _, c := range []*crest.Client[*failure]{second, third, first} {
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
	}
	require.Equal(t, []string{"a.example:443/thing ", "a.example:443/ping ", "a.example:443/ping ", "a.example:443/ping who=first"}, l.cookieLines())

	_, err = crest.New[*failure]("https://a.example", crest.WithCookieJar(nil))
	require.ErrorContains(t, err, "WithCookieJar: the jar is nil")
	var none *cookiejar.Jar
	_, err = crest.New[*failure]("https://a.example", crest.WithCookieJar(none))
	require.ErrorContains(t, err, "WithCookieJar: the jar is nil")
}

// A path field of type Secret is hidden from the middleware. The jar goes by the path that is sent: what one account set does not
// go out with another's.
func TestCookiesBelowASecretPath(t *testing.T) {
	type account struct {
		Token crest.Secret `path:"token"`
	}
	l := newLab(t, map[string]http.HandlerFunc{
		"a.example:443/bot/one/login": setting("", "folder=1", "own=1; Path=/bot/one", "all=1; Path=/"),
		"a.example:443/bot/one/moved": to(302, "/bot/one/moved/here"),
	})
	c := newClient(t, "https://a.example", crest.WithTransport(l), crest.WithCookieJar(newJar(t)))
	for _, step := range []string{"one/login", "one/me", "two/me", "one/moved"} {
		token, route, _ := strings.Cut(step, "/")
		_, err := crest.Get[account, thing]("/bot/{token}/"+route).Call(t.Context(), c, account{crest.NewSecret(token)})
		require.NoError(t, err)
	}
	require.Equal(t, []string{
		"a.example:443/bot/one/login ", "a.example:443/bot/one/me all=1; folder=1; own=1", "a.example:443/bot/two/me all=1",
		"a.example:443/bot/one/moved all=1; folder=1; own=1", "a.example:443/bot/one/moved/here all=1; folder=1; own=1",
	}, l.cookieLines())
}
