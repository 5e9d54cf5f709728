package crest_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// Keep opens named headers, for the origins that it says. It is asked for whatever would be left behind and for nothing else.
func TestRedirectKeep(t *testing.T) {
	type model struct {
		Query  crest.Secret `query:"key"`
		Header crest.Secret `header:"X-Field"`
		Cookie crest.Secret `cookie:"sid"`
	}
	all := []string{"Authorization", "X-Field", "Cookie", "X-Client-Key", "Idempotency-Key"}
	for name, tt := range map[string]struct {
		base, target string
		keep         []string
		want         []string // of all
	}{
		"nothing":        {"https://a.example", "https://b.example/", nil, nil},
		"authorization":  {"https://a.example", "https://b.example/", []string{"Authorization"}, []string{"Authorization"}},
		"secret header":  {"https://a.example", "https://b.example/", []string{"X-Field"}, []string{"X-Field"}},
		"cookies":        {"https://a.example", "https://b.example/", []string{"Cookie"}, []string{"Cookie"}},
		"header":         {"https://a.example", "https://b.example/", []string{"X-Client-Key", "Idempotency-Key"}, []string{"X-Client-Key", "Idempotency-Key"}},
		"everything":     {"https://a.example", "https://a.example:8443/", all, all},
		"up":             {"http://localhost", "https://a.example/", all, all},
		"never down":     {"https://a.example", "http://localhost/", all, nil},
		"not elsewhere":  {"https://a.example", "https://c.example/", all, nil},
		"the own origin": {"https://a.example", "/", nil, all},
	} {
		t.Run(name, func(t *testing.T) {
			asked := map[string]bool{}
			keep := func(from, to *url.URL, header string) bool {
				require.Equal(t, tt.base, from.Scheme+"://"+from.Host)
				asked[header] = true
				return to.Host != "c.example" && slices.Contains(tt.keep, header)
			}
			rec := each(moved(302, tt.target), ended(200))
			c := newClient(t, tt.base, crest.WithTransport(rec), crest.WithRedirects(crest.Redirects{Keep: keep, Downgrade: true}), crest.WithCookie("own", "1"),
				crest.WithBearer(crest.NewSecret("s3cr3t")), crest.WithHeader("X-Client-Key", "1"), crest.WithIdempotencyKey(crest.IdempotencyKey{}))
			_, err := crest.Post[model, thing]("/thing").Call(t.Context(), c, model{crest.NewSecret("q"), crest.NewSecret("h"), crest.NewSecret("c")})
			require.NoError(t, err)
			var got []string
			for _, header := range all {
				require.NotEmpty(t, rec.all[0].Header.Get(header), header)
				if rec.all[1].Header.Get(header) != "" {
					got = append(got, header)
				}
			}
			require.Equal(t, tt.want, got)
			require.Equal(t, strings.HasPrefix(tt.target, "/"), strings.Contains(rec.all[1].URL.RawQuery, "key=q"), "a key of the query has no header to name it")
			require.NotContains(t, asked, "Accept")
			if name == "everything" || name == "not elsewhere" {
				require.ElementsMatch(t, all, slices.Collect(maps.Keys(asked)))
			}
			if slices.Contains(got, "Cookie") {
				require.Equal(t, "own=1; sid=c", rec.all[1].Header.Get("Cookie"))
			}
		})
	}
}

// What Keep let through once is left behind at the next origin, where it does not say so again.
func TestRedirectKeepIsForOneStep(t *testing.T) {
	rec := each(moved(302, "https://b.example/"), moved(302, "https://c.example/"), moved(302, "https://a.example/"), ended(200))
	_, err := follow(t, rec, crest.WithBearer(crest.NewSecret("s3cr3t")), crest.WithRedirects(crest.Redirects{
		Keep: func(from, to *url.URL, _ string) bool { return to.Host == "b.example" },
	}))
	require.NoError(t, err)
	var saw []bool
	for _, s := range rec.all {
		saw = append(saw, s.Header.Get("Authorization") != "")
	}
	require.Equal(t, []bool{true, true, false, false}, saw)
}

// The exception of requests: from http to https of one host, both at their default ports, and Authorization alone.
func TestRequestsRedirectsKeep(t *testing.T) {
	for name, tt := range map[string]struct {
		base, target string
		kept         bool
	}{
		"up":                {"http://a.localhost", "https://a.localhost/", true},
		"up, ports spelled": {"http://a.localhost:80", "https://A.localhost:443/", true},
		"other host":        {"http://a.localhost", "https://b.localhost/", false},
		"other port":        {"http://a.localhost", "https://a.localhost:8443/", false},
		"from other port":   {"http://a.localhost:8080", "https://a.localhost/", false},
		"down":              {"https://a.localhost", "http://a.localhost/", false},
	} {
		t.Run(name, func(t *testing.T) {
			rec := each(moved(302, tt.target), ended(200))
			c := newClient(t, tt.base, crest.WithTransport(rec), crest.WithRedirects(crest.RequestsRedirects()),
				crest.WithBearer(crest.NewSecret("s3cr3t")), crest.WithHeader("X-Key", "1"), crest.WithCookie("a", "b"))
			_, err := getThing.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			require.Equal(t, tt.kept, rec.all[1].Header.Get("Authorization") != "")
			require.NotContains(t, rec.all[1].Header, "X-Key")
			require.NotContains(t, rec.all[1].Header, "Cookie")
		})
	}
}

// Check sees each target before it is asked, and what came before it.
func TestRedirectCheck(t *testing.T) {
	var seen []string
	check := func(to *url.URL, history []crest.Hop) error {
		seen = append(seen, fmt.Sprint(to, " ", history))
		_ = append(history, crest.Hop{URL: "scribbled"})
		if to.Host == "b.example" {
			return errNotThere
		}
		return nil
	}
	rec := each(moved(302, "/2"), moved(307, "/3?a=b"), moved(302, "https://b.example/"), ended(200))
	_, err := follow(t, rec, crest.WithRedirects(crest.Redirects{Check: check}))
	failed := refusedRedirect(t, err)
	require.ErrorIs(t, err, errNotThere)
	require.Len(t, rec.all, 3)
	require.Equal(t, []string{
		"https://a.example/2 []",
		"https://a.example/3?a=b [302 GET https://a.example/thing]",
		"https://b.example/ [302 GET https://a.example/thing 307 GET https://a.example/2]",
	}, seen)
	require.Equal(t, "https://a.example/3?a=[redacted]", failed.URL)

	// The error of another call is not taken for this one's.
	_, err = follow(t, each(moved(302, "/2"), ended(200)), crest.WithRedirects(crest.Redirects{Check: func(*url.URL, []crest.Hop) error {
		return &crest.CallError{Step: crest.ErrStatus}
	}}))
	refusedRedirect(t, err)
}

var errNotThere = errors.New("not there")

func TestRedirectSameOrigin(t *testing.T) {
	for target, ok := range map[string]bool{
		"/x": true, "https://A.example.:443/": true, "https://a.example:8443/": false, "https://b.example/": false, "https://sub.a.example/": false, "http://a.example/": false,
	} {
		rec := each(moved(302, target), ended(200))
		_, err := follow(t, rec, crest.WithRedirects(crest.Redirects{SameOrigin: true, Downgrade: true}))
		if ok {
			require.NoError(t, err, target)
			continue
		}
		refusedRedirect(t, err)
		require.ErrorContains(t, err, "SameOrigin")
		require.Len(t, rec.all, 1)
	}
}

// The history tells the way, and no secret of it when it is printed.
func TestRedirectHistory(t *testing.T) {
	answer := func(status int, location string) func(*http.Request) *http.Response {
		return func(req *http.Request) *http.Response {
			return response(req, status, "", "Location", location, "Set-Cookie", "sid=s3cr3t", "X-N", location)
		}
	}
	rec := each(answer(303, "/2?token=s3cr3t"), answer(307, "https://b.example/3#s3cr3t"), ended(200))
	c := newClient(t, "https://a.example/v1", crest.WithTransport(rec))
	got, err := crest.Post[bodyRequest, thing]("/1").Do(t.Context(), c, bodyRequest{[]byte("x")})
	require.NoError(t, err)
	require.Equal(t, []string{"303 POST https://a.example/v1/1", "307 GET https://a.example/2?token=[redacted]"}, []string{got.History[0].String(), got.History[1].String()})
	require.Equal(t, []string{"/2?token=s3cr3t"}, got.History[0].Header["X-N"])
	require.Equal(t, "GET", got.Method)
	require.Empty(t, got.RequestHeader["Content-Type"], "the last request had no body, and its header is the one that is told")
	require.Equal(t, "https://b.example/3#s3cr3t", got.URL.String())
	require.Len(t, got.Attempts, 1)
	require.Equal(t, 200, got.Attempts[0].StatusCode)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s %q", got.History, got.History, got.History[0], got.History[0], got), "s3cr3t")

	rec = each(answer(302, "/2"), ended(404))
	_, err = follow(t, rec)
	failed := fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.Len(t, failed.History, 1)
	require.Equal(t, "https://a.example/2", failed.URL)
	answered, ok := errors.AsType[*crest.Error](err)
	require.True(t, ok)
	require.Equal(t, []string{"https://a.example/2", "GET"}, []string{answered.URL, answered.Method})
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "s3cr3t")

	// A second call begins without a history.
	got, err = follow(t, each(ended(200)))
	require.NoError(t, err)
	require.Empty(t, got.History)
}
