package crest_test

import (
	"net/http"
	"net/http/cookiejar"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// The thin path: a redirect within the origin keeps what identifies the caller, and the answer tells its way.
func TestRedirectWithinTheOrigin(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/thing" {
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1"})
			http.Redirect(w, req, "/moved?x=1", http.StatusFound)
			return
		}
		require.Equal(t, "Bearer t", req.Header.Get("Authorization"))
		require.Empty(t, req.Header.Get("Referer"))
		require.Equal(t, "sid=1", req.Header.Get("Cookie"))
		replyJSON(200, thingJSON)(w, req)
	})
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	c := newClient(t, base, crest.WithBearer(crest.NewSecret("t")), crest.WithCookieJar(jar))
	got, err := getThing.Do(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, "Rex", got.Model.Name)
	require.Equal(t, base+"/moved?x=1", got.URL.String())
	require.Len(t, got.History, 1)
	require.Equal(t, 302, got.History[0].StatusCode)
	require.Equal(t, base+"/thing", got.History[0].URL)
	require.Len(t, got.Attempts, 1)
}
