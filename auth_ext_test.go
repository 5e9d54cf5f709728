package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// secretRequest has a credential in every place that a field can have.
type secretRequest struct {
	Path   crest.Secret `path:"p"`
	Query  crest.Secret `query:"key"`
	Header crest.Secret `header:"X-Api-Key"`
	Cookie crest.Secret `cookie:"sid"`
	Plain  string       `query:"plain"`
}

var (
	secrets     = secretRequest{crest.NewSecret("pa/th"), crest.NewSecret("qu ery"), crest.NewSecret("header"), crest.NewSecret("cookie"), "p"}
	callSecrets = crest.Get[secretRequest, crest.Empty]("/a/{p}/b")
)

func TestCredentialsAreAttached(t *testing.T) {
	rec := &recorder{}
	c := newClient(t, "https://api.example.com/v1", crest.WithTransport(rec), crest.WithBearer(crest.NewSecret("bearer")), crest.WithCookie("other", "1"))
	_, err := callSecrets.Call(t.Context(), c, secrets)
	require.NoError(t, err)
	got := rec.last(t)
	require.Equal(t, "https://api.example.com/v1/a/pa%2Fth/b?plain=p&key=qu%20ery", got.URL.String())
	require.Equal(t, []string{"header"}, got.Header["X-Api-Key"])
	require.Equal(t, "other=1; sid=cookie", got.Header.Get("Cookie"))
	require.Equal(t, "Bearer bearer", got.Header.Get("Authorization"))
}

// R1, R4, R5: credentials go to the client's own origin, compared as (scheme, host, port), and nowhere else.
func TestR1CredentialsStayAtTheirOrigin(t *testing.T) {
	const base = "https://api.example.com/v1"
	for name, tt := range map[string]struct {
		url  string
		home bool
	}{
		"same":             {"https://api.example.com/v1/x", true},
		"other path":       {"https://api.example.com/", true},
		"upper case":       {"HTTPS://API.EXAMPLE.COM/x", true},
		"default port":     {"https://api.example.com:443/x", true},
		"trailing dot":     {"https://api.example.com./x", true},
		"other host":       {"https://evil.example/x", false},
		"other port":       {"https://api.example.com:8443/x", false},
		"subdomain":        {"https://x.api.example.com/x", false},
		"parent":           {"https://example.com/x", false},
		"prefix of a name": {"https://xapi.example.com/x", false},
		"suffix of a name": {"https://api.example.com.evil/x", false},
		"port 80":          {"https://api.example.com:80/x", false},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			c := newClient(t, base, crest.WithTransport(rec), crest.WithBearer(crest.NewSecret("s3cr3t")),
				crest.WithHeader("X-Client-Key", "s3cr3t"), crest.WithQuery("client_key", "s3cr3t"), crest.WithCookie("client", "s3cr3t"),
				crest.WithDefaults(commonFields{Key: crest.NewSecret("s3cr3t"), Token: crest.NewSecret("s3cr3t"), Lang: "s3cr3t"}))
			e := crest.Get[secretRequest, crest.Empty]("/a/{p}/b", crest.WithHeader("X-Endpoint-Key", "s3cr3t"))
			model := secretRequest{crest.NewSecret("s3cr3t"), crest.NewSecret("s3cr3t"), crest.NewSecret("s3cr3t"), crest.NewSecret("s3cr3t"), "own"}
			_, err := e.Call(t.Context(), c, model, crest.WithURL(tt.url), crest.WithHeader("X-Call", "kept"))
			require.NoError(t, err)
			got := rec.last(t)
			require.Equal(t, "own", got.URL.Query().Get("plain"))
			require.Equal(t, "kept", got.Header.Get("X-Call"))
			for what, value := range map[string]string{
				"bearer": got.Header.Get("Authorization"), "client header": got.Header.Get("X-Client-Key"), "endpoint header": got.Header.Get("X-Endpoint-Key"),
				"client query": got.URL.Query().Get("client_key"), "default query": got.URL.Query().Get("apiKey"), "default header": got.Header.Get("X-Token"),
				"plain default": got.URL.Query().Get("lang"), "model header": got.Header.Get("X-Api-Key"), "model query": got.URL.Query().Get("key"),
				"cookies": got.Header.Get("Cookie"),
			} {
				if tt.home {
					require.Contains(t, value, "s3cr3t", what)
				} else {
					require.Empty(t, value, what)
				}
			}
		})
	}
}

// What the call itself says holds abroad as well: it was meant for that URL.
func TestCallCredentialsGoWhereTheCallGoes(t *testing.T) {
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithBearer(crest.NewSecret("home")))
	_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithURL("https://upload.example/x"), crest.WithBearer(crest.NewSecret("abroad")))
	require.NoError(t, err)
	require.Equal(t, "Bearer abroad", rec.last(t).Header.Get("Authorization"))
}

func TestR9R10WithURL(t *testing.T) {
	for name, tt := range map[string]struct{ url, want string }{
		"userinfo":       {"https://u:hunter2@api.example.com/", "holds credentials"},
		"downgrade":      {"http://api.example.com/", "the step down is refused"},
		"downgrade away": {"http://other.example/", "the step down is refused"},
		"file":           {"file:///etc/passwd", "neither http nor https"},
		"data":           {"data:text/plain,x", "neither http nor https"},
		"gopher":         {"gopher://api.example.com/", "neither http nor https"},
		"javascript":     {"javascript:alert(1)", "neither http nor https"},
		"relative":       {"/x", "no scheme"},
		"two slashes":    {"//evil", "no scheme"},
		"at host":        {"@evil", "no scheme"},
		"two at signs":   {"http://a@b@c", "WithURL"},
		"backslash":      {`https:\\evil`, "backslash"},
		"empty":          {"", "the URL is empty"},
		"zone":           {"https://[fe80::1%25en0]/", "zone"},
		"newline":        {"https://api.example.com/a\r\nX: y", "control character"},
		"password moved": {"https://u:hunter2#@h", "cannot be parsed"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
			_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithURL(tt.url))
			fails(t, err, crest.ErrRequest, "", crest.SentNo)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "hunter2")
			rec.none(t)
		})
	}
}

func TestWithURLKeepsWhatWasWritten(t *testing.T) {
	type request struct {
		Q string `query:"q,omitzero"`
	}
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
	for given, want := range map[string]string{
		"https://api.example.com":               "https://api.example.com/?q=1",
		"https://api.example.com/a%2Fb?x=1":     "https://api.example.com/a%2Fb?x=1&q=1",
		"https://api.example.com/?sig=a+b%2F&":  "https://api.example.com/?sig=a+b%2F&q=1",
		"https://api.example.com/?next=b&a=b&b": "https://api.example.com/?next=b&a=b&b&q=1",
	} {
		_, err := crest.Get[request, crest.Empty]("/ignored").Call(t.Context(), c, request{"1"}, crest.WithURL(given))
		require.NoError(t, err)
		require.Equal(t, want, rec.last(t).URL.String())
	}
}

func TestR52PlainHTTP(t *testing.T) {
	bearer := crest.WithBearer(crest.NewSecret("s3cr3t"))
	for name, tt := range map[string]struct {
		base string
		ok   bool
	}{
		"https":              {"https://api.example.com", true},
		"127.0.0.1":          {"http://127.0.0.1:8080", true},
		"127.9.9.9":          {"http://127.9.9.9", true},
		"::1":                {"http://[::1]:8080", true},
		"localhost":          {"http://localhost", true},
		"LOCALHOST.":         {"http://LOCALHOST./", true},
		"dev.localhost":      {"http://dev.localhost", true},
		"host":               {"http://api.example.com", false},
		"private":            {"http://10.0.0.1", false},
		"localhost.evil":     {"http://localhost.evil", false},
		"notlocalhost":       {"http://notlocalhost", false},
		"127.0.0.1.evil":     {"http://127.0.0.1.evil", false},
		"unspecified":        {"http://0.0.0.0", false},
		"mapped private":     {"http://[::ffff:10.0.0.1]", false},
		"link-local address": {"http://[fe80::1]", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := crest.New[*failure](tt.base, bearer)
			_, allowed := crest.New[*failure](tt.base, bearer, crest.WithPlainCredentials())
			require.NoError(t, allowed)

			rec := &recorder{}
			c := newClient(t, tt.base, crest.WithTransport(rec))
			calls := map[string]func() error{
				"call bearer": func() error {
					_, err := ping.Call(t.Context(), c, crest.Empty{}, bearer)
					return err
				},
				"endpoint bearer": func() error {
					_, err := crest.Get[crest.Empty, crest.Empty]("/x", bearer).Call(t.Context(), c, crest.Empty{})
					return err
				},
				"secret fields": func() error {
					_, err := callSecrets.Call(t.Context(), c, secrets)
					return err
				},
			}
			if tt.ok {
				require.NoError(t, err)
				for what, call := range calls {
					require.NoError(t, call(), what)
				}
				return
			}
			require.ErrorContains(t, err, "use https, or allow it with WithPlainCredentials")
			for what, call := range calls {
				err := call()
				fails(t, err, crest.ErrCredentials, "", crest.SentNo)
				require.ErrorContains(t, err, "WithPlainCredentials", what)
				require.NotContains(t, err.Error(), "s3cr3t")
			}
			rec.none(t)
		})
	}
}

// R52: Authorization is a credential however it is given: as a text, by a field that is no Secret, by a middleware, by another library.
func TestR52PlainHTTPOfHeaders(t *testing.T) {
	header := crest.WithHeader("Authorization", "Bearer s3cr3t")
	adding := crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.Header.Set("Authorization", "Bearer s3cr3t")
			return next.RoundTrip(req)
		})
	})
	oddly := crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.Header["authorization"] = []string{"Bearer s3cr3t"} // net/http writes it as it is
			return next.RoundTrip(req)
		})
	})
	type named struct {
		Key string `header:"Authorization"`
	}
	for name, call := range map[string]func(c *crest.Client[*failure]) error{
		"call": func(c *crest.Client[*failure]) error {
			return errorOf(ping.Call(t.Context(), c, crest.Empty{}, header))
		},
		"endpoint": func(c *crest.Client[*failure]) error {
			return errorOf(crest.Get[crest.Empty, crest.Empty]("/x", header).Call(t.Context(), c, crest.Empty{}))
		},
		"field": func(c *crest.Client[*failure]) error {
			return errorOf(crest.Get[named, crest.Empty]("/x").Call(t.Context(), c, named{"Bearer s3cr3t"}))
		},
		"middleware": func(c *crest.Client[*failure]) error {
			return errorOf(ping.Call(t.Context(), c, crest.Empty{}, adding))
		},
		"middleware in small letters": func(c *crest.Client[*failure]) error {
			return errorOf(ping.Call(t.Context(), c, crest.Empty{}, oddly))
		},
		"behind an empty one": func(c *crest.Client[*failure]) error {
			return errorOf(ping.Call(t.Context(), c, crest.Empty{}, crest.WithHeader("Authorization", "", "Bearer s3cr3t")))
		},
		"URL of another origin": func(c *crest.Client[*failure]) error {
			return errorOf(ping.Call(t.Context(), c, crest.Empty{}, header, crest.WithURL("http://other.example/x")))
		},
		"RoundTripper": func(c *crest.Client[*failure]) error {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://api.example.com/x", nil)
			require.NoError(t, err)
			req.SetBasicAuth("me", "s3cr3t")
			resp, err := crest.RoundTripper(c).RoundTrip(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			failed := fails(t, call(newClient(t, "http://api.example.com", crest.WithTransport(rec))), crest.ErrCredentials, "", crest.SentNo)
			require.ErrorContains(t, failed, "WithPlainCredentials")
			require.NotContains(t, failed.Error(), "s3cr3t")
			rec.none(t)
			require.NoError(t, call(newClient(t, "http://api.example.com", crest.WithTransport(rec), crest.WithPlainCredentials())))
			got := rec.last(t).Header
			require.NotEmpty(t, strings.Join(append(got["Authorization"], got[strings.ToLower("Authorization")]...), ""))
		})
	}
	_, err := crest.New[*failure]("http://api.example.com", header)
	require.ErrorContains(t, err, "WithPlainCredentials")
	for _, opt := range []crest.Option{crest.WithHeader("Authorization", ""), crest.WithHeader("Authorization", "", ""), crest.WithoutHeader("Authorization")} {
		rec := &recorder{}
		_, err := ping.Call(t.Context(), newClient(t, "http://api.example.com", crest.WithTransport(rec), opt), crest.Empty{})
		require.NoError(t, err, "there is none")
	}
}

func errorOf(_ any, err error) error { return err }

// brokenSource has no token to give.
type brokenSource struct{ err error }

func (s brokenSource) Token(context.Context) (crest.Secret, error) { return crest.Secret{}, s.err }

func TestTokenSources(t *testing.T) {
	cause := errors.New("the vault is sealed")
	for name, tt := range map[string]struct {
		source crest.TokenSource
		want   string
	}{
		"error":        {brokenSource{cause}, "the token source failed: the vault is sealed"},
		"empty":        {brokenSource{}, "the token is empty"},
		"empty token":  {&crest.Token{}, "the token is empty"},
		"R20 newline":  {crest.NewSecret("s3cr3t\r\nEvil: 1"), "a character that no header may have"},
		"R20 trailing": {crest.NewSecret("s3cr3t\n"), "a character that no header may have"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithBearer(tt.source))
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			failed := fails(t, err, crest.ErrCredentials, "", crest.SentNo)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "s3cr3t")
			require.Equal(t, name == "error", errors.Is(err, cause))
			require.Empty(t, failed.Attempts)
			rec.none(t)
		})
	}
}

func TestTokenCanChange(t *testing.T) {
	rec := &recorder{}
	token := crest.NewToken("one")
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithBearer(token))
	for _, want := range []string{"one", "two"} {
		token.Set(want)
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, "Bearer "+want, rec.last(t).Header.Get("Authorization"))
	}
}

// R5: no middleware of any level sees a credential, on the way out or in what comes back.
func TestR5MiddlewareSeesNoCredentials(t *testing.T) {
	var looked []*http.Request
	look := func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil {
				looked = append(looked, req, resp.Request)
			}
			return resp, err
		})
	}
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithMiddleware(look), crest.WithBearer(crest.NewSecret("bearer")),
		crest.WithRedirects(crest.Redirects{Target: func(resp *http.Response) string {
			looked = append(looked, resp.Request)
			return ""
		}}))
	e := crest.Get[secretRequest, crest.Empty]("/a/{p}/b", crest.WithMiddleware(look))
	r, err := e.Do(t.Context(), c, secrets, crest.WithMiddleware(look))
	require.NoError(t, err)
	require.Len(t, looked, 7)
	for _, req := range looked {
		require.Equal(t, "https://api.example.com/a/%5Bredacted%5D/b?plain=p", req.URL.String())
		require.Empty(t, req.Header.Get("Authorization"))
		require.Empty(t, req.Header.Get("Cookie"))
		require.Empty(t, req.Header.Get("X-Api-Key"))
	}
	require.Equal(t, "https://api.example.com/a/%5Bredacted%5D/b?plain=p", r.URL.String())
	require.Empty(t, r.RequestHeader.Get("Authorization"))
	require.Empty(t, r.RequestHeader.Get("X-Api-Key"))
	require.Contains(t, rec.last(t).URL.String(), "pa%2Fth")
}

// R5: the authorize step sees the real target. A middleware that sends elsewhere gets no credentials to take along.
func TestR5MiddlewareChangesTheTarget(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*http.Request)
		ok     bool
	}{
		"host":         {func(r *http.Request) { r.URL.Host = "evil.example" }, false},
		"port":         {func(r *http.Request) { r.URL.Host = "api.example.com:8443" }, false},
		"scheme":       {func(r *http.Request) { r.URL.Scheme = "http" }, false},
		"path":         {func(r *http.Request) { r.URL.Path = "/elsewhere"; r.URL.RawPath = "" }, false},
		"opaque":       {func(r *http.Request) { r.URL.Opaque = "//evil.example/x" }, false}, // as a proxy would read the request line
		"absolute":     {func(r *http.Request) { r.URL.Opaque = "https://evil.example/x" }, false},
		"a pattern":    {func(r *http.Request) { r.URL.Opaque = "*" }, false},
		"opaque, home": {func(r *http.Request) { r.URL.Opaque = "//api.example.com:443/a%2fb" }, true},
		"opaque, path": {func(r *http.Request) { r.URL.Opaque = "/a%2fb" }, true},
		"spelled out":  {func(r *http.Request) { r.URL.Host = "API.example.com.:443" }, true},
		"query":        {func(r *http.Request) { r.URL.RawQuery += "&more=1" }, true},
		"other header": {func(r *http.Request) { r.Header.Set("X-Trace", "1") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			change := func(next http.RoundTripper) http.RoundTripper {
				return inMemory(func(req *http.Request) (*http.Response, error) {
					own := req.Clone(req.Context())
					tt.change(own)
					return next.RoundTrip(own)
				})
			}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithMiddleware(change))
			_, err := callSecrets.Call(t.Context(), c, secrets)
			if tt.ok {
				require.NoError(t, err)
				require.Equal(t, "header", rec.last(t).Header.Get("X-Api-Key"))
				return
			}
			failed := fails(t, err, crest.ErrCredentials, "", crest.SentNo)
			require.ErrorContains(t, err, "middleware changed")
			require.Empty(t, failed.Attempts)
			rec.none(t)
		})
	}
}

// Without credentials a middleware may send where it likes, such as to a stand-in.
func TestMiddlewareMaySendElsewhereWithoutCredentials(t *testing.T) {
	rec := &recorder{}
	elsewhere := func(next http.RoundTripper) http.RoundTripper {
		return inMemory(func(req *http.Request) (*http.Response, error) {
			own := req.Clone(req.Context())
			own.URL.Host = "stand-in.example"
			return next.RoundTrip(own)
		})
	}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithMiddleware(elsewhere))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, "stand-in.example", rec.last(t).URL.Host)
}

// R43: the errors of net/http's own clients have their whole URL in them. It stands in no error of crest's, however they were wrapped.
func TestR43URLsOfOthersErrors(t *testing.T) {
	const text = "https://idp.example/token?client_secret=s3cr3t&page=2"
	cause := errors.New("no route")
	inner := &url.Error{Op: "Get", URL: text + "&inner", Err: cause}
	for name, err := range map[string]error{
		"alone":   &url.Error{Op: "Post", URL: text, Err: cause},
		"wrapped": fmt.Errorf("login: %w", &url.Error{Op: "Post", URL: text, Err: cause}),
		"joined":  errors.Join(&url.Error{Op: "Post", URL: text, Err: cause}, fmt.Errorf("then %w", inner)),
		"nested":  &url.Error{Op: "Post", URL: text, Err: inner},
	} {
		sends := inMemory(func(*http.Request) (*http.Response, error) { return nil, err })
		for place, opts := range map[string][]crest.ClientOption{
			"source":     {crest.WithBearer(brokenSource{err})},
			"fetch":      {crest.WithBearer(crest.NewTokenSource(func(context.Context) (crest.Grant, error) { return crest.Grant{}, err }))},
			"signer":     {crest.WithAuth(crest.AuthFunc(func(*http.Request) error { return err }))},
			"transport":  {crest.WithTransport(sends)},
			"middleware": {crest.WithMiddleware(func(http.RoundTripper) http.RoundTripper { return sends })},
			"limiter":    {crest.WithLimiter(barred{err})},
		} {
			t.Run(name+" "+place, func(t *testing.T) {
				c := newClient(t, "https://api.example.com", append([]crest.ClientOption{crest.WithTransport(&recorder{}), crest.WithRetry(crest.Retry{Max: -1})}, opts...)...)
				_, err := ping.Call(t.Context(), c, crest.Empty{})
				failed := callError(t, err)
				require.ErrorIs(t, err, cause)
				found, _ := errors.AsType[*url.Error](err)
				for _, shown := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%+v %#v %v", failed.Err, failed.Err, failed.Attempts), fmt.Sprintf("%+v", found)} {
					require.NotContains(t, shown, "s3cr3t")
				}
			})
		}
	}
}

// barred is a limiter that lets nothing through.
type barred struct{ err error }

func (b barred) Wait(context.Context) error { return b.err }
