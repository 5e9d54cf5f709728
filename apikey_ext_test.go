package crest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

const keyText = "k3y/+ &=text"

// apiKeys are the places of a key, each with the option and how it is read and removed.
var apiKeys = map[string]struct {
	option, without crest.Option
	read            func(h http.Header, u *url.URL) string
}{
	"header": {
		crest.WithAPIKey("x-api-key", crest.NewSecret(keyText)), crest.WithoutHeader("X-Api-Key"),
		func(h http.Header, _ *url.URL) string { return h.Get("X-Api-Key") },
	},
	"query": {
		crest.WithQueryKey("api_key", crest.NewSecret(keyText)), crest.WithoutQuery("api_key"),
		func(_ http.Header, u *url.URL) string { return u.Query().Get("api_key") },
	},
}

// R43: a key is on the wire and nowhere else, given at whatever level.
func TestAPIKeys(t *testing.T) {
	for name, tt := range apiKeys {
		levels(t, name, tt.option, func(t *testing.T, client crest.ClientOption, endpoint crest.EndpointOption, call crest.CallOption) {
			watched := 0
			watch := func(next http.RoundTripper) http.RoundTripper {
				return inMemory(func(req *http.Request) (*http.Response, error) {
					watched++
					require.Empty(t, tt.read(req.Header, req.URL))
					resp, err := next.RoundTrip(req)
					require.Empty(t, tt.read(req.Header, req.URL))
					return resp, err
				})
			}
			rec := &recorder{answer: func(req *http.Request) *http.Response {
				if req.URL.Path == "/x" {
					return response(req, 302, "", "Location", "/y?api_key="+url.QueryEscape(keyText)) // the server repeats what it was sent
				}
				return response(req, 500, "")
			}}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithMiddleware(watch), client)
			prepared, err := crest.Get[crest.Empty, crest.Empty]("/x", endpoint).Prepare(t.Context(), c, crest.Empty{}, call)
			require.NoError(t, err)
			require.Empty(t, tt.read(prepared.Header(), prepared.URL()))
			_, err = prepared.Send(t.Context())
			failed := fails(t, err, crest.ErrStatus, "", crest.SentYes)
			require.Len(t, failed.History, 1)
			for _, text := range []string{
				fmt.Sprintf("%v %+v %#v %v %+v", err, err, failed, failed.History, failed.History), failed.URL, failed.History[0].URL,
				fmt.Sprintf("%+v %#v", c, prepared), fmt.Sprintf("%+v %#v", tt.option, tt.option),
			} {
				require.NotContains(t, text, "k3y")
			}
			require.Equal(t, 2, watched)
			require.Len(t, rec.all, 2)
			for _, req := range rec.all {
				require.Equal(t, keyText, tt.read(req.Header, req.URL))
				if name == "query" {
					require.Len(t, req.URL.Query()["api_key"], 1)
				}
			}
		})
	}
}

// The nearest level wins, with a key or without one.
func TestAPIKeyLevels(t *testing.T) {
	for name, tt := range apiKeys {
		near := crest.Option(crest.WithAPIKey("X-API-KEY", crest.NewSecret("nearer")))
		plain := crest.Option(crest.WithHeader("X-Api-Key", "plain"))
		if name == "query" {
			near, plain = crest.WithQueryKey("api_key", crest.NewSecret("nearer")), crest.WithQuery("api_key", "plain")
		}
		for what, levels := range map[string]struct {
			client, endpoint, call crest.Option
			want                   string
		}{
			"endpoint over client":      {tt.option, near, nil, "nearer"},
			"call over client":          {tt.option, nil, near, "nearer"},
			"call over endpoint":        {nil, near, tt.option, keyText},
			"plain over key":            {tt.option, nil, plain, "plain"},
			"key over plain":            {plain, nil, tt.option, keyText},
			"removed by the endpoint":   {tt.option, tt.without, nil, ""},
			"removed by the call":       {nil, tt.option, tt.without, ""},
			"removed, and another":      {tt.option, tt.without, near, "nearer"},
			"removed by the client too": {tt.without, tt.option, nil, keyText},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				rec := &recorder{}
				c := newClient(t, "https://api.example.com", crest.WithTransport(rec), levels.client)
				_, err := crest.Get[crest.Empty, crest.Empty]("/x", levels.endpoint).Call(t.Context(), c, crest.Empty{}, levels.call)
				require.NoError(t, err)
				got := rec.last(t)
				require.Equal(t, levels.want, tt.read(got.Header, got.URL))
				require.LessOrEqual(t, len(got.Header["X-Api-Key"])+len(got.URL.Query()["api_key"]), 1)
			})
		}
	}
}

// A model's own field beats client and endpoint, the call beats the model.
func TestAPIKeysAndModels(t *testing.T) {
	type request struct {
		Header string       `header:"X-Api-Key,omitzero"`
		Query  crest.Secret `query:"api_key,omitzero"`
	}
	read := func(req seen) string { return req.Header.Get("X-Api-Key") + " " + req.URL.Query().Get("api_key") }
	header, query := apiKeys["header"].option, apiKeys["query"].option
	model := request{"model", crest.NewSecret("model")}
	for name, tt := range map[string]struct {
		client, call []crest.Option
		model        request
		want         string
	}{
		"client":        {[]crest.Option{header, query}, nil, model, "model model"},
		"call":          {nil, []crest.Option{header, query}, model, keyText + " " + keyText},
		"empty model":   {[]crest.Option{header, query}, nil, request{}, keyText + " " + keyText},
		"removed, call": {[]crest.Option{header, query}, []crest.Option{apiKeys["header"].without, apiKeys["query"].without}, model, " "},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			client := []crest.ClientOption{crest.WithTransport(rec)}
			for _, o := range tt.client {
				client = append(client, o)
			}
			var call []crest.CallOption
			for _, o := range tt.call {
				call = append(call, o)
			}
			_, err := crest.Get[request, crest.Empty]("/x").Call(t.Context(), newClient(t, "https://api.example.com", client...), tt.model, call...)
			require.NoError(t, err)
			got := rec.last(t)
			require.Equal(t, tt.want, read(got))
			require.LessOrEqual(t, len(got.URL.Query()["api_key"]), 1)
			require.LessOrEqual(t, len(got.Header["X-Api-Key"]), 1)
		})
	}
}

// R1, R52: keys stay at their origin, and are refused over plain http. What an option of the call says is meant for the call's URL.
func TestR1APIKeysStayHome(t *testing.T) {
	for name, tt := range apiKeys {
		for _, target := range []string{"https://evil.example/x", "https://api.example.com:8443/x", "https://x.api.example.com/"} {
			levels(t, name+", "+target, tt.option, func(t *testing.T, client crest.ClientOption, endpoint crest.EndpointOption, call crest.CallOption) {
				rec := &recorder{}
				c := newClient(t, "https://api.example.com", crest.WithTransport(rec), client)
				e := crest.Get[crest.Empty, crest.Empty]("/x", endpoint)
				_, err := e.Call(t.Context(), c, crest.Empty{}, call, crest.WithURL(target))
				require.NoError(t, err)
				got := rec.last(t)
				require.Equal(t, call != nil, tt.read(got.Header, got.URL) == keyText)

				rec.answer = func(req *http.Request) *http.Response {
					if req.URL.Path == "/x" && req.URL.Host == "api.example.com" {
						return response(req, 302, "", "Location", target)
					}
					return response(req, 204, "")
				}
				_, err = e.Call(t.Context(), c, crest.Empty{}, call)
				require.NoError(t, err)
				got = rec.last(t)
				require.Equal(t, target, got.URL.String())
				require.Empty(t, tt.read(got.Header, got.URL))
			})
		}
		t.Run(name+", plain", func(t *testing.T) {
			_, err := crest.New[*failure]("http://api.example.com", tt.option)
			require.ErrorContains(t, err, "WithPlainCredentials")
			_, err = crest.New[*failure]("http://api.example.com", tt.option, crest.WithPlainCredentials())
			require.NoError(t, err)
			rec := &recorder{}
			c := newClient(t, "http://api.example.com", crest.WithTransport(rec))
			_, err = ping.Call(t.Context(), c, crest.Empty{}, tt.option)
			fails(t, err, crest.ErrCredentials, "", crest.SentNo)
			rec.none(t)
		})
	}
}

// Mistakes are found at once, and their errors do not show the key.
func TestAPIKeyMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		option crest.ClientOption
		want   string
	}{
		"no name":         {crest.WithAPIKey("", crest.NewSecret("k3y")), "cannot be sent as a header"},
		"bad name":        {crest.WithAPIKey("X Key", crest.NewSecret("k3y")), "cannot be sent as a header"},
		"newline":         {crest.WithAPIKey("X-Key", crest.NewSecret("k3y\r\nEvil: 1")), "cannot be sent as a header"},
		"white space":     {crest.WithAPIKey("X-Key", crest.NewSecret(" k3y ")), "cannot be sent as a header"},
		"empty":           {crest.WithAPIKey("X-Key", crest.Secret{}), "the key is empty"},
		"transport's":     {crest.WithAPIKey("Proxy-Authorization", crest.NewSecret("k3y")), "cannot be sent as a header"},
		"Host":            {crest.WithAPIKey("host", crest.NewSecret("k3y")), "this header holds no key"},
		"Cookie":          {crest.WithAPIKey("cookie", crest.NewSecret("k3y")), "a Secret field with a cookie tag"},
		"query, no name":  {crest.WithQueryKey("", crest.NewSecret("k3y")), "the name is empty"},
		"query, no value": {crest.WithQueryKey("key", crest.Secret{}), "the key is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := crest.New[*failure]("https://api.example.com", tt.option)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "k3y")
		})
	}
}
