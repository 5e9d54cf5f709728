package crest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/crest-go/crest"
)

// The code between "recipe: name" and "end of recipe" stands in docs/recipes.md, word for word; TestDocsRecipes holds the two together.

func Example_basicLatin1() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		fmt.Printf("%s %q\n", user, password)
	})
	// recipe: basic-latin1
	password, err := charmap.ISO8859_1.NewEncoder().String("café") // golang.org/x/text/encoding/charmap
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithBasic("nkim", crest.NewSecret(password)))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = crest.Get[crest.Empty, crest.Empty]("/menu").Call(context.Background(), c, crest.Empty{})
	// Output: nkim "caf\xe9"
}

// recipe: token-source

type grantRequest struct {
	Type   string       `form:"grant_type" default:"client_credentials"`
	ID     string       `form:"client_id"`
	Secret crest.Secret `form:"client_secret"`
}

type grantAnswer struct {
	Token   crest.Secret `json:"access_token" validate:"required"`
	Seconds int          `json:"expires_in"`
}

var fetchToken = crest.Post[grantRequest, grantAnswer]("/token")

// clientCredentials is OAuth2's grant for programs (RFC 6749, section 4.4). auth is a client of the authorization server.
func clientCredentials(auth crest.Caller, id string, secret crest.Secret) crest.TokenSource {
	return crest.NewTokenSource(func(ctx context.Context) (crest.Grant, error) {
		answer, err := fetchToken.Call(ctx, auth, grantRequest{ID: id, Secret: secret})
		if err != nil {
			return crest.Grant{}, err
		}
		return crest.Grant{Token: answer.Token, Expires: time.Now().Add(time.Duration(answer.Seconds) * time.Second)}, nil
	})
}

// end of recipe

func Example_tokenSource() {
	auth, _ := crest.New[*crest.Problem]("https://auth.example.com", crest.WithTransport(fakeServer(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(r.URL.Path, string(body))
		answering(200, `{"access_token": "t0ken", "token_type": "bearer", "expires_in": 3600}`)(w, r)
	})))
	api := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.URL.Path, r.Header.Get("Authorization")) })
	// recipe: token-source-use
	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(api),
		crest.WithBearer(clientCredentials(auth, "petstore", crest.NewSecret("s3cret"))))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		_, _ = crest.Get[crest.Empty, crest.Empty]("/pets").Call(context.Background(), c, crest.Empty{})
	}
	// Output:
	// /token grant_type=client_credentials&client_id=petstore&client_secret=s3cret
	// /pets Bearer t0ken
	// /pets Bearer t0ken
}

// flow stands for a *clientcredentials.Config: its method is what the recipe calls.
type flow struct{ asked int }

type flowToken struct {
	AccessToken string
	Expiry      time.Time
}

func (f *flow) Token(context.Context) (*flowToken, error) {
	f.asked++
	return &flowToken{fmt.Sprint("t0ken", f.asked), time.Now().Add(time.Hour)}, nil
}

func Example_oauth2() {
	config := &flow{}
	api := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Header.Get("Authorization"))
		if r.Header.Get("Authorization") == "Bearer t0ken1" { // it was revoked
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	// recipe: oauth2
	source := crest.NewTokenSource(func(ctx context.Context) (crest.Grant, error) {
		token, err := config.Token(ctx) // config is a *clientcredentials.Config
		if err != nil {
			return crest.Grant{}, err
		}
		return crest.Grant{Token: crest.NewSecret(token.AccessToken), Expires: token.Expiry}, nil
	})
	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(api), crest.WithBearer(source))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		_, err = crest.Get[crest.Empty, crest.Empty]("/pets").Call(context.Background(), c, crest.Empty{})
	}
	fmt.Println(err)
	// Output:
	// Bearer t0ken1
	// Bearer t0ken2
	// Bearer t0ken2
	// <nil>
}

// recipe: login

// Account is an SDK's client that logs in before its first call and again after a 401, once for all calls that wait, and out when it is
// closed.
type Account struct {
	*crest.Client[*crest.Problem]
	in atomic.Bool
}

type loginRequest struct {
	User     string       `json:"user"`
	Password crest.Secret `json:"password"`
}

type loginAnswer struct {
	Token crest.Secret `json:"token" validate:"required"`
}

var (
	login  = crest.Post[loginRequest, loginAnswer]("/login", crest.WithoutHeader("Authorization")) // it has to go without the token
	logout = crest.Post[crest.Empty, crest.Empty]("/logout", crest.WithSuccess(200, 204, 401))     // 401: it has ended by itself
)

func NewAccount(user string, password crest.Secret, opts ...crest.ClientOption) (*Account, error) {
	a := &Account{}
	source := crest.NewTokenSource(func(ctx context.Context) (crest.Grant, error) {
		answer, err := login.Call(ctx, a, loginRequest{user, password})
		if err != nil {
			return crest.Grant{}, err
		}
		a.in.Store(true)
		return crest.Grant{Token: answer.Token}, nil
	})
	c, err := crest.New[*crest.Problem]("https://api.example.com", append(opts, crest.WithBearer(source))...)
	a.Client = c
	return a, err
}

// Close logs out, if there was a login, and closes the client.
func (a *Account) Close() error {
	var err error
	if a.in.Swap(false) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, err = logout.Call(ctx, a, crest.Empty{})
	}
	return errors.Join(err, a.Client.Close())
}

// end of recipe

func Example_login() {
	logins := 0
	api := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		fmt.Printf("%s %q\n", r.URL.Path, r.Header.Get("Authorization"))
		switch {
		case r.URL.Path == "/login":
			logins++
			answering(200, fmt.Sprintf(`{"token": "t0ken%d"}`, logins))(w, r)
		case r.Header.Get("Authorization") == "Bearer t0ken1" && r.URL.Path == "/second": // the session has ended
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	a, err := NewAccount("me", crest.NewSecret("s3cret"), crest.WithTransport(api))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, route := range []string{"/first", "/second"} {
		_, err = crest.Get[crest.Empty, crest.Empty](route).Call(context.Background(), a, crest.Empty{})
		fmt.Println(err)
	}
	fmt.Println(a.Close())
	// Output:
	// /login ""
	// /first "Bearer t0ken1"
	// <nil>
	// /second "Bearer t0ken1"
	// /login ""
	// /second "Bearer t0ken2"
	// <nil>
	// /logout "Bearer t0ken2"
	// <nil>
}

// recipe: cookie-session

// cookieSession is a login whose proof is a cookie in the client's jar. Its middleware logs in before the first call and after a 401, once for all
// calls that wait.
type cookieSession struct {
	login func(ctx context.Context) error
	turn  chan int // how often it has logged in; taken out by whoever does it now
}

func newCookieSession(login func(ctx context.Context) error) *cookieSession {
	s := &cookieSession{login, make(chan int, 1)}
	s.turn <- 0
	return s
}

// enter logs in, unless somebody has done so after the given turn.
func (s *cookieSession) enter(ctx context.Context, after int) (int, error) {
	select {
	case turn := <-s.turn:
		defer func() { s.turn <- turn }()
		if turn != after {
			return turn, nil
		}
		if err := s.login(ctx); err != nil {
			return turn, err
		}
		turn++
		return turn, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

func (s *cookieSession) middleware(next http.RoundTripper) http.RoundTripper {
	return roundTripFunc(func(req *http.Request) (*http.Response, error) {
		if info, _ := crest.EndpointInfo(req); info.Route == "/login" {
			return next.RoundTrip(req)
		}
		turn, err := s.enter(req.Context(), 0)
		if err != nil {
			if req.Body != nil {
				_ = req.Body.Close()
			}
			return nil, err
		}
		resp, err := next.RoundTrip(req)
		if err != nil || resp.StatusCode != http.StatusUnauthorized || req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
			return resp, err
		}
		_ = resp.Body.Close()
		if _, err := s.enter(req.Context(), turn); err != nil {
			return nil, err
		}
		again := req.Clone(req.Context())
		if req.GetBody != nil {
			if again.Body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
		return next.RoundTrip(again)
	})
}

// end of recipe

func Example_cookieSession() {
	logins := 0
	api := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Printf("%s %q %s\n", r.URL.Path, r.Header.Get("Cookie"), body)
		switch {
		case r.URL.Path == "/login":
			logins++
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: fmt.Sprint("s", logins), Path: "/"})
		case strings.HasSuffix(r.Header.Get("Cookie"), "s1") && r.URL.Path == "/second": // the session has ended
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	jar, _ := cookiejar.New(nil)
	// recipe: cookie-session-use
	enter := crest.Post[loginRequest, crest.Empty]("/login")
	var c *crest.Client[*crest.Problem]
	session := newCookieSession(func(ctx context.Context) error {
		_, err := enter.Call(ctx, c, loginRequest{"me", crest.NewSecret("s3cret")})
		return err
	})
	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(api), crest.WithCookieJar(jar), crest.WithMiddleware(session.middleware))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, route := range []string{"/first", "/second"} {
		_, err = crest.Put[struct{ Body string }, crest.Empty](route).Call(context.Background(), c, struct{ Body string }{"pet"})
		fmt.Println(err)
	}
	// Output:
	// /login "" {"user":"me","password":"s3cret"}
	// /first "sid=s1" pet
	// <nil>
	// /second "sid=s1" pet
	// /login "sid=s1" {"user":"me","password":"s3cret"}
	// /second "sid=s2" pet
	// <nil>
}
