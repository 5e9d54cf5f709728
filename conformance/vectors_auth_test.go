package conformance

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/text/encoding/charmap"

	"github.com/crest-go/crest"
)

// authorized makes one call and returns the request as the server got it.
func authorized(r *row, base string, opts ...crest.ClientOption) (*siteRequest, error) {
	s := r.site()
	p := &plan{method: http.MethodGet, clientOpts: append(opts, crest.WithTransport(s.transport(r)), crest.WithPlainCredentials())}
	if _, err := p.do(r, base); err != nil {
		return nil, err
	}
	return &s.requests()[0], nil
}

// basicAuth: the value of Authorization. Other bytes than UTF-8 are the caller's to make.
func basicAuth(r *row) (facts, error) {
	user, password := r.in.text("user")+unhex(r.in.text("user_hex")), r.in.text("pass")+unhex(r.in.text("pass_hex"))
	switch charset := r.in.text("encoding"); charset {
	case "", "utf-8":
	case "latin1":
		user = must1(charmap.ISO8859_1.NewEncoder().String(user))
		password = must1(charmap.ISO8859_1.NewEncoder().String(password))
	default:
		panic("no charset " + charset)
	}
	q, err := authorized(r, "http://example.com", crest.WithBasic(user, crest.NewSecret(password)))
	if err != nil {
		return nil, err
	}
	return facts{"value": q.header.Get("Authorization")}, nil
}

func unhex(text string) string { return string(must1(hex.DecodeString(text))) }

// basicAuthDecode: net/http reads it.
func basicAuthDecode(r *row) (facts, error) {
	req := &http.Request{Header: http.Header{"Authorization": {r.in.text("in")}}}
	user, password, ok := req.BasicAuth()
	if !ok {
		return nil, &declared{errors.New("that is no Basic credential")}
	}
	return facts{"value": []string{user, password}}, nil
}

// authFromURL is the recipe "Credentials out of a URL". Where there are none the value is null, or two empty texts.
func authFromURL(r *row) (facts, error) {
	u, err := url.Parse(r.in.text("url"))
	if err != nil {
		return nil, &declared{err}
	}
	user := u.User
	u.User = nil
	f := facts{"url_after": u.String()}
	if user == nil {
		f["value"] = check(func(want any) error {
			if want == nil {
				return nil
			}
			return compare([]any{"", ""}, want)
		})
		return f, nil
	}
	password, _ := user.Password()
	f["value"] = []string{user.Username(), password}
	return f, nil
}

// prepareFromURL is the recipe, and what it makes of a request.
func prepareFromURL(r *row) (facts, error) {
	if way := r.in.text("through"); way != "url.Parse and WithBasic" {
		panic("no way through " + way)
	}
	if method := r.method(); method != http.MethodGet {
		panic("no request with " + method)
	}
	u := must1(url.Parse(r.in.text("url")))
	password, _ := u.User.Password()
	basic := crest.WithBasic(u.User.Username(), crest.NewSecret(password))
	u.User = nil
	q, err := authorized(r, u.String(), basic)
	if err != nil {
		return nil, err
	}
	return facts{"authorization": q.header.Get("Authorization"), "host": must1(url.Parse(q.url)).Host}, nil
}

// netrcFile writes the row's netrc file.
func (r *row) netrcFile(text string) string {
	dir := must1(os.MkdirTemp("", "netrc"))
	r.after(func() { must(os.RemoveAll(dir)) })
	path := filepath.Join(dir, "netrc")
	must(os.WriteFile(path, []byte(text), 0o600))
	return path
}

// netrcLookup: what a file gives to a URL. One with credentials inside goes nowhere, and so gets none.
func netrcLookup(r *row) (facts, error) {
	q, err := authorized(r, r.in.text("url"), crest.WithNetrc(r.netrcFile(r.in.text("netrc"))))
	if _, refused := errors.AsType[*declared](err); refused {
		return facts{"value": nil}, nil // nothing was sent to anybody
	}
	if err != nil {
		return nil, err
	}
	user, password, ok := (&http.Request{Header: q.header}).BasicAuth()
	if !ok {
		return facts{"value": nil}, nil
	}
	return facts{"value": []string{user, password}}, nil
}

func netrcHeader(r *row) (facts, error) {
	q, err := authorized(r, "http://"+r.when.text("host"), crest.WithNetrc(r.netrcFile(r.in.text("netrc"))))
	if err != nil {
		return nil, err
	}
	return facts{"value": headerOrNil(q.header, "Authorization")}, nil
}

// door is a server that asks for credentials, and remembers what it got.
type door struct {
	answers []func(w http.ResponseWriter, req *http.Request)

	mu   sync.Mutex
	seen []http.Header
}

func (d *door) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	d.mu.Lock()
	n := len(d.seen)
	d.seen = append(d.seen, req.Header)
	d.mu.Unlock()
	d.answers[min(n, len(d.answers)-1)](w, req)
}

// authKeys are the inputs that only an exchange about credentials has.
var authKeys = []string{"auth", "netrc", "netrc_for_host", "netrc_missing", "trust_env"}

func asksForAuth(in *object) bool {
	for _, key := range authKeys {
		if in.values[key] != nil {
			return true
		}
	}
	return false
}

// authExchange is a call that has to say who it is. Its server is on loopback, where plain http is allowed.
func authExchange(r *row) (facts, error) {
	r.when.text("path")
	if list := r.in.texts("algorithms"); list != nil {
		return eachAlgorithm(r, list)
	}
	d := &door{answers: readDoor(r)}
	base := r.open(d)
	p := &plan{method: r.method(), result: bytesBody, clientOpts: readNetrc(r, base)}
	if auth := r.in.texts("auth"); auth != nil {
		p.clientOpts = append(p.clientOpts, crest.WithDigest(auth[0], crest.NewSecret(auth[1])))
	}
	if auth := r.in.texts("request_auth"); auth != nil {
		p.callOpts = append(p.callOpts, crest.WithBasic(auth[0], crest.NewSecret(auth[1])))
	}
	return d.facts(p.do(r, base))
}

func (r *row) open(h http.Handler) string {
	server := httptest.NewServer(h)
	r.after(server.Close)
	return server.URL
}

// readNetrc reads the file of a row. Entries that are meant to apply name the test's server.
func readNetrc(r *row, base string) []crest.ClientOption {
	text := r.in.text("netrc")
	if pair := r.in.texts("netrc_for_host"); pair != nil {
		text = fmt.Sprintf("machine %s login %s password %s\n", must1(url.Parse(base)).Hostname(), pair[0], pair[1])
	}
	_, decided := r.in.values["trust_env"]
	switch {
	case decided && !r.in.flag("trust_env"), text == "":
		return nil
	case r.in.flag("netrc_missing"):
		r.setNetrc(filepath.Join(os.TempDir(), "no such file"))
	default:
		r.setNetrc(r.netrcFile(text))
	}
	return []crest.ClientOption{crest.WithNetrc()}
}

func (r *row) setNetrc(path string) {
	before := os.Getenv("NETRC")
	must(os.Setenv("NETRC", path))
	r.after(func() { must(os.Setenv("NETRC", before)) }) // empty is as good as none
}

// readDoor reads what the server answers: statuses in turn, or in words.
func readDoor(r *row) (answers []func(http.ResponseWriter, *http.Request)) {
	challenge := r.in.text("challenge")
	if challenge == "" {
		challenge = `Digest realm="r", nonce="n", qop="auth"`
	}
	status := func(code int, location string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			if code == http.StatusUnauthorized {
				w.Header().Set("Www-Authenticate", challenge)
			}
			if location != "" {
				w.Header().Set("Location", location)
			}
			w.WriteHeader(code)
		}
	}
	switch server := r.in.get("server").(type) {
	case nil:
		return append(answers, status(http.StatusOK, ""))
	case string:
		if server != "401 without Basic user:pass" {
			panic("no server that answers " + server)
		}
		return append(answers, func(w http.ResponseWriter, req *http.Request) {
			if user, password, _ := req.BasicAuth(); user != "user" || password != "pass" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
	default:
		for _, entry := range asList(server) {
			if code, ok := entry.(float64); ok {
				answers = append(answers, status(int(code), ""))
				continue
			}
			var code int
			var location string
			must1(fmt.Sscanf(entry.(string), "%d Location: %s", &code, &location))
			answers = append(answers, status(code, location))
		}
		return answers
	}
}

// facts are what server and caller saw.
func (d *door) facts(resp *crest.Response[any], err error) (facts, error) {
	header := func(i int) http.Header {
		if i < len(d.seen) {
			return d.seen[i]
		}
		return http.Header{}
	}
	f := facts{
		"requests_sent":               len(d.seen),
		"authorization":               headerOrNil(header(len(d.seen)-1), "Authorization"),
		"authorization_contains":      contains(header(len(d.seen) - 1).Get("Authorization")),
		"second_authorization_prefix": check(func(want any) error { return hasPrefix(header(1).Get("Authorization"), want.(string)) }),
		"third_request_absent":        headerFacts(header(2))["absent"],
	}
	var history []crest.Hop
	if answer, ok := errors.AsType[*crest.Error](err); ok {
		call, _ := errors.AsType[*crest.CallError](err)
		f["status"], history, err = answer.StatusCode, call.History, nil
	} else if resp != nil {
		f["status"], history = resp.StatusCode, resp.History
	}
	var statuses []int
	for _, hop := range history {
		statuses = append(statuses, hop.StatusCode)
	}
	f["history"] = statuses
	if len(statuses) > 0 {
		f["history_first"] = statuses[0]
	}
	return f, err
}

func hasPrefix(got, want string) error {
	if !strings.HasPrefix(got, want) {
		return fmt.Errorf("%q does not begin with %q", got, want)
	}
	return nil
}

// eachAlgorithm holds the row for every algorithm of Digest.
func eachAlgorithm(r *row, algorithms []string) (f facts, err error) {
	auth, qop := r.in.texts("auth"), r.in.text("qop")
	for _, algorithm := range algorithms {
		d := &door{answers: []func(http.ResponseWriter, *http.Request){func(w http.ResponseWriter, req *http.Request) {
			if !strings.Contains(req.Header.Get("Authorization"), "algorithm="+algorithm) {
				w.Header().Set("Www-Authenticate", fmt.Sprintf(`Digest realm="r", nonce="n", qop=%q, algorithm=%s`, qop, algorithm))
				w.WriteHeader(http.StatusUnauthorized)
			}
		}}}
		p := &plan{method: r.method(), result: bytesBody, clientOpts: []crest.ClientOption{crest.WithDigest(auth[0], crest.NewSecret(auth[1]))}}
		if f, err = d.facts(p.do(r, r.open(d))); err != nil || f["status"] != http.StatusOK {
			return f, err
		}
	}
	return f, nil
}

// postInit: the constructor of an SDK gives its client a key.
func postInit(r *row) (facts, error) {
	key := asObject(r.in.get("post_init"))["api_key"].(string)
	if effect := r.in.text("effect"); effect != "parameters['api_key'] = api_key" {
		panic("no constructor that does " + effect)
	}
	s := r.site()
	newSDK := func(key string, opts ...crest.ClientOption) *plan {
		return &plan{method: r.method(), route: r.when.text("path"), clientOpts: append(opts, crest.WithQueryKey("api_key", crest.NewSecret(key)))}
	}
	p := newSDK(key, crest.WithTransport(s.transport(r)))
	p.request.addNamed("query", r.when.fields("params"))
	if _, err := p.do(r, r.in.text("base")); err != nil {
		return nil, err
	}
	return facts{"query": sameQuery(must1(url.Parse(s.requests()[0].url)).RawQuery)}, nil
}

// accounted is an SDK that logs in when it is built, and out when it is closed.
type accounted struct {
	*crest.Client[*apiError]
	calls []string
	built bool
}

var (
	logIn  = crest.Post[crest.Empty, crest.Empty]("/login")
	logOut = crest.Post[crest.Empty, crest.Empty]("/logout")
)

func (a *accounted) Close() error {
	_, err := logOut.Call(context.Background(), a, crest.Empty{})
	return errors.Join(err, a.Client.Close())
}

// newThenClose: the client is there when the SDK logs in with it, and still open when it logs out.
func newThenClose(r *row) (facts, error) {
	names := map[string]string{"/login": "authenticate", "/logout": "deauthenticate"}
	sdk := &accounted{}
	var after string
	c, err := r.client(r.open(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		sdk.calls = append(sdk.calls, names[req.URL.Path])
		if sdk.built {
			after = "session built"
		}
	})))
	if err != nil {
		return nil, err
	}
	sdk.Client, sdk.built = c, true
	if _, err := logIn.Call(context.Background(), sdk, crest.Empty{}); err != nil {
		return nil, err
	}
	if err := sdk.Close(); err != nil {
		return nil, err
	}
	return facts{"calls": check(func(want any) error { return compare(r.in.get("hooks"), sdk.calls) }), "authenticate_after": after}, nil
}

// productAgent is the recipe "User-Agent of a product".
func productAgent(r *row) (facts, error) {
	part := func(name string) string {
		if text := r.in.text(name); text != "" {
			return text
		}
		return "unknown"
	}
	agent := fmt.Sprintf("Integration/1.0 (%s; %s; Build/%s) crest/%s (linux; go)", part("vendor"), part("product"), part("build"), crest.Version)
	q, err := authorized(r, "http://example.com", crest.WithHeader("User-Agent", agent))
	if err != nil {
		return nil, err
	}
	got := q.header.Get("User-Agent")
	return facts{
		"prefix": check(func(want any) error { return hasPrefix(got, want.(string)) }),
		"regexp": check(func(want any) error { return matches(got, want.(string)) }),
	}, nil
}

func matches(got, want string) error {
	if !regexp.MustCompile(want).MatchString(got) {
		return fmt.Errorf("%q does not match %q", got, want)
	}
	return nil
}
