package crest_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// The tests of this file and of features_wire_ext_test.go show rows of docs/features.md that no other test shows.

func TestFeatureAnyTakesEveryJSON(t *testing.T) {
	for body, want := range map[string]any{
		`{}`: map[string]any{}, `[]`: []any{}, `"x"`: "x", `1`: json.Number("1"), `1.5`: json.Number("1.5"), `true`: true, `null`: nil,
	} {
		got, err := answered[any](t, 200, body, typed("application/json"))
		require.NoError(t, err, body)
		require.Equal(t, want, got, body)
	}
}

// Every failure matches one step and no other.
func TestFeatureOneStepEach(t *testing.T) {
	closed := serve(t, replyJSON(200, thingJSON))
	done := newClient(t, closed)
	require.NoError(t, done.Close())
	hang := inMemory(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	for name, tt := range map[string]struct {
		client *crest.Client[*failure]
		step   crest.Step
		kind   crest.Kind
		sent   crest.Sent
	}{
		"refused":  {newClient(t, "http://127.0.0.1:1"), crest.ErrTransport, crest.KindConnect, crest.SentNo},
		"404":      {newClient(t, serve(t, replyJSON(404, `{}`))), crest.ErrStatus, "", crest.SentYes},
		"no JSON":  {newClient(t, serve(t, replyJSON(200, `{`))), crest.ErrResponse, crest.KindDecode, crest.SentYes},
		"closed":   {done, crest.ErrClosed, "", crest.SentNo},
		"limited":  {newClient(t, closed, crest.WithLimiter(refusing{errors.New("full")})), crest.ErrLimited, "", crest.SentNo},
		"no token": {newClient(t, closed, crest.WithBearer(brokenSource{errors.New("none")})), crest.ErrCredentials, "", crest.SentNo},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := getThing.Call(t.Context(), tt.client, crest.Empty{})
			fails(t, err, tt.step, tt.kind, tt.sent)
		})
	}
	t.Run("timeout", inBubble(func(t *testing.T) {
		slow := newClient(t, "https://api.example.com", crest.WithTransport(hang), crest.WithTimeout(time.Millisecond))
		_, err := getThing.Call(t.Context(), slow, crest.Empty{})
		fails(t, err, crest.ErrTransport, crest.KindTimeoutTotal, crest.SentMaybe)
	}))
}

// The default deadline of a call is five minutes, and WithTimeout ends one that hangs.
func TestFeatureTimeoutTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left time.Duration
		hang := inMemory(func(req *http.Request) (*http.Response, error) {
			deadline, _ := req.Context().Deadline()
			left = time.Until(deadline)
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		c := newClient(t, "https://api.example.com", crest.WithTransport(hang))
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		fails(t, err, crest.ErrTransport, crest.KindTimeoutTotal, crest.SentMaybe)
		require.Equal(t, 5*time.Minute, left)

		_, err = ping.Call(t.Context(), c, crest.Empty{}, crest.WithTimeout(100*time.Millisecond))
		fails(t, err, crest.ErrTransport, crest.KindTimeoutTotal, crest.SentMaybe)
		require.Equal(t, 100*time.Millisecond, left)

		short := newClient(t, "https://api.example.com", crest.WithTransport(hang), crest.WithTimeout(time.Second))
		_, err = ping.Call(t.Context(), short, crest.Empty{}, crest.WithTimeout(time.Minute))
		require.ErrorIs(t, err, crest.KindTimeoutTotal)
		require.Equal(t, time.Minute, left, "the call's timeout wins")
	})
}

// A token is sent with its scheme, and nothing that can be printed shows it.
func TestFeatureTokenScheme(t *testing.T) {
	rec := &recorder{answer: func(req *http.Request) *http.Response { return response(req, 401, `no`) }}
	token := crest.NewToken("initial")
	option := crest.WithAuthorization("OAuth", token)
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), option)
	token.Set("abc-s3cr3t")
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.Equal(t, "OAuth abc-s3cr3t", rec.last(t).Header.Get("Authorization"))
	require.Error(t, err)
	for _, v := range []any{token, c, option, err, crest.NewSecret("abc-s3cr3t")} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			require.NotContains(t, fmt.Sprintf(verb, v), "s3cr3t", "%T under %s", v, verb)
		}
	}
}

// A key that goes with every request, beside the model's own query.
func TestFeatureKeyWithEveryRequest(t *testing.T) {
	type common struct {
		Key crest.Secret `query:"api_key"`
	}
	type request struct {
		Testing string `query:"testing"`
	}
	rec := &recorder{}
	c := newClient(t, "https://postman-echo.com", crest.WithTransport(rec), crest.WithDefaults(common{crest.NewSecret("mysecretkey")}))
	_, err := crest.Get[request, crest.Empty]("/get").Call(t.Context(), c, request{"param1"})
	require.NoError(t, err)
	require.Equal(t, url.Values{"api_key": {"mysecretkey"}, "testing": {"param1"}}, rec.last(t).URL.Query())
}

// What Call sends is what Prepare shows and Send sends.
func TestFeaturePrepareIsWhatCallSends(t *testing.T) {
	rec := &recorder{}
	c := newClient(t, "https://api.example.com/v1/", crest.WithTransport(rec), crest.WithHeader("X-A", "1"))
	e := crest.Post[thing, crest.Empty]("/things")
	opts := []crest.CallOption{crest.WithQuery("q", "a b"), crest.WithCookie("sid", "x"), crest.WithHeader("X-B", "2")}
	_, err := e.Call(t.Context(), c, thing{7, "Rex"}, opts...)
	require.NoError(t, err)
	called := rec.last(t)

	p, err := e.Prepare(t.Context(), c, thing{7, "Rex"}, opts...)
	require.NoError(t, err)
	rec.none(t)
	require.Equal(t, "https://api.example.com/v1/things?q=a%20b", p.URL().String())
	body, known := p.Body()
	require.True(t, known)
	require.Equal(t, called.body, string(body))
	require.Equal(t, called.Header, p.Header())
	require.Equal(t, called.Method, p.Method())
	_, err = p.Send(t.Context())
	require.NoError(t, err)
	sent := rec.last(t)
	require.Equal(t, called.Header, sent.Header)
	require.Equal(t, called.URL, sent.URL)
	require.Equal(t, called.body, sent.body)
}

// A base with and without a slash at its end, and without a path; no query, no question mark.
func TestFeatureJoin(t *testing.T) {
	for base, routes := range map[string]map[string]string{
		"https://h":      {"/api": "https://h/api", "/": "https://h/"},
		"https://h/api":  {"/x": "https://h/api/x"},
		"https://h/api/": {"/x": "https://h/api/x"},
	} {
		for route, want := range routes {
			rec := &recorder{}
			_, err := crest.Get[crest.Empty, crest.Empty](route).Call(t.Context(), newClient(t, base, crest.WithTransport(rec)), crest.Empty{})
			require.NoError(t, err)
			require.Equal(t, want, rec.last(t).URL.String())
		}
	}
}

// sdkGroups are parts of an SDK that share one client.
type sdkGroups struct {
	users  userGroup
	shared nestedGroup
}

type userGroup struct{ c crest.Caller }
type nestedGroup struct{ c crest.Caller }

const (
	userRoute   = "/a"
	nestedRoute = userRoute + "/b"
)

var (
	getUser = crest.Get[struct {
		ID int `path:"id"`
	}, crest.Empty](userRoute + "/{id}")
	getNested = crest.Get[crest.Empty, crest.Empty](nestedRoute + "/x")
)

func TestFeatureGroups(t *testing.T) {
	rec, limiter := &recorder{}, &counting{}
	s := &sdk{newClient(t, "https://api.example.com/base", crest.WithTransport(rec), crest.WithLimiter(limiter))}
	g := sdkGroups{userGroup{s}, nestedGroup{s}}
	_, err := getUser.Call(t.Context(), g.users.c, struct {
		ID int `path:"id"`
	}{7})
	require.NoError(t, err)
	require.Equal(t, "https://api.example.com/base/a/7", rec.last(t).URL.String())
	_, err = getNested.Call(t.Context(), g.shared.c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, "https://api.example.com/base/a/b/x", rec.last(t).URL.String())
	require.EqualValues(t, 2, limiter.n.Load(), "one limiter counts both")
}

// priority is written by its name.
type priority int

func (p priority) MarshalText() ([]byte, error) { return []byte([]string{"low", "high"}[p]), nil }

// Each type that the original encoders know has its query text.
func TestFeatureEncoders(t *testing.T) {
	type request struct {
		Flag    bool                `query:"flag"`
		At      time.Time           `query:"at"`
		Day     time.Time           `query:"day,format=date"`
		Unix    time.Time           `query:"unix,format=unix"`
		Level   priority            `query:"level"`
		Addr    netip.Addr          `query:"addr"`
		Set     []string            `query:"set"`
		Secret  crest.Secret        `query:"secret"`
		Ratio   float64             `query:"ratio"`
		Decimal json.Number         `query:"decimal"`
		Unset   crest.Opt[string]   `query:"unset"`
		Any     map[string][]string `query:"*"`
		LeftOut string              `query:"left,omitzero"`
	}
	at := time.Date(2026, time.November, 5, 8, 30, 0, 0, time.UTC)
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
	_, err := crest.Get[request, crest.Empty]("/x").Call(t.Context(), c, request{
		Flag: true, At: at, Day: at, Unix: at, Level: 1, Addr: netip.MustParseAddr("192.0.2.1"), Set: []string{"a", "b"},
		Secret: crest.NewSecret("s3cr3t"), Ratio: 0.5, Decimal: "1.10", Any: map[string][]string{"more": {"1", "2"}},
	})
	require.NoError(t, err)
	require.Equal(t, url.Values{
		"flag": {"true"}, "at": {"2026-11-05T08:30:00Z"}, "day": {"2026-11-05"}, "unix": {fmt.Sprint(at.Unix())}, "level": {"high"},
		"addr": {"192.0.2.1"}, "set": {"a", "b"}, "secret": {"s3cr3t"}, "ratio": {"0.5"}, "decimal": {"1.10"}, "more": {"1", "2"},
	}, rec.last(t).URL.Query())
}

// An ErrorFunc's error comes back and the status still matches; every status is an error value, and so are the classes.
func TestFeatureStatuses(t *testing.T) {
	c := newClient(t, serve(t, replyJSON(418, `{"message":"short and stout"}`)))
	_, err := getThing.Call(t.Context(), c, crest.Empty{}, crest.WithErrors(crest.ErrorMap{418: sentinel("teapot")}))
	require.ErrorIs(t, err, marked("teapot"))
	require.ErrorIs(t, err, crest.Status(418))
	for _, status := range []int{404, 425, 503} {
		_, err := answered[thing](t, status, `{}`, typed("application/json"))
		require.ErrorIs(t, err, crest.Status(status))
		require.Equal(t, status < 500, errors.Is(err, crest.Status(crest.Status4XX)))
		require.Equal(t, status >= 500, errors.Is(err, crest.Status(crest.Status5XX)))
		require.NotErrorIs(t, err, crest.Status(400))
	}
}

func TestFeatureErrorFields(t *testing.T) {
	type byID struct {
		ID int `path:"id"`
	}
	c := newClient(t, serve(t, reply(409, `{"code":"taken","message":"name taken"}`, "Content-Type", "application/json", "X-Request-Id", "r-1", "Retry-After", "7")))
	_, err := crest.Put[byID, thing]("/things/{id}").Call(t.Context(), c, byID{5})
	e, ok := errors.AsType[*crest.Error](err)
	require.True(t, ok)
	require.Equal(t, "PUT /things/{id}", e.Endpoint)
	require.Equal(t, http.MethodPut, e.Method)
	require.True(t, strings.HasSuffix(e.URL, "/things/5"), e.URL)
	require.Equal(t, 409, e.StatusCode)
	require.Equal(t, "r-1", e.Header.Get("X-Request-Id"))
	require.JSONEq(t, `{"code":"taken","message":"name taken"}`, string(e.Body))
	require.Equal(t, &failure{"taken", "name taken"}, e.Model)
	require.Equal(t, "r-1", e.RequestID)
	require.Equal(t, 1, e.Attempts)
	require.Equal(t, 7*time.Second, e.RetryAfter)
}

// An error status with a body that is no JSON keeps status and body.
func TestFeatureErrorPage(t *testing.T) {
	const page = "<html><h1>Bad Gateway</h1></html>"
	_, err := answered[thing](t, 502, page, typed("text/html"))
	require.ErrorIs(t, err, crest.Status(502))
	e, ok := errors.AsType[*crest.Error](err)
	require.True(t, ok)
	require.Nil(t, e.Model)
	require.Equal(t, page, string(e.Body))
	require.Contains(t, err.Error(), "502 Bad Gateway")
}

// answerEnvelope is shared by the answers of an API that says 200 and means an error.
type answerEnvelope struct {
	Failure string `json:"error"`
}

var errInside = errors.New("the answer holds an error")

func (e answerEnvelope) Validate() error {
	if e.Failure != "" {
		return errInside
	}
	return nil
}

func TestFeatureErrorInsideAnAnswer(t *testing.T) {
	type answer struct {
		answerEnvelope
		Name string `json:"name"`
	}
	got, err := answered[*answer](t, 200, `{"error":"x"}`, typed("application/json"))
	fails(t, err, crest.ErrResponse, crest.KindValidation, crest.SentYes)
	require.ErrorIs(t, err, errInside)
	require.Nil(t, got)
	got, err = answered[*answer](t, 200, `{"name":"Rex"}`, typed("application/json"))
	require.NoError(t, err)
	require.Equal(t, "Rex", got.Name)
}

func TestFeatureXMLBothWays(t *testing.T) {
	type model struct {
		XMLName xml.Name `xml:"Test"`
		Value   int      `xml:",chardata"`
	}
	rec := &recorder{answer: func(req *http.Request) *http.Response {
		return response(req, 200, "<Test>42</Test>", "Content-Type", "application/xml")
	}}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithCodec(crest.XML()))
	got, err := crest.Post[model, model]("/x").Call(t.Context(), c, model{Value: 42})
	require.NoError(t, err)
	require.Equal(t, 42, got.Value)
	require.Contains(t, rec.last(t).body, "<Test>42</Test>")
}

// An option at the wrong level does not compile, because it is not of that level's type.
func TestFeatureOptionsAreTyped(t *testing.T) {
	call, endpoint := reflect.TypeFor[crest.CallOption](), reflect.TypeFor[crest.EndpointOption]()
	for _, forClient := range []any{crest.WithTransport, crest.WithPlainCredentials} {
		require.False(t, reflect.TypeOf(forClient).Out(0).Implements(call))
		require.False(t, reflect.TypeOf(forClient).Out(0).Implements(endpoint))
	}
	require.False(t, reflect.TypeOf(crest.WithURL).Out(0).Implements(endpoint))
	require.False(t, reflect.TypeOf(crest.WithLimiter).Out(0).Implements(call))
	require.False(t, reflect.TypeOf(crest.WithGetBody).Out(0).Implements(call))
	require.True(t, reflect.TypeOf(crest.WithHeader).Out(0).Implements(call))
}

// The client is closed although the function that made it panics.
func TestFeatureCloseAfterAPanic(t *testing.T) {
	c := newClient(t, "https://api.example.com", crest.WithTransport(&recorder{}))
	require.Panics(t, func() {
		defer c.Close()
		panic("in the middle")
	})
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.ErrClosed)
}

// A route that comes from data is declared in place and sends what the SDK's own endpoint does.
func TestFeatureDeclaredInPlace(t *testing.T) {
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
	_, err := crest.Get[crest.Empty, any]("/").Call(t.Context(), c, crest.Empty{}, crest.WithSuccess(204))
	require.NoError(t, err)
	typed := rec.last(t)
	e, err := crest.NewEndpointOf(http.MethodGet, "/", reflect.TypeFor[crest.Empty](), reflect.TypeFor[any]())
	require.NoError(t, err)
	_, err = e.Call(t.Context(), c, nil, crest.WithSuccess(204))
	require.NoError(t, err)
	untyped := rec.last(t)
	require.Equal(t, typed.URL, untyped.URL)
	require.Equal(t, typed.Header, untyped.Header)
}

func TestRecipeUserAgent(t *testing.T) {
	form := regexp.MustCompile(`^Integration/1\.0 \([^;]+; [^;]+; Build/[^)]+\) [^/]+/\S+ \(.+\)$`)
	for want, got := range map[string]string{
		"Integration/1.0 (pytest; auto-test; Build/1.0) ":    userAgent("pytest", "auto-test", "1.0"),
		"Integration/1.0 (unknown; unknown; Build/unknown) ": userAgent("", "", ""),
	} {
		require.True(t, strings.HasPrefix(got, want), got)
		require.Regexp(t, form, got)
	}
}

func TestRecipeCredentialsFromURL(t *testing.T) {
	const special = "%!*'();:@&=+$,/?#[] "
	name := strings.ReplaceAll(special, ":", "") // Basic has no way to write a colon in it
	escaped := url.UserPassword(name, special).String()
	for name, tt := range map[string]struct{ text, base, user, password string }{
		"escaped":   {"https://" + escaped + "@request.com/url", "https://request.com/url", name, special},
		"space":     {"https://user:pass%20pass@complex.url.com/path", "https://complex.url.com/path", "user", "pass pass"},
		"hash":      {"https://user:pass%23pass@complex.url.com/path", "https://complex.url.com/path", "user", "pass#pass"},
		"plain":     {"https://nkim:1234@python.org", "https://python.org", "nkim", "1234"},
		"no user":   {"https://:1234@python.org", "https://python.org", "", "1234"},
		"none":      {"https://example.com/", "https://example.com/", "", ""},
		"raw space": {"https://user:hunter2 pass@complex.url.com/", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			base, opts, err := splitCredentials(tt.text)
			if tt.base == "" {
				require.Error(t, err)
				require.NotContains(t, err.Error(), "hunter2")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.base, base)
			rec := &recorder{}
			_, err = ping.Call(t.Context(), newClient(t, base, append(opts, crest.WithTransport(rec))...), crest.Empty{})
			require.NoError(t, err)
			want := ""
			if tt.user+tt.password != "" {
				want = "Basic " + base64.StdEncoding.EncodeToString([]byte(tt.user+":"+tt.password))
			}
			require.Equal(t, want, rec.last(t).Header.Get("Authorization"))
		})
	}
	base, opts, err := splitCredentials("https://us%3Aer:hunter2@request.com")
	require.NoError(t, err)
	_, err = crest.New[*failure](base, opts...)
	require.ErrorContains(t, err, "the user holds a colon")
	require.NotContains(t, err.Error(), "hunter2")
}

// named is a transport that is known by its name and counts how often its idle connections were closed.
type namedTransport struct {
	inMemory
	name   string
	closed int
}

func (n *namedTransport) CloseIdleConnections() { n.closed++ }

func TestRecipeTransportByPrefix(t *testing.T) {
	t.Run("order", func(t *testing.T) {
		p := &byPrefix{}
		for _, prefix := range []string{
			"https://", "http://", "http://git", "http://github", "http://github.com", "http://github.com/about/", "http://gittip", "http://gittip.com", "http://gittip.com/about/",
		} {
			p.Mount(prefix, &namedTransport{})
		}
		var got []string
		for _, m := range p.mounted {
			got = append(got, m.prefix)
		}
		require.Equal(t, []string{
			"http://github.com/about/", "http://gittip.com/about/", "http://github.com", "http://gittip.com", "http://github", "http://gittip", "http://git", "https://", "http://",
		}, got)
	})
	for name, tt := range map[string]struct {
		mounted   []string
		url, want string
	}{
		"host":                  {[]string{"https://example.com", "https://example.com/some/path"}, "https://example.com/another/path", "https://example.com"},
		"longest":               {[]string{"https://example.com", "https://example.com/some/path"}, "https://example.com/some/path/longer/path", "https://example.com/some/path"},
		"subdomain":             {[]string{"https://example.com"}, "https://another.example.com/", "https://"},
		"slash":                 {[]string{"https://example.com/"}, "https://example.com/some/path", "https://example.com/"},
		"slash, other host":     {[]string{"https://example.com/"}, "https://example.com.other.com/some/path", "https://"},
		"no slash, other host":  {[]string{"https://example.com"}, "https://example.com.other.com/some/path", "https://"},
		"upper case":            {[]string{"https://EXAMPLE.com"}, "https://example.COM/", "https://example.com"},
		"other port":            {[]string{"https://example.com"}, "https://example.com:8443/", "https://"},
		"none":                  {nil, "http://example.com/", ""},
		"the same prefix again": {[]string{"https://example.com", "https://example.com"}, "https://example.com/", "https://example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &byPrefix{}
			for _, prefix := range append([]string{"https://"}, tt.mounted...) {
				p.Mount(prefix, &namedTransport{name: strings.ToLower(prefix)})
			}
			u, err := url.Parse(tt.url)
			require.NoError(t, err)
			found, ok := p.find(u)
			require.Equal(t, tt.want != "", ok)
			if ok {
				require.Equal(t, tt.want, found.(*namedTransport).name)
			}
			p.CloseIdleConnections()
			for _, m := range p.mounted {
				require.Equal(t, 1, m.transport.(*namedTransport).closed)
			}
		})
	}
}

func TestRecipePollEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := newClient(t, "https://api.example.com", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
			asked++
			return response(req, 200, `{"status":"in-progress"}`, "Content-Type", "application/json"), nil
		})))
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		begun := time.Now()
		require.ErrorIs(t, wait(ctx, c, time.Second, "https://api.example.com/operations/7"), context.DeadlineExceeded)
		require.Equal(t, 3, asked, "at once, and after each interval")
		require.Equal(t, 2500*time.Millisecond, time.Since(begun))
	})
}
