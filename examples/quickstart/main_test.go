package main

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	upstream "github.com/mccutchen/go-httpbin/v2/httpbin"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), &out, upstream.New())
	require.NoError(t, err, out.String())
	require.NotContains(t, out.String(), "WRONG")
	require.Contains(t, out.String(), "\nAll ")
	require.Equal(t, 1, strings.Count(out.String(), "s3cret"), "only the line of code shows the token")
}

// A tour that could not fail would show nothing: each of these servers breaks one expectation.
func TestRunNoticesWhatIsWrong(t *testing.T) {
	api := upstream.New()
	for name, test := range map[string]struct {
		path  string
		wrong http.HandlerFunc // answers path instead of api
		says  string
	}{
		"a query value is changed": {
			"/get",
			func(w http.ResponseWriter, r *http.Request) {
				r.URL.RawQuery = (url.Values{"name": {"salt"}, "tag": {"red", "blue"}, "since": {"2026-11-05"}}).Encode()
				api.ServeHTTP(w, r)
			},
			`WRONG     name arrived: ["salt"]`,
		},
		"a header is missing": {
			"/response-headers",
			func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Etag", `"v7"`) },
			"WRONG     X-Remaining, an int: 0",
		},
		"a status is another": {
			"/status/418",
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
			"WRONG     *Teapot has a header in it: none",
		},
		"a failure is a success": {
			"/status/503",
			func(http.ResponseWriter, *http.Request) {},
			"WRONG     errors.Is(err, crest.Status(503)): false",
		},
	} {
		t.Run(name, func(t *testing.T) {
			broken := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == test.path {
					test.wrong(w, r)
					return
				}
				api.ServeHTTP(w, r)
			})
			var out bytes.Buffer
			err := run(t.Context(), &out, broken)
			require.ErrorContains(t, err, "expectations were not met")
			require.Contains(t, out.String(), test.says)
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	require.Error(t, run(ctx, &out, upstream.New()))
	require.NotContains(t, out.String(), "All ")
}

func TestShowIsReadable(t *testing.T) {
	for name, test := range map[string]struct {
		value any
		want  string
	}{
		"nil":    {nil, "none"},
		"text":   {"a b", `"a b"`},
		"list":   {[]string{"a", "b c"}, `["a" "b c"]`},
		"number": {7, "7"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, strings.TrimSpace(show(test.value)))
		})
	}
}
