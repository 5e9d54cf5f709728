package crest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type commonFields struct {
	Key     crest.Secret      `query:"apiKey,omitzero"`
	Token   crest.Secret      `header:"X-Token,omitzero"`
	Session crest.Secret      `cookie:"session,omitzero"`
	Version string            `header:"X-Version,omitzero" default:"2026-01"`
	Lang    string            `query:"lang,omitzero"`
	Shop    string            `cookie:"shop,omitzero"`
	Tags    []string          `query:"tags,omitzero"`
	Meta    map[string]string `header:"X-Meta-*,omitzero"`
}

func TestDefaults(t *testing.T) {
	type request struct {
		Version string       `header:"X-Version,omitzero"`
		Lang    string       `query:"lang,omitzero"`
		Key     crest.Secret `query:"apiKey,omitzero"`
		Shop    string       `cookie:"shop,omitzero"`
	}
	full := commonFields{
		Key: crest.NewSecret("k"), Token: crest.NewSecret("t"), Session: crest.NewSecret("s"),
		Lang: "en", Shop: "main", Tags: []string{"a", "b c"}, Meta: map[string]string{"A": "1"},
	}
	for name, tt := range map[string]struct {
		client, endpoint any
		model            request
		call             []crest.CallOption
		query, cookie    string
		version, token   []string
	}{
		"zero":           {commonFields{}, nil, request{}, nil, "", "", []string{"2026-01"}, nil},
		"all":            {full, nil, request{}, nil, "lang=en&tags=a&tags=b%20c&apiKey=k", "shop=main; session=s", []string{"2026-01"}, []string{"t"}},
		"pointer":        {&full, nil, request{}, nil, "lang=en&tags=a&tags=b%20c&apiKey=k", "shop=main; session=s", []string{"2026-01"}, []string{"t"}},
		"endpoint wins":  {full, commonFields{Lang: "de", Version: "v2", Key: crest.NewSecret("k2")}, request{}, nil, "lang=de&tags=a&tags=b%20c&apiKey=k2", "shop=main; session=s", []string{"v2"}, []string{"t"}},
		"model wins":     {full, nil, request{Version: "m", Lang: "m", Key: crest.NewSecret("m"), Shop: "m"}, nil, "lang=m&tags=a&tags=b%20c&apiKey=m", "shop=m; session=s", []string{"m"}, []string{"t"}},
		"option wins":    {full, nil, request{}, []crest.CallOption{crest.WithQuery("lang", "o"), crest.WithHeader("X-Version", "o"), crest.WithQuery("apiKey", "o"), crest.WithHeader("X-Token", "o")}, "tags=a&tags=b%20c&lang=o&apiKey=o", "shop=main; session=s", []string{"o"}, []string{"o"}},
		"option removes": {full, nil, request{}, []crest.CallOption{crest.WithoutQuery("lang"), crest.WithoutHeader("X-Version"), crest.WithoutQuery("apiKey"), crest.WithoutHeader("X-Token"), crest.WithoutCookie("session"), crest.WithoutCookie("shop"), crest.WithoutQuery("tags")}, "", "", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			var own []crest.EndpointOption
			if tt.endpoint != nil {
				own = append(own, crest.WithDefaults(tt.endpoint))
			}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithDefaults(tt.client))
			for range 2 { // R26
				_, err := crest.Get[request, crest.Empty]("/x", own...).Call(t.Context(), c, tt.model, tt.call...)
				require.NoError(t, err)
				got := rec.last(t)
				require.Equal(t, tt.query, got.URL.RawQuery)
				require.Equal(t, tt.cookie, got.Header.Get("Cookie"))
				require.ElementsMatch(t, tt.version, got.Header.Values("X-Version"))
				require.ElementsMatch(t, tt.token, got.Header["X-Token"])
			}
		})
	}
}

func TestDefaultsAreCopied(t *testing.T) {
	rec := &recorder{}
	d := &commonFields{Lang: "en"}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithDefaults(d))
	d.Lang = "de"
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, "lang=en", rec.last(t).URL.RawQuery)
	require.Empty(t, d.Version, "the caller's struct got a default")
}

func TestDefaultsMistakes(t *testing.T) {
	var nilPointer *commonFields
	for name, tt := range map[string]struct {
		model any
		want  string
	}{
		"nil":         {nil, "give it a struct"},
		"nil pointer": {nilPointer, "give it a struct"},
		"string":      {"x", "give it a struct"},
		"map":         {map[string]string{}, "give it a struct"},
		"no field":    {crest.Empty{}, "no field"},
		"secret path": {struct {
			ID crest.Secret `path:"id"`
		}{}, "can't be a default"},
		"body": {struct {
			Name string `json:"name"`
			Q    string `query:"q"`
		}{}, "can't be a default"},
		"holder":    {crest.NewDefaults(struct{ Loose string }{}), "WithDefaults"},
		"bad value": {struct{ Q chan int }{}, "WithDefaults"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := crest.New[*failure]("https://api.example.com", crest.WithDefaults(tt.model))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// R20 holds for defaults too, and the error names the field, never the value.
func TestR20DefaultsAreChecked(t *testing.T) {
	evil := commonFields{Version: "marker\r\nEvil: 1"}
	_, err := crest.New[*failure]("https://api.example.com", crest.WithDefaults(evil))
	require.ErrorContains(t, err, "Version")
	require.NotContains(t, err.Error(), "marker")

	rec := &recorder{}
	holder := crest.NewDefaults(commonFields{})
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithDefaults(holder))
	holder.Set(evil)
	_, err = ping.Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
	require.ErrorContains(t, err, "Version")
	require.NotContains(t, err.Error(), "marker")
	rec.none(t)
}

// Each request takes one snapshot: never a mix of old and new.
func TestNewDefaults(t *testing.T) {
	type pair struct {
		A int          `query:"a"`
		B int          `header:"X-B"`
		C crest.Secret `header:"X-C"`
	}
	rec := &recorder{}
	holder := crest.NewDefaults(pair{C: crest.NewSecret("0")})
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithDefaults(holder))
	var running sync.WaitGroup
	running.Go(func() {
		for i := range 200 {
			holder.Set(pair{i, i, crest.NewSecret(fmt.Sprint(i))})
		}
	})
	for range 4 {
		running.Go(func() {
			for range 50 {
				_, _ = ping.Call(context.Background(), c, crest.Empty{})
			}
		})
	}
	running.Wait()
	require.Len(t, rec.all, 200)
	for _, got := range rec.all {
		a := got.URL.Query().Get("a")
		require.Equal(t, []string{a, a}, []string{got.Header.Get("X-B"), got.Header.Get("X-C")})
	}
	require.Equal(t, 199, holder.Get().A)
	var zero crest.Defaults[pair]
	require.Zero(t, zero.Get())
	holder.Set(pair{C: crest.NewSecret("m4rker")})
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", holder, holder, holder), "m4rker")
}
