package crest_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// shown is v as everything that prints would show it.
func shown(v any) []string {
	var out []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out = append(out, fmt.Sprintf(verb, v), fmt.Sprintf(verb, []any{v}), fmt.Sprintf(verb, map[string]any{"k": v}))
	}
	out = append(out, fmt.Sprint(v), fmt.Sprintln(v))
	if text, err := json.Marshal(v); err == nil {
		out = append(out, string(text))
	}
	if text, err := xml.Marshal(v); err == nil {
		out = append(out, string(text))
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v, slog.Group("g", "v", v))
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v, slog.Group("g", "v", v))
	return append(out, log.String())
}

func hides(t *testing.T, v any, secrets ...string) {
	t.Helper()
	for _, text := range shown(v) {
		for _, s := range secrets {
			require.NotContains(t, text, s)
			require.NotContains(t, text, fmt.Sprintf("%x", s))
			require.NotContains(t, text, url.QueryEscape(s))
		}
	}
}

// R44: a Secret shows itself nowhere, wherever it stands.
func TestR44SecretPrintsRedacted(t *testing.T) {
	const text = "hunter2-marker"
	s := crest.NewSecret(text)
	type exported struct{ Key crest.Secret }
	type unexported struct{ key crest.Secret }
	type tagged struct {
		Key crest.Secret  `json:"key"`
		Ptr *crest.Secret `json:"ptr"`
	}
	token := crest.NewToken(text)
	for name, v := range map[string]any{
		"value": s, "pointer": &s, "exported field": exported{s}, "unexported field": unexported{s}, "pointer to a struct": &unexported{s},
		"tagged": tagged{s, &s}, "slice": []crest.Secret{s}, "map value": map[string]crest.Secret{"k": s}, "map key": map[crest.Secret]int{s: 1}, "array": [1]crest.Secret{s},
		"error": fmt.Errorf("with %v: %w", s, errors.New("x")), "Opt": crest.Some(s), "Token": token, "Defaults": crest.NewDefaults(exported{s}),
		"option": crest.WithBearer(s), "defaults option": crest.WithDefaults(exported{s}), "channel": make(chan crest.Secret),
	} {
		t.Run(name, func(t *testing.T) { hides(t, v, text) })
	}
	require.Equal(t, "[redacted]", fmt.Sprint(s))
	require.Equal(t, "[redacted]", s.String())
	require.Equal(t, "[redacted]", fmt.Sprintf("%d", s))
	require.Equal(t, text, s.Reveal())
	require.True(t, crest.Secret{}.IsZero())
	require.True(t, crest.NewSecret("").IsZero())
	require.False(t, s.IsZero())
	require.Empty(t, crest.Secret{}.Reveal())
	var back crest.Secret
	require.NoError(t, json.Unmarshal([]byte(`"`+text+`"`), &back))
	require.Equal(t, text, back.Reveal())
	err := json.Unmarshal([]byte(`{"hunter2":1}`), &back)
	require.ErrorContains(t, err, "a Secret is read from a JSON string")
	require.NotContains(t, err.Error(), "hunter2")
	require.Equal(t, text, back.Reveal())
	require.NoError(t, json.Unmarshal([]byte(`null`), &back))
	require.Equal(t, text, back.Reveal())
}

// R44: and yet what goes on the wire is the secret, in each body and place.
func TestR44SecretArrivesWhole(t *testing.T) {
	const text = "hunter2"
	s := crest.NewSecret(text)
	type nested struct {
		Deep  []map[string]crest.Secret `json:"deep"`
		Any   any                       `json:"any"`
		Maybe crest.Opt[crest.Secret]   `json:"maybe,omitzero"`
	}
	type form struct {
		User string       `form:"user"`
		Pass crest.Secret `form:"pass"`
	}
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
	_, err := crest.Post[nested, crest.Empty]("/x").Call(t.Context(), c, nested{[]map[string]crest.Secret{{"a": s}}, s, crest.Some(s)})
	require.NoError(t, err)
	require.Equal(t, `{"deep":[{"a":"hunter2"}],"any":"hunter2","maybe":"hunter2"}`, rec.last(t).body)
	_, err = crest.Post[form, crest.Empty]("/x").Call(t.Context(), c, form{"u", s})
	require.NoError(t, err)
	require.Equal(t, "user=u&pass=hunter2", rec.last(t).body)
}

// markers are unique secrets, one for each place.
type markers struct {
	Path   crest.Secret `path:"tenant"`
	Query  crest.Secret `query:"api_key"`
	Plain  string       `query:"signature"`
	Header crest.Secret `header:"X-Api-Key"`
	Cookie crest.Secret `cookie:"sid"`
	Pass   crest.Secret `json:"password"`
	Pin    string       `json:"pin"`
}

// R43: unique secrets in header, query, path, cookie, form and body, every kind of failure, every output.
func TestR43Markers(t *testing.T) {
	all := []string{"mk-path", "mk-query", "mk-plain", "mk-header", "mk-cookie", "mk-body", "mk-pin", "mk-bearer", "mk-default", "mk-client-header", "mk-client-cookie", "mk-client-query"}
	model := markers{
		crest.NewSecret("mk-path"), crest.NewSecret("mk-query"), "mk-plain", crest.NewSecret("mk-header"), crest.NewSecret("mk-cookie"), crest.NewSecret("mk-body"), "mk-pin",
	}
	post := crest.Post[markers, thing]("/{tenant}/login")
	refuse := errors.New("refused")
	for name, tt := range map[string]struct {
		transport inMemory
		opts      []crest.ClientOption
		step      crest.Step
	}{
		"status":       {fixed(500, `{"message":"no"}`, "Content-Type", "application/json"), nil, crest.ErrStatus},
		"HTML":         {fixed(502, "<html>", "Content-Type", "text/html"), nil, crest.ErrStatus},
		"content type": {fixed(200, "<html>", "Content-Type", "text/html"), nil, crest.ErrResponse},
		"decode":       {fixed(200, "{", "Content-Type", "application/json"), nil, crest.ErrResponse},
		"validation":   {fixed(200, "{}", "Content-Type", "application/json"), nil, crest.ErrResponse},
		"transport":    {func(*http.Request) (*http.Response, error) { return nil, refuse }, nil, crest.ErrTransport},
		"url.Error": {func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: refuse}
		}, nil, crest.ErrTransport},
		"wrapped url.Error": {func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("proxy: %w", &url.Error{Op: "Post", URL: r.URL.String(), Err: refuse})
		}, nil, crest.ErrTransport},
		"limited":     {fixed(200, ""), []crest.ClientOption{crest.WithLimiter(refusing{refuse})}, crest.ErrLimited},
		"credentials": {fixed(200, ""), []crest.ClientOption{crest.WithMiddleware(toEvil)}, crest.ErrCredentials},
		"body":        {func(r *http.Request) (*http.Response, error) { return cutBody(r), nil }, nil, crest.ErrResponse},
	} {
		t.Run(name, func(t *testing.T) {
			opts := append([]crest.ClientOption{
				crest.WithTransport(tt.transport), crest.WithBearer(crest.NewSecret("mk-bearer")), crest.WithHeader("X-Client", "mk-client-header"),
				crest.WithCookie("client", "mk-client-cookie"), crest.WithQuery("client", "mk-client-query"), crest.WithDefaults(commonFields{Key: crest.NewSecret("mk-default")}),
			}, tt.opts...)
			c := newClient(t, "https://api.example.com", opts...)
			_, err := post.Call(t.Context(), c, model)
			failed := callError(t, err)
			require.ErrorIs(t, err, tt.step)
			hides(t, err, all...)
			hides(t, *failed, all...)
			hides(t, failed.URL, all...)
			hides(t, failed.Endpoint, all...)
			hides(t, failed.Attempts, all...)
			hides(t, fmt.Errorf("wrapped: %w", err), all...)
			var said *crest.Error
			if errors.As(err, &said) {
				hides(t, said, all...)
				hides(t, said.URL, all...)
			}
			if tt.step == crest.ErrTransport || tt.step == crest.ErrLimited {
				require.ErrorIs(t, err, refuse)
			}
			require.Contains(t, failed.URL, "/%5Bredacted%5D/login?signature=[redacted]")
			prepared, err := post.Prepare(t.Context(), c, model)
			require.NoError(t, err)
			for what, v := range map[string]any{"client": c, "client value": *c, "sdk": &sdk{c}, "sdk value": sdk{c}, "prepared": prepared, "endpoint": post, "options": opts, "round tripper": crest.RoundTripper(c)} {
				t.Run(what, func(t *testing.T) { hides(t, v, all...) })
			}
			credentials := []string{"mk-path", "mk-query", "mk-header", "mk-cookie", "mk-bearer", "mk-default"}
			hides(t, prepared.URL(), credentials...)
			hides(t, prepared.Header(), credentials...)
		})
	}
}

func toEvil(next http.RoundTripper) http.RoundTripper {
	return inMemory(func(req *http.Request) (*http.Response, error) {
		own := req.Clone(req.Context())
		own.URL.Host = "evil.example"
		return next.RoundTrip(own)
	})
}

func cutBody(req *http.Request) *http.Response {
	resp := response(req, 200, "", "Content-Type", "application/json")
	resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), failingReader{io.ErrUnexpectedEOF}))
	return resp
}

// What a call gives back beside the model holds no credential.
func TestR43Response(t *testing.T) {
	c := newClient(t, "https://api.example.com", crest.WithTransport(fixed(200, thingJSON, "Content-Type", "application/json")), crest.WithBearer(crest.NewSecret("mk-bearer")))
	model := markers{Path: crest.NewSecret("mk-path"), Query: crest.NewSecret("mk-query"), Header: crest.NewSecret("mk-header"), Cookie: crest.NewSecret("mk-cookie"), Pass: crest.NewSecret("mk-body")}
	r, err := crest.Post[markers, thing]("/{tenant}/login").Do(t.Context(), c, model)
	require.NoError(t, err)
	hides(t, r, "mk-")
	hides(t, *r, "mk-")
	hides(t, r.URL.String(), "mk-")
	hides(t, r.RequestHeader, "mk-")
}
