package crest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type hollowError struct{}

func (*hollowError) Error() string { return "hollow" }

type wrapped struct {
	Tag  string `header:"X-Tag"`
	Body *struct {
		Name string `json:"name"`
	}
}

type blob struct {
	Tag  string `header:"X-Tag"`
	Body []byte
}

// An answer without a body is no fault where the model says that it may be missing.
func TestDecodeWithoutBody(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Tag", "v1")
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	c, err := crest.New[*hollowError](server.URL, crest.WithTransport(server.Client().Transport))
	require.NoError(t, err)

	t.Run("a Body pointer stays nil", func(t *testing.T) {
		got, err := crest.Get[crest.Empty, wrapped]("/").Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, wrapped{Tag: "v1"}, got)
	})
	t.Run("Body bytes stay nil", func(t *testing.T) {
		got, err := crest.Get[crest.Empty, blob]("/").Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, blob{Tag: "v1"}, got)
	})
	t.Run("an error model without fields is there", func(t *testing.T) {
		_, err := crest.Get[crest.Empty, crest.Empty]("/broken").Call(t.Context(), c, crest.Empty{})
		require.ErrorIs(t, err, crest.Status(http.StatusInternalServerError))
		found, ok := c.AsError(err)
		require.True(t, ok)
		require.NotNil(t, found)
	})
}
