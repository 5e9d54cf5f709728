package crest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/websocket"
)

// planted are the secrets of a client, in two ways to give them. A value names its place.
var planted = map[string][]crest.ClientOption{
	"declared": {
		crest.WithBearer(crest.NewSecret("s3cr3t-authorization")), crest.WithHeader("X-Client-Key", "s3cr3t-key"), crest.WithCookie("own", "s3cr3t-cookie"),
		crest.WithHeader("Idempotency-Key", "s3cr3t-once"), crest.WithQuery("client", "s3cr3t-client"),
	},
	"headers": {
		crest.WithHeader("Authorization", "s3cr3t-authorization"), crest.WithHeader("X-Client-Key", "s3cr3t-key"), crest.WithHeader("Cookie", "own=s3cr3t-cookie"),
		crest.WithHeader("Idempotency-Key", "s3cr3t-once"), crest.WithHeader("Host", "s3cr3t-host.example"),
	},
}

// plantedModel has one in every place that a field can have.
var plantedModel = secretRequest{
	crest.NewSecret("s3cr3t-path"), crest.NewSecret("s3cr3t-field-query"), crest.NewSecret("s3cr3t-field-header"), crest.NewSecret("s3cr3t-field-cookie"), "plain",
}

// stays are the places that a request at the same origin has again: path and query are the Location's, but for keys.
var stays = []string{
	"s3cr3t-authorization", "s3cr3t-key", "s3cr3t-cookie", "s3cr3t-once", "s3cr3t-field-query", "s3cr3t-field-header", "s3cr3t-field-cookie",
}

// sender is one way to send requests, which the server at home leads to target. Ways that are added to crest are added here.
type sender struct {
	send  func(t *testing.T, c *crest.Client[*failure], target string) error
	home  []string // what is expected at home; nil is stays
	fails bool     // the target fails at first
	flows bool     // the target answers with an event, and with 204 afterwards
}

const plantedRoute = "/start/{p}"

var senders = map[string]sender{
	"call": {send: func(t *testing.T, c *crest.Client[*failure], _ string) error {
		_, err := crest.Post[secretRequest, thing](plantedRoute).Call(t.Context(), c, plantedModel)
		return err
	}},
	"body that the caller reads": {send: func(t *testing.T, c *crest.Client[*failure], _ string) error {
		body, err := crest.Post[secretRequest, io.ReadCloser](plantedRoute).Call(t.Context(), c, plantedModel)
		if err == nil {
			err = body.Close()
		}
		return err
	}},
	"Prepared.Send": {send: func(t *testing.T, c *crest.Client[*failure], _ string) error {
		p, err := crest.Post[secretRequest, thing](plantedRoute).Prepare(t.Context(), c, plantedModel)
		require.NoError(t, err)
		for range 2 {
			if _, err := p.Send(t.Context()); err != nil {
				return err
			}
		}
		return nil
	}},
	"retry after a redirect": {fails: true, send: func(t *testing.T, c *crest.Client[*failure], _ string) error {
		r, err := crest.Post[secretRequest, thing](plantedRoute, crest.WithRetry(crest.Retry{Max: 1, Backoff: noWait})).Do(t.Context(), c, plantedModel)
		if err == nil {
			require.Len(t, r.Attempts, 2)
		}
		return err
	}},
	"token refresh through the client": {send: func(t *testing.T, c *crest.Client[*failure], _ string) error {
		source := tokenFrom(func(ctx context.Context) (crest.Secret, error) {
			got, err := crest.Post[secretRequest, thing](plantedRoute).Call(ctx, c, plantedModel)
			return crest.NewSecret(got.Name), err
		})
		_, err := getThing.Call(t.Context(), c, crest.Empty{}, crest.WithBearer(source))
		return err
	}},
	"WithURL": {send: func(t *testing.T, c *crest.Client[*failure], target string) error {
		_, err := crest.Post[secretRequest, thing](plantedRoute).Call(t.Context(), c, plantedModel, crest.WithURL(target))
		return err
	}},
	"next page": {send: func(t *testing.T, c *crest.Client[*failure], _ string) error {
		pager := crest.NewPager[thing](crest.Post[secretRequest, struct {
			Data []thing `json:"data"`
		}]("/pages/{p}"), crest.Paging{Items: "data", Link: "next"})
		for _, err := range pager.Pages(t.Context(), c, plantedModel) {
			if err != nil {
				return err
			}
		}
		return nil
	}},
	"WebSocket dial": {send: func(t *testing.T, c *crest.Client[*failure], target string) error {
		talk := websocket.New[secretRequest, string, string](plantedRoute, websocket.Options{})
		_, err := talk.Dial(t.Context(), c, plantedModel)
		require.ErrorIs(t, err, crest.Status(307)) // nobody follows
		_, err = talk.Dial(t.Context(), c, plantedModel, crest.WithURL(target))
		if errors.Is(err, crest.Status(200)) { // the target was asked, and speaks no WebSocket
			return nil
		}
		return err
	}},
	"stream": {send: func(t *testing.T, c *crest.Client[*failure], _ string) error {
		got, err := all(crest.NewStream[secretRequest, thing](http.MethodPost, plantedRoute).Call(t.Context(), c, plantedModel))
		require.True(t, err != nil || len(got) == 1)
		return err
	}},
	"reconnect": {flows: true, send: func(t *testing.T, c *crest.Client[*failure], _ string) error {
		got, err := all(crest.NewStream[secretRequest, thing](http.MethodPost, plantedRoute).Call(t.Context(), c, plantedModel,
			crest.WithReconnect(), crest.WithIdempotent(), crest.WithRetry(crest.Retry{Max: 1, Backoff: noWait})))
		require.True(t, err != nil || len(got) == 1)
		return err
	}},
	"download resume": {send: func(t *testing.T, c *crest.Client[*failure], _ string) error {
		path := filepath.Join(t.TempDir(), "file")
		for _, parallel := range []int{1, 2} {
			got, err := crest.DownloadFile(t.Context(), c, crest.Get[secretRequest, io.ReadCloser](plantedRoute), plantedModel, path,
				atOnce(1), crest.WithTransfer(crest.Transfer{Parallel: parallel, PartSize: 5}), crest.WithMiddleware(breaksOnce()))
			if err != nil {
				return err
			}
			require.EqualValues(t, len(thingJSON), got.Size)
			require.Greater(t, got.Fetched, got.Size, "it broke off and was asked for again")
		}
		return nil
	}},
	"RoundTripper": {home: []string{"/end"}, send: func(t *testing.T, c *crest.Client[*failure], _ string) error {
		client := http.Client{Transport: crest.RoundTripper(c)}
		resp, err := client.Get("https://a.example/start/foreign") // it is http.Client that follows, and tells where it comes from
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}},
}

// breaksOnce breaks the first body off after a few bytes, and gives it what it could be continued by.
func breaksOnce() crest.Middleware {
	var n atomic.Int32
	return func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.StatusCode == 200 && n.Add(1) == 1 {
				resp.Header.Set("ETag", `"v1"`)
				resp.Body = struct {
					io.Reader
					io.Closer
				}{io.MultiReader(io.LimitReader(resp.Body, 5), failingReader{io.ErrUnexpectedEOF}), resp.Body}
			}
			return resp, err
		})
	}
}

// tokenFrom makes a source of a function.
type tokenFrom func(context.Context) (crest.Secret, error)

func (f tokenFrom) Token(ctx context.Context) (crest.Secret, error) { return f(ctx) }

// noWait is a Backoff without a wait.
func noWait(int, error) time.Duration { return 0 }

// R1, R3, R4, R5, R39: whatever sends, no other origin sees a secret of the client, and the own origin sees them however it is spelled.
func TestR1CredentialsOverEveryPath(t *testing.T) {
	for where, tt := range map[string]struct {
		target string
		addr   string // "" is home
	}{
		"same":          {"https://a.example/end", ""},
		"relative":      {"/end", ""},
		"trailing dot":  {"https://a.example./end", ""},
		"upper case":    {"HTTPS://A.EXAMPLE/end", ""},
		"default port":  {"https://a.example:443/end", ""},
		"no scheme":     {"//a.example/end", ""},
		"other host":    {"https://b.example/end", "b.example:443"},
		"other port":    {"https://a.example:8443/end", "a.example:8443"},
		"subdomain":     {"https://sub.a.example/end", "sub.a.example:443"},
		"https to http": {"http://a.example/end", "a.example:80"},
		"other, short":  {"//b.example/end", "b.example:443"},
	} {
		for how, s := range senders {
			for way, options := range planted {
				t.Run(where+"/"+how+"/"+way, func(t *testing.T) { testSender(t, s, options, tt.target, tt.addr) })
			}
		}
	}
}

func testSender(t *testing.T, s sender, options []crest.ClientOption, target, addr string) {
	var visits atomic.Int32
	l := newLab(t, map[string]http.HandlerFunc{
		"a.example:443/start/s3cr3t-path": to(307, target), "a.example:443/start/foreign": to(307, target),
		"a.example:443/pages/s3cr3t-path": replyJSON(200, `{"data":[]}`, "Link", "<"+target+`>; rel="next"`),
	})
	l.fallback = func(w http.ResponseWriter, req *http.Request) {
		switch n := visits.Add(1); {
		case s.fails && n == 1:
			w.WriteHeader(503)
			return
		case s.flows && n == 1:
			reply(200, "id: 1\ndata: "+thingJSON+"\n\n", "Content-Type", "text/event-stream")(w, req)
			return
		case s.flows:
			w.WriteHeader(204)
			return
		}
		replyJSON(200, thingJSON)(w, req)
	}
	c := newClient(t, "https://a.example", append([]crest.ClientOption{
		crest.WithTransport(l), crest.WithRedirects(crest.Redirects{Downgrade: true})}, options...)...)
	err := s.send(t, c, absolute(target))
	if addr == "" {
		require.NoError(t, err)
		at := slices.DeleteFunc(l.all(), func(v visit) bool { return v.URL.Path != "/end" })
		require.NotEmpty(t, at)
		require.True(t, !s.flows || len(at) == 2 && at[1].Header.Get("Last-Event-ID") == "1")
		for _, arrived := range at {
			for _, secret := range append([]string{"/end"}, s.home...) {
				require.Contains(t, arrived.text, secret)
			}
			for _, secret := range stays {
				require.True(t, s.home != nil || strings.Contains(arrived.text, secret), "%s is missing in %s", secret, arrived.text)
			}
		}
		return
	}
	for _, v := range l.all() {
		if v.addr != "a.example:443" {
			require.NotContains(t, v.text, "s3cr3t")
			require.Equal(t, strings.TrimSuffix(strings.TrimSuffix(addr, ":443"), ":80"), v.Host)
		}
	}
	if err == nil {
		require.NotEmpty(t, l.at(addr))
		return
	}
	// Those that are refused before anything is sent there.
	stepDown := strings.HasPrefix(target, "http:")
	failed := callError(t, err)
	require.True(t, failed.Step == crest.ErrCredentials || failed.Step == crest.ErrRequest && stepDown || failed.Kind == crest.KindPageLink, "%v", err)
	require.Empty(t, l.at(addr))
}

// absolute is a target for WithURL.
func absolute(target string) string {
	switch {
	case strings.HasPrefix(target, "//"):
		return "https:" + target
	case strings.HasPrefix(target, "/"):
		return "https://a.example" + target
	}
	return target
}

// R3: what was dropped stays dropped, on the way back to the first origin too (CVE-2024-45336).
func TestR3DroppedStaysDropped(t *testing.T) {
	for name, tt := range map[string]struct {
		locations []string // of /0, /1, … wherever they are asked for
		want      []string // the addresses that saw secrets, of all that were visited
	}{
		"a b b":   {[]string{"https://b.example/1", "/2"}, []string{"yes a.example:443", "no b.example:443", "no b.example:443"}},
		"a b a":   {[]string{"https://b.example/1", "https://a.example/2"}, []string{"yes a.example:443", "no b.example:443", "no a.example:443"}},
		"a a b":   {[]string{"/1", "https://b.example/2"}, []string{"yes a.example:443", "yes a.example:443", "no b.example:443"}},
		"a b a a": {[]string{"https://b.example/1", "https://a.example/2", "/3"}, []string{"yes a.example:443", "no b.example:443", "no a.example:443", "no a.example:443"}},
		"a A b a": {
			[]string{"https://A.example:443/1", "https://a.example:8443/2", "https://a.example/3"},
			[]string{"yes a.example:443", "yes a.example:443", "no a.example:8443", "no a.example:443"},
		},
	} {
		for way, options := range planted {
			t.Run(name+"/"+way, func(t *testing.T) {
				l := newLab(t, nil)
				l.fallback = func(w http.ResponseWriter, req *http.Request) {
					n, err := strconv.Atoi(req.URL.Path[1:])
					if err != nil || n >= len(tt.locations) {
						replyJSON(200, thingJSON)(w, req)
						return
					}
					to(302, tt.locations[n])(w, req)
				}
				c := newClient(t, "https://a.example", append([]crest.ClientOption{crest.WithTransport(l)}, options...)...)
				type model struct {
					Key    crest.Secret `query:"key"`
					Field  crest.Secret `header:"X-Field"`
					Cookie crest.Secret `cookie:"sid"`
				}
				_, err := crest.Get[model, thing]("/0").Call(t.Context(), c, model{plantedModel.Query, plantedModel.Header, plantedModel.Cookie})
				require.NoError(t, err)
				var saw []string
				for _, v := range l.all() {
					secret := map[bool]string{true: "yes ", false: "no "}[strings.Contains(v.text, "s3cr3t")]
					if secret == "yes " {
						for _, s := range stays {
							require.Contains(t, v.text, s)
						}
					}
					saw = append(saw, secret+v.addr)
				}
				require.Equal(t, tt.want, saw)
			})
		}
	}
}

// R6: an exchange of credentials is not repeated at another origin, and never in plain.
func TestR6TokenExchange(t *testing.T) {
	type grant struct {
		ClientSecret crest.Secret `form:"client_secret"`
	}
	getGrant := crest.Post[grant, issued]("/token")
	for name, tt := range map[string]struct {
		status int
		target string
		sent   bool // something arrives there, without the secret
	}{
		"307":              {307, "https://b.example/token", false},
		"308":              {308, "https://b.example/token", false},
		"307 other port":   {307, "https://a.example:8443/token", false},
		"307 to plain":     {307, "http://a.example/token", false},
		"302 to plain":     {302, "http://a.example/token", false},
		"302":              {302, "https://b.example/token", true},
		"303":              {303, "https://b.example/token", true},
		"307 to userinfo":  {307, "https://u:p@a.example/token", false},
		"307 to subdomain": {307, "https://sub.a.example/token", false},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, map[string]http.HandlerFunc{"a.example:443/token": to(tt.status, tt.target)})
			c := newClient(t, "https://a.example", crest.WithTransport(l))
			_, err := getGrant.Call(t.Context(), c, grant{crest.NewSecret("s3cr3t")})
			if tt.sent {
				require.NoError(t, err)
			} else {
				refusedRedirect(t, err)
				require.NotContains(t, err.Error(), "s3cr3t")
			}
			visits := l.all()
			require.Contains(t, visits[0].body, "s3cr3t")
			for _, v := range visits[1:] {
				require.True(t, tt.sent)
				require.NotContains(t, v.text, "s3cr3t")
				require.Equal(t, "GET", v.Method)
			}
		})
	}
}

// R8: no hop tells where it comes from, whatever is around it.
func TestR8NoReferer(t *testing.T) {
	l := newLab(t, map[string]http.HandlerFunc{
		"a.example:443/thing": to(302, "/two?token=x"), "a.example:443/two": to(307, "https://b.example/three"),
	})
	seen := 0
	c := newClient(t, "https://a.example", crest.WithTransport(l), crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			seen++
			require.NotContains(t, req.Header, "Referer")
			return next.RoundTrip(req)
		})
	}))
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, 3, seen)
	require.Len(t, l.all(), 3)
	for _, v := range l.all() {
		require.NotContains(t, v.Header, "Referer")
	}
}

// R9: a Location cannot bring credentials along.
func TestR9UserinfoInLocation(t *testing.T) {
	for _, target := range []string{
		"https://u:hunter2@b.example/", "https://u:hunter2@a.example/", "//u:hunter2@a.example/end", "https://hunter2@a.example/", "https://@a.example/", "https://:hunter2@a.example/",
	} {
		t.Run(target, func(t *testing.T) {
			l := newLab(t, map[string]http.HandlerFunc{"a.example:443/thing": to(302, target)})
			_, err := follow(t, l)
			refusedRedirect(t, err)
			require.NotContains(t, err.Error(), "hunter2")
			require.ErrorContains(t, err, "credentials")
			require.Equal(t, []string{"GET a.example:443/thing"}, l.way())
		})
	}
}

// A path that holds a Secret stays hidden where a Location continues it, and is resolved as the server wrote it.
func TestRedirectFromASecretPath(t *testing.T) {
	type model struct {
		Token crest.Secret `path:"token"`
	}
	for location, want := range map[string]struct{ path, shown string }{
		"?page=2":             {"/bot/s3cr3t/me?page=2", "/bot/%5Bredacted%5D/me?page=2"},
		"you":                 {"/bot/s3cr3t/you", "/bot/%5Bredacted%5D/you"},
		"../other":            {"/bot/other", "/bot/other"},
		"/elsewhere":          {"/elsewhere", "/elsewhere"},
		"https://b.example/x": {"/x", "/x"},
	} {
		t.Run(location, func(t *testing.T) {
			rec := each(moved(302, location), ended(500))
			var seen []string
			c := newClient(t, "https://a.example", crest.WithTransport(rec), crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
				return inMemory(func(req *http.Request) (*http.Response, error) {
					seen = append(seen, req.URL.String())
					return next.RoundTrip(req)
				})
			}))
			_, err := crest.Get[model, thing]("/bot/{token}/me").Call(t.Context(), c, model{crest.NewSecret("s3cr3t")})
			failed := fails(t, err, crest.ErrStatus, "", crest.SentYes)
			require.Equal(t, want.path, rec.all[1].URL.RequestURI())
			require.True(t, strings.HasSuffix(failed.URL, want.shown), failed.URL)
			require.Equal(t, "https://a.example/bot/%5Bredacted%5D/me", failed.History[0].URL)
			require.NotContains(t, strings.Join(seen, " "), "s3cr3t")
		})
	}
}

// An address is one origin however it is spelled.
func TestR1AddressSpellings(t *testing.T) {
	for target, home := range map[string]bool{
		"https://[2001:db8::1]/2": true, "https://[2001:DB8:0:0:0:0:0:1]:443/2": true, "https://[2001:0db8:0000::0001]/2": true,
		"https://[2001:db8::2]/2": false, "https://[2001:db8::1]:8443/2": false, "https://[::ffff:1.2.3.4]/2": false, "https://1.2.3.4/2": false,
	} {
		t.Run(target, func(t *testing.T) {
			rec := each(moved(307, target), ended(200))
			c := newClient(t, "https://[2001:db8:0::1]", crest.WithTransport(rec), crest.WithBearer(crest.NewSecret("s3cr3t")))
			_, err := getThing.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			require.Equal(t, home, rec.all[1].Header.Get("Authorization") != "")
		})
	}
}

// A challenge of another origin is answered with nothing, and no token is fetched or forgotten for it.
func TestR5ChallengeAbroad(t *testing.T) {
	fetched := 0
	source := crest.NewTokenSource(func(context.Context) (crest.Grant, error) {
		fetched++
		return crest.Grant{Token: crest.NewSecret("s3cr3t")}, nil
	})
	challenges := []string{"Digest realm=\"x\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256, domain=\"https://b.example/\"", "Basic realm=\"x\"", "Bearer realm=\"x\""}
	for name, option := range map[string]crest.ClientOption{
		"bearer": crest.WithBearer(source),
		"basic":  crest.WithBasic("user", crest.NewSecret("s3cr3t")),
		"digest": crest.WithDigest("user", crest.NewSecret("s3cr3t")),
		"netrc":  crest.WithNetrc(netrcFile(t, "machine a.example login user password s3cr3t")),
		"signer": crest.WithAuth(crest.AuthFunc(func(req *http.Request) error {
			req.Header.Set("Authorization", "s3cr3t")
			return nil
		})),
		"key": crest.WithAPIKey("Authorization", crest.NewSecret("s3cr3t")),
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, map[string]http.HandlerFunc{
				"a.example:443/thing": to(302, "https://b.example/x"),
				"b.example:443/x": func(w http.ResponseWriter, _ *http.Request) {
					w.Header()["Www-Authenticate"] = challenges
					w.WriteHeader(http.StatusUnauthorized)
				},
			})
			_, err := follow(t, l, option)
			require.ErrorIs(t, err, crest.Status(401))
			require.Len(t, l.at("b.example:443"), 1)
			require.Empty(t, l.at("b.example:443")[0].Header.Get("Authorization"))
		})
	}
	require.Equal(t, 1, fetched)
}
