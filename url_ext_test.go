package crest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// A link from an answer often repeats what the request before had. That is sent once, the link's word holds, and what is secret
// in it stays hidden from middleware and errors.
func TestWithURLRepeatsWhatTheClientSays(t *testing.T) {
	type bot struct {
		Token crest.Secret `path:"token"`
		Page  int          `query:"page,omitzero"`
	}
	type defaults struct {
		Lang string `query:"lang"`
	}
	for given, want := range map[string]struct{ sent, shown string }{
		"https://api.example.com/bot/T0K/x?n=1":           {"/bot/T0K/x?n=1&lang=en&v=2&k=K3Y", "/bot/%5Bredacted%5D/x?n=1&lang=en&v=2"},
		"https://api.example.com/x?k=K3Y&n=1":             {"/x?n=1&lang=en&v=2&k=K3Y", "/x?n=1&lang=en&v=2"},
		"https://api.example.com/x?k=theirs":              {"/x?k=theirs&lang=en&v=2", "/x?k=theirs&lang=en&v=2"},
		"https://api.example.com/x?v=3&lang=de":           {"/x?v=3&lang=de&k=K3Y", "/x?v=3&lang=de"},
		"https://api.example.com/x?%76=3&l%61ng":          {"/x?%76=3&l%61ng&k=K3Y", "/x?%76=3&l%61ng"},
		"https://other.example.com/x?n=1":                 {"/x?n=1", "/x?n=1"},
		"https://other.example.com/bot/T0K/x?v=3&k=K3Y":   {"/bot/T0K/x?v=3&k=K3Y", "/bot/T0K/x?v=3&k=K3Y"}, // the caller's own word
		"https://api.example.com/bot/T0K/bot/T0K?lang=de": {"/bot/T0K/bot/T0K?lang=de&v=2&k=K3Y", "/bot/%5Bredacted%5D/bot/%5Bredacted%5D?lang=de&v=2"},
	} {
		t.Run(given, func(t *testing.T) {
			rec := &recorder{answer: func(req *http.Request) *http.Response { return response(req, 404, "") }}
			var shown string
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithQueryKey("k", crest.NewSecret("K3Y")), crest.WithQuery("v", "2"),
				crest.WithDefaults(defaults{"en"}), crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
					return inMemory(func(req *http.Request) (*http.Response, error) {
						shown = req.URL.RequestURI()
						return next.RoundTrip(req)
					})
				}))
			_, err := crest.Get[bot, crest.Empty]("/bot/{token}").Call(t.Context(), c, bot{Token: crest.NewSecret("T0K")}, crest.WithURL(given))
			failed := fails(t, err, crest.ErrStatus, "", crest.SentYes)
			require.Equal(t, want.sent, rec.last(t).URL.RequestURI())
			require.Equal(t, want.shown, shown)
			if strings.HasPrefix(given, "https://api.") {
				require.NotContains(t, failed.URL, "T0K")
				require.NotContains(t, failed.URL, "K3Y")
			}
		})
	}
}
