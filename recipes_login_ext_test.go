package crest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// A session that has ended by itself is not begun once more to be left.
func TestRecipeLogoutOfAnEndedSession(t *testing.T) {
	var asked []string
	api := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		switch r.URL.Path {
		case "/login":
			answering(200, `{"token": "t0ken"}`)(w, r)
		case "/logout":
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	a, err := NewAccount("me", crest.NewSecret("s3cret"), crest.WithTransport(api))
	require.NoError(t, err)
	require.NoError(t, a.Close(), "nobody was logged in")
	require.Empty(t, asked)

	a, err = NewAccount("me", crest.NewSecret("s3cret"), crest.WithTransport(api))
	require.NoError(t, err)
	_, err = ping.Call(t.Context(), a, crest.Empty{})
	require.NoError(t, err)
	require.NoError(t, a.Close())
	require.Equal(t, []string{"/login", "/ping", "/logout"}, asked)
}
