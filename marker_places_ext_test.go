package crest_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// The places in which a secret can stand, each with a secret of its own. A place that is added to crest is added here: to baggage, to
// markedRequest or markedAnswer, or as an outfit.

// markerCore is in every marker, so that one search tells whether there is any.
const markerCore = "Zq7xMarker"

// marker is the secret of a place. Its name is in it, and no marker is the beginning of another.
func marker(place string) string {
	return markerCore + strings.NewReplacer(" ", "", "-", "").Replace(place) + "z"
}

func markerSecret(place string) crest.Secret { return crest.NewSecret(marker(place)) }

// markedRequest has a secret in every place of a request model.
type markedRequest struct {
	Path     crest.Secret            `path:"tenant"`
	Query    crest.Secret            `query:"field_key"`
	Header   crest.Secret            `header:"X-Field-Token"`
	Maybe    crest.Opt[crest.Secret] `header:"X-Field-Maybe"`
	Cookie   crest.Secret            `cookie:"field"`
	Password crest.Secret            `json:"password"`
	Optional crest.Opt[crest.Secret] `json:"optional,omitzero"`
	Nested   markedNested            `json:"nested"`
	Pin      string                  `json:"pin" validate:"max=200"`
	Any      any                     `json:"any"`
}

type markedNested struct {
	Keys  []map[string]crest.Secret    `json:"keys"`
	Inner *struct{ Key *crest.Secret } `json:"inner"`
}

func newMarkedRequest() markedRequest {
	deep := markerSecret("field nested pointer")
	return markedRequest{
		Path: markerSecret("field path"), Query: markerSecret("field query"), Header: markerSecret("field header"), Maybe: crest.Some(markerSecret("field maybe")),
		Cookie: markerSecret("field cookie"), Password: markerSecret("field body"), Optional: crest.Some(markerSecret("field optional")),
		Nested: markedNested{[]map[string]crest.Secret{{"a": markerSecret("field nested")}}, &struct{ Key *crest.Secret }{&deep}},
		Pin:    marker("plain field"), Any: []any{markerSecret("field any")},
	}
}

// markedForm is a login.
type markedForm struct {
	Path     crest.Secret            `path:"tenant"`
	User     string                  `form:"user"`
	Password crest.Secret            `form:"password"`
	Optional crest.Opt[crest.Secret] `form:"optional,omitzero"`
}

func newMarkedForm() markedForm {
	return markedForm{markerSecret("field path"), "user", markerSecret("form password"), crest.Some(markerSecret("form optional"))}
}

// fieldPlaces are those of markedRequest.
var fieldPlaces = []string{
	"field path", "field query", "field header", "field maybe", "field cookie", "field body", "field optional", "field nested", "field nested pointer", "plain field", "field any",
}

// markedAnswer is a model whose body brings a secret.
type markedAnswer struct {
	Token   crest.Secret `json:"token" validate:"required"`
	Session crest.Secret `header:"X-Session-Token,omitzero"`
	Name    string       `json:"name" validate:"required"`
}

// markedFailure is an error model with a secret in it.
type markedFailure struct {
	Message string       `json:"message"`
	Token   crest.Secret `json:"token"`
}

func (f *markedFailure) Error() string { return fmt.Sprint(f.Message, " ", f.Token) }

// answerPlaces are what a server sends.
var answerPlaces = []string{"answer token", "answer field", "answer header", "answer cookie"}

func answerMarked(status int, contentType, body string) http.HandlerFunc {
	return reply(status, body, "Content-Type", contentType, "Set-Cookie", "answer="+marker("answer cookie"), "X-Session-Token", marker("answer header"))
}

func answerJSON(status int, format string) http.HandlerFunc {
	body := strings.NewReplacer("TOKEN", marker("answer token"), "FIELD", marker("answer field")).Replace(format)
	return answerMarked(status, "application/json", body)
}

// baggage are the places that any client can use beside its authorization.
func baggage(t testing.TB) ([]crest.ClientOption, *crest.Jar) {
	t.Helper()
	jar := crest.NewJar(crest.JarOptions{})
	jar.SetCookies(&url.URL{Scheme: "https", Host: "a.example", Path: "/"}, []*http.Cookie{{Name: "kept", Value: marker("jar")}})
	return []crest.ClientOption{
		crest.WithHeader("X-Client", marker("client header")), crest.WithHeader("Idempotency-Key", marker("idempotency key")), crest.WithCookie("client", marker("client cookie")),
		crest.WithQuery("client", marker("client query")), crest.WithAPIKey("X-Api-Key", markerSecret("key header")), crest.WithQueryKey("api_key", markerSecret("key query")),
		crest.WithDefaults(commonFields{Key: markerSecret("defaults query"), Token: markerSecret("defaults header"), Session: markerSecret("key cookie")}), crest.WithCookieJar(jar),
	}, jar
}

var baggagePlaces = []string{
	"jar", "client header", "idempotency key", "client cookie", "client query", "key header", "key query", "defaults query", "defaults header", "key cookie",
}

// outfit is a way of authorization.
type outfit struct {
	auth    func(t *testing.T) []crest.ClientOption
	places  []string // that the server at home gets to see
	unseen  []string // that nobody does
	noToken bool     // every call ends before it is sent
	form    bool     // the model is a login form
}

var outfits = map[string]outfit{
	"login form": {auth: func(*testing.T) []crest.ClientOption { return nil }, form: true, places: []string{"form password", "form optional"}},
	"bearer": {
		auth:   func(*testing.T) []crest.ClientOption { return one(crest.WithBearer(markerSecret("bearer"))) },
		places: []string{"bearer"},
	},
	"holder": {
		auth:   func(*testing.T) []crest.ClientOption { return one(crest.WithBearer(crest.NewToken(marker("holder")))) },
		places: []string{"holder"},
	},
	"source": {
		auth: func(t *testing.T) []crest.ClientOption {
			return one(crest.WithBearer(tokenEndpoint(t, answerJSON(200, `{"token":"`+marker("source")+`","name":"x"}`))))
		},
		places: []string{"source"}, unseen: []string{"client secret"},
	},
	"source with an answer of another type": {
		auth: func(t *testing.T) []crest.ClientOption {
			return one(crest.WithBearer(tokenEndpoint(t, answerMarked(200, "application/x-www-form-urlencoded", "access_token="+marker("source")))))
		},
		noToken: true, unseen: []string{"client secret", "source"},
	},
	"source that is refused": {
		auth: func(t *testing.T) []crest.ClientOption {
			return one(crest.WithBearer(tokenEndpoint(t, answerMarked(400, "text/html", "<p>"+marker("source")))))
		},
		noToken: true, unseen: []string{"client secret", "source"},
	},
	"basic": {
		auth: func(*testing.T) []crest.ClientOption {
			return one(crest.WithBasic(marker("basic user"), markerSecret("basic password")))
		},
		places: []string{"basic user", "basic password"},
	},
	"digest": {
		auth: func(*testing.T) []crest.ClientOption {
			return one(crest.WithDigest("user", markerSecret("digest password")))
		},
		unseen: []string{"digest password"},
	},
	"signer": {
		auth: func(*testing.T) []crest.ClientOption {
			key := markerSecret("signer key")
			return one(crest.WithAuth(crest.AuthFunc(func(req *http.Request) error {
				sum := sha256.Sum256([]byte(key.Reveal()))
				req.Header.Set("X-Signature", marker("signature")+hex.EncodeToString(sum[:]))
				return nil
			})))
		},
		places: []string{"signature"}, unseen: []string{"signer key"},
	},
	"netrc": {
		auth: func(t *testing.T) []crest.ClientOption {
			return []crest.ClientOption{crest.WithNetrc(netrcFile(t, "machine a.example login "+marker("netrc login")+" password "+marker("netrc password")+"\n"))}
		},
		places: []string{"netrc login", "netrc password"},
	},
}

func one(o crest.ClientOption) []crest.ClientOption { return []crest.ClientOption{o} }

// tokenEndpoint is a source that asks a server at a.example, with a secret of its own, for a token.
func tokenEndpoint(t *testing.T, answer http.HandlerFunc) crest.TokenSource {
	l := newLab(t, map[string]http.HandlerFunc{"a.example:443/token": answer})
	c, err := crest.New[*markedFailure]("https://a.example", crest.WithTransport(l), once)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	type login struct {
		Secret crest.Secret `form:"client_secret"`
	}
	get := crest.Post[login, markedAnswer]("/token")
	return crest.NewTokenSource(func(ctx context.Context) (crest.Grant, error) {
		got, err := get.Call(ctx, c, login{markerSecret("client secret")})
		return crest.Grant{Token: got.Token}, err
	})
}

// markerForms are the ways in which a text can be hidden in another, in lower case.
func markerForms(secret string) []string {
	hexed := hex.EncodeToString([]byte(secret))
	each := func(format, sep string) string {
		var list []string
		for _, b := range []byte(secret) {
			list = append(list, fmt.Sprintf(format, b))
		}
		return strings.Join(list, sep)
	}
	backwards := []byte(secret)
	slices.Reverse(backwards)
	forms := []string{secret, string(backwards), hexed, each("%%%02x", ""), each("%d", " "), each("%d", ","), each("0x%02x", ", "), each(`\x%02x`, ""), each(`\u%04x`, "")}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for offset, skip := range []int{0, 2, 3} { // the characters that a neighbour has a part in
			text := encoding.EncodeToString([]byte(strings.Repeat("x", offset) + secret))
			forms = append(forms, text[skip:(offset+len(secret))*8/6])
		}
	}
	for i := range forms {
		forms[i] = strings.ToLower(forms[i])
	}
	return forms
}

func formsIn(text string, forms []string) bool {
	return slices.ContainsFunc(forms, func(form string) bool { return strings.Contains(text, form) })
}

var coreForms = markerForms(markerCore)

// markersIn returns the places whose marker stands in a text, in whatever form.
func markersIn(text string) (places []string) {
	text = strings.ToLower(text)
	if !formsIn(text, coreForms) {
		return nil
	}
	for place, forms := range placeForms() {
		if formsIn(text, forms) {
			places = append(places, place)
		}
	}
	if places == nil {
		return []string{"a part of one"}
	}
	return places
}

// placeForms are the forms of all markers, those of the modes too.
var placeForms = sync.OnceValue(func() map[string][]string {
	all := slices.Concat(fieldPlaces, answerPlaces, baggagePlaces, modePlaces)
	for _, o := range outfits {
		all = slices.Concat(all, o.places, o.unseen)
	}
	forms := map[string][]string{}
	for _, place := range all {
		forms[place] = markerForms(marker(place))
	}
	return forms
})
