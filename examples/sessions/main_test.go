package main

import (
	"bytes"
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/crest-go/crest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun(t *testing.T) {
	s, err := demonstration()
	require.NoError(t, err)
	var out bytes.Buffer
	start := time.Now()
	require.NoError(t, run(t.Context(), &out, s), out.String())
	require.Less(t, time.Since(start), 5*time.Second, "nobody wants to wait longer")
	require.NotContains(t, out.String(), "WRONG")
	require.Contains(t, out.String(), "\nAll ")
	for _, secret := range []string{password, token, apiKey, proxyPassword, sessionPrefix} {
		require.NotContains(t, out.String(), secret)
	}
}

// A tour that could not fail would show nothing: each of these clients and servers breaks one promise.
func TestRunNoticesWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		wrong func(s *setting)
		says  string
	}{
		"a client takes its credentials along": {
			withClient(crest.WithRedirects(crest.Redirects{Keep: func(_, _ *url.URL, _ string) bool { return true }})),
			"WRONG     the foreign server got: [Authorization, X-Api-Key]",
		},
		"a client shows a token in a header of another name": {
			withClient(crest.WithMiddleware(header("X-Debug", token))),
			"WRONG     the foreign server got: [elsewhere in the request]",
		},
		"the foreign server is another port of the same host": {
			func(s *setting) { s.foreignHost = "127.0.0.1" },
			"WRONG     the foreign server got: [Cookie]",
		},
		"a client says the proxy's password to the server": {
			withClient(crest.WithMiddleware(header("X-Debug", proxyPassword))),
			"WRONG     the server got: [Authorization, elsewhere in the request]",
		},
		"a proxy sends its password on": {
			func(s *setting) { s.forward = tellingProxy() },
			"WRONG     the server got: [Proxy-Authorization]",
		},
		"a client passes the proxy by": {
			withClient(crest.WithProxy(nil)),
			`WRONG     the proxy was asked once for: ""`,
		},
		"a login sets no cookie": {
			func(s *setting) { s.api = without("Set-Cookie", s.api) },
			"WRONG     cookies in the jar: 0",
		},
		"a session is lost with the restart": {
			func(s *setting) { s.api = forgetful(s.api) },
			`WRONG     the API still knows: ""`,
		},
		"a client asks more than it was told to": {
			withClient(crest.WithMiddleware(twice)),
			`WRONG     all that it was asked: "GET /account, GET /account"`,
		},
		"a pin is of the server's key after all": {
			func(s *setting) { s.stranger = s.server },
			"WRONG     requests that the server saw: 1",
		},
		"no pin is of the server's key": {
			func(s *setting) { s.server = &identity{s.server.certificate, s.server.roots, s.stranger.pin} },
			"WRONG     the server got: []",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := demonstration()
			require.NoError(t, err)
			test.wrong(&s)
			var out bytes.Buffer
			err = run(t.Context(), &out, s)
			require.ErrorContains(t, err, "expectations were not met")
			require.Contains(t, out.String(), test.says)
			require.NotContains(t, out.String(), "\nAll ")
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	s, err := demonstration()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	require.Error(t, run(ctx, &out, s))
	require.NotContains(t, out.String(), "All ")
}
