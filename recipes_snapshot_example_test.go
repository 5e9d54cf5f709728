package crest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// recipe: snapshot
// ShopConfig is what an SDK's client is made of. It can be stored and read again; the secret is not stored.
type ShopConfig struct {
	BaseURL  string            `json:"base_url"`
	Language string            `json:"language"`
	Headers  map[string]string `json:"headers,omitempty"`
	Timeout  time.Duration     `json:"timeout"`
	Token    crest.Secret      `json:"-"`
}

// NewShop makes a client from a config. More options derive another client from the same one.
func NewShop(cfg ShopConfig, more ...crest.ClientOption) (*crest.Client[*crest.Problem], error) {
	opts := []crest.ClientOption{crest.WithHeader("Accept-Language", cfg.Language), crest.WithTimeout(cfg.Timeout)}
	for name, value := range cfg.Headers {
		opts = append(opts, crest.WithHeader(name, value))
	}
	if !cfg.Token.IsZero() {
		opts = append(opts, crest.WithBearer(cfg.Token))
	}
	return crest.New[*crest.Problem](cfg.BaseURL, append(opts, more...)...)
}

// end of recipe

func Example_snapshot() {
	cfg := ShopConfig{BaseURL: "https://shop.example/v1", Language: "de", Timeout: time.Minute, Token: crest.NewSecret("s3cr3t")}
	stored, _ := json.Marshal(cfg)
	fmt.Println(string(stored))

	var again ShopConfig
	_ = json.Unmarshal(stored, &again)
	again.Token = crest.NewSecret("s3cr3t") // from where secrets are kept
	c, err := NewShop(again, crest.WithQuery("currency", "EUR"))
	if err != nil {
		fmt.Println(err)
		return
	}
	p, _ := crest.Get[crest.Empty, any]("/articles").Prepare(context.Background(), c, crest.Empty{})
	fmt.Println(p.Method(), p.URL(), p.Header().Get("Accept-Language"))
	// Output:
	// {"base_url":"https://shop.example/v1","language":"de","timeout":60000000000}
	// GET https://shop.example/v1/articles?currency=EUR de
}

// Five calls of a client and of the one that was made from its stored config are the same requests.
func TestRecipeSnapshot(t *testing.T) {
	type article struct {
		ID   int    `path:"id"`
		Lang string `header:"X-Lang,omitzero"`
		Page int    `query:"page,omitzero"`
	}
	cfg := ShopConfig{BaseURL: "https://shop.example/v1", Language: "de", Headers: map[string]string{"X-Shop": "7"}, Timeout: time.Minute, Token: crest.NewSecret("s3cr3t")}
	stored, err := json.Marshal(cfg)
	require.NoError(t, err)
	require.False(t, strings.Contains(string(stored), "s3cr3t"))
	var again ShopConfig
	require.NoError(t, json.Unmarshal(stored, &again))
	endpoint := crest.Get[article, any]("/articles/{id}")
	first, err := NewShop(cfg)
	require.NoError(t, err)
	second, err := NewShop(again)
	require.NoError(t, err)
	for i := 1; i <= 5; i++ {
		model := article{ID: i, Page: i % 2, Lang: strings.Repeat("x", i%3)}
		a, err := endpoint.Prepare(t.Context(), first, model)
		require.NoError(t, err)
		b, err := endpoint.Prepare(t.Context(), second, model)
		require.NoError(t, err)
		require.Equal(t, a.URL().String(), b.URL().String())
		require.Equal(t, a.Header(), b.Header())
		require.Equal(t, http.MethodGet, b.Method())
	}
}
