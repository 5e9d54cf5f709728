package crest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// D6: the method of the next request, by default, by the rules of requests, and by a function of one's own.
func TestRedirectMethods(t *testing.T) {
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	own := crest.Redirects{Method: func(status int, method string) string {
		if status == 307 {
			return "" // as by default
		}
		return "PUT"
	}}
	for name, tt := range map[string]struct {
		rules crest.Redirects
		want  map[int]string // status → the methods after each of methods
	}{
		"default": {crest.Redirects{}, map[int]string{
			301: "GET HEAD GET PUT PATCH DELETE OPTIONS", 302: "GET HEAD GET PUT PATCH DELETE OPTIONS", 303: "GET HEAD GET GET GET GET GET",
			307: "GET HEAD POST PUT PATCH DELETE OPTIONS", 308: "GET HEAD POST PUT PATCH DELETE OPTIONS",
		}},
		"aiohttp": {crest.AiohttpRedirects(), map[int]string{
			301: "GET HEAD GET PUT PATCH DELETE OPTIONS", 302: "GET HEAD GET PUT PATCH DELETE OPTIONS", 303: "GET HEAD GET GET GET GET GET",
			307: "GET HEAD POST PUT PATCH DELETE OPTIONS", 308: "GET HEAD POST PUT PATCH DELETE OPTIONS",
		}},
		"requests": {crest.RequestsRedirects(), map[int]string{
			301: "GET HEAD GET PUT PATCH DELETE OPTIONS", 302: "GET HEAD GET GET GET GET GET", 303: "GET HEAD GET GET GET GET GET",
			307: "GET HEAD POST PUT PATCH DELETE OPTIONS", 308: "GET HEAD POST PUT PATCH DELETE OPTIONS",
		}},
		"own": {own, map[int]string{301: "PUT PUT PUT PUT PUT PUT PUT", 307: "GET HEAD POST PUT PATCH DELETE OPTIONS"}},
	} {
		for status, want := range tt.want {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				var got []string
				for _, method := range methods {
					rec := each(moved(status, "/next"), ended(200))
					c := newClient(t, "https://a.example", crest.WithTransport(rec))
					r, err := crest.NewEndpoint[crest.Empty, crest.Empty](method, "/x", crest.WithRedirects(tt.rules)).Do(t.Context(), c, crest.Empty{})
					require.NoError(t, err)
					require.Equal(t, []string{method, r.Method}, rec.methods())
					require.Equal(t, method, r.History[0].Method)
					got = append(got, r.Method)
				}
				require.Equal(t, want, strings.Join(got, " "))
			})
		}
	}
}

// The second hop starts from the first one's request: what became GET stays GET.
func TestRedirectMethodsOfAChain(t *testing.T) {
	rec := each(moved(303, "/2"), moved(307, "/3"), ended(200))
	c := newClient(t, "https://a.example", crest.WithTransport(rec))
	_, err := crest.Post[bodyRequest, thing]("/1").Call(t.Context(), c, bodyRequest{Body: []byte("x")})
	require.NoError(t, err)
	require.Equal(t, []string{"POST", "GET", "GET"}, rec.methods())
	require.Equal(t, []string{"x", "", ""}, []string{rec.all[0].body, rec.all[1].body, rec.all[2].body})
}

type bodyRequest struct{ Body []byte }

// R12, D7: how many are followed, at each level. The error comes with the answer that is one too many; its history has the others.
func TestR12Max(t *testing.T) {
	levels := map[string]func(r crest.Redirects) (crest.ClientOption, crest.EndpointOption, crest.CallOption){
		"client": func(r crest.Redirects) (crest.ClientOption, crest.EndpointOption, crest.CallOption) {
			return crest.WithRedirects(r), nil, nil
		},
		"endpoint": func(r crest.Redirects) (crest.ClientOption, crest.EndpointOption, crest.CallOption) {
			return farther(r, 99), crest.WithRedirects(r), nil
		},
		"call": func(r crest.Redirects) (crest.ClientOption, crest.EndpointOption, crest.CallOption) {
			return farther(r, -1), farther(r, 99), crest.WithRedirects(r)
		},
	}
	for name, tt := range map[string]struct {
		rules crest.Redirects
		chain int
		ok    bool
		sent  int
	}{
		"none, 0":               {crest.Redirects{Max: -1}, 0, true, 1},
		"none, 1":               {crest.Redirects{Max: -1}, 1, false, 1},
		"1, 1":                  {crest.Redirects{Max: 1}, 1, true, 2},
		"1, 2":                  {crest.Redirects{Max: 1}, 2, false, 2},
		"3, 3":                  {crest.Redirects{Max: 3}, 3, true, 4},
		"3, 4":                  {crest.Redirects{Max: 3}, 4, false, 4},
		"aiohttp, 9":            {crest.AiohttpRedirects(), 9, true, 10},
		"aiohttp, 10":           {crest.AiohttpRedirects(), 10, false, 10},
		"requests, 30":          {crest.RequestsRedirects(), 30, true, 31},
		"requests, 31":          {crest.RequestsRedirects(), 31, false, 31},
		"default, 10":           {crest.Redirects{}, 10, true, 11},
		"default, 11":           {crest.Redirects{}, 11, false, 11},
		"default, without ends": {crest.Redirects{}, 1 << 30, false, 11},
	} {
		for level, options := range levels {
			t.Run(name+"/"+level, func(t *testing.T) {
				rec := chain(tt.chain)
				ofClient, ofEndpoint, ofCall := options(tt.rules)
				c := newClient(t, "https://a.example", crest.WithTransport(rec), ofClient)
				got, err := crest.Get[crest.Empty, thing]("/thing", ofEndpoint).Do(t.Context(), c, crest.Empty{}, ofCall)
				require.Len(t, rec.all, tt.sent)
				switch {
				case tt.ok:
					require.NoError(t, err)
					require.Len(t, got.History, tt.chain)
				case tt.rules.Max < 0:
					failed := fails(t, err, crest.ErrStatus, "", crest.SentYes)
					require.ErrorIs(t, err, crest.Status(302))
					require.Empty(t, failed.History)
				default:
					failed := refusedRedirect(t, err)
					require.Len(t, failed.History, tt.sent-1)
					require.ErrorContains(t, err, fmt.Sprintf("more than %d redirects", tt.sent-1))
					require.Equal(t, "https://a.example/"+fmt.Sprint(tt.sent-1), failed.URL)
				}
			})
		}
	}
}

// farther says something else at a farther level, unless r would inherit it.
func farther(r crest.Redirects, limit int) crest.Option {
	if r.Max == 0 {
		limit = 0
	}
	return crest.WithRedirects(crest.Redirects{Max: limit})
}

// chain answers n times with a redirect to a path that counts.
func chain(n int) *recorder {
	r := &recorder{}
	r.answer = func(req *http.Request) *http.Response {
		if len(r.all) <= n {
			return response(req, 302, "", "Location", fmt.Sprint("/", len(r.all)))
		}
		return ended(200)(req)
	}
	return r
}

// Nearest wins, field by field; what a farther level refuses or allows stays so.
func TestRedirectLevels(t *testing.T) {
	follows := func(client, call crest.Redirects, target string, n int) error {
		rec := chain(n)
		rec.answer = func(answer func(*http.Request) *http.Response) func(*http.Request) *http.Response {
			return func(req *http.Request) *http.Response {
				resp := answer(req)
				if target != "" && resp.StatusCode == 302 {
					resp.Header.Set("Location", target)
				}
				return resp
			}
		}(rec.answer)
		c := newClient(t, "https://a.example", crest.WithTransport(rec), crest.WithRedirects(client))
		_, err := getThing.Call(t.Context(), c, crest.Empty{}, crest.WithRedirects(call))
		return err
	}
	require.NoError(t, follows(crest.Redirects{Max: 3}, crest.Redirects{}, "", 3))
	refusedRedirect(t, follows(crest.Redirects{Max: 3}, crest.Redirects{Downgrade: true}, "", 4))
	require.NoError(t, follows(crest.Redirects{Max: -1}, crest.Redirects{Max: 4}, "", 4))
	fails(t, follows(crest.Redirects{Max: -1}, crest.Redirects{SameOrigin: true}, "", 1), crest.ErrStatus, "", crest.SentYes)
	refusedRedirect(t, follows(crest.Redirects{SameOrigin: true}, crest.Redirects{Max: 5}, "https://b.example/", 1))
	require.NoError(t, follows(crest.Redirects{Downgrade: true}, crest.Redirects{Max: 5}, "http://b.example/", 1))
	stop := func(*url.URL, []crest.Hop) error { return errors.New("not today") }
	refusedRedirect(t, follows(crest.Redirects{Check: stop}, crest.Redirects{Max: 5}, "", 1))
	require.NoError(t, follows(crest.Redirects{Check: stop}, crest.Redirects{Check: func(*url.URL, []crest.Hop) error { return nil }}, "", 1))
}

// D8: HEAD follows where somebody asked for redirects, at any level.
func TestHEADAndRedirects(t *testing.T) {
	head := crest.Head[crest.Empty, crest.Empty]("/x")
	rec := each(moved(302, "/next"), ended(200))
	c := newClient(t, "https://a.example", crest.WithTransport(rec))
	_, err := head.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.Status(302))
	require.Empty(t, callError(t, err).History)
	require.Equal(t, []string{"HEAD"}, rec.methods())

	for name, rules := range map[string]crest.Redirects{"zero": {}, "max": {Max: 1}} {
		rec := each(moved(302, "/next"), ended(200))
		c := newClient(t, "https://a.example", crest.WithTransport(rec), crest.WithRedirects(rules))
		r, err := head.Do(t.Context(), c, crest.Empty{})
		require.NoError(t, err, name)
		require.Len(t, r.History, 1)
		require.Equal(t, []string{"HEAD", "HEAD"}, rec.methods())
	}
}

// What is an answer, although it says 3xx, or has a Location.
func TestAnswersThatAreNotFollowed(t *testing.T) {
	for name, tt := range map[string]struct {
		status   int
		location string
		opts     []crest.ClientOption
		ok       bool
	}{
		"declared":                {302, "/next", []crest.ClientOption{crest.WithSuccess(200, 302)}, true},
		"declared, no Location":   {302, "", []crest.ClientOption{crest.WithSuccess(200, 302)}, true},
		"any status, no Location": {302, "", []crest.ClientOption{crest.WithSuccess(crest.AnyStatus)}, true},
		"no Location":             {302, "", nil, false},
		"empty Location":          {307, " ", nil, false},
		"300":                     {300, "/next", nil, false},
		"304":                     {304, "/next", nil, false},
		"305":                     {305, "/next", nil, false},
		"306":                     {306, "/next", nil, false},
		"309":                     {309, "/next", nil, false},
		"201":                     {201, "/next", nil, true},
		"200":                     {200, "/next", nil, true},
		"404":                     {404, "/next", nil, false},
		"none is followed":        {302, "/next", []crest.ClientOption{crest.WithRedirects(crest.Redirects{Max: -1})}, false},
		"target is nowhere": {302, "/next", []crest.ClientOption{crest.WithRedirects(crest.Redirects{
			Target: func(*http.Response) string { return "" },
		})}, false},
	} {
		t.Run(name, func(t *testing.T) {
			rec := each(func(req *http.Request) *http.Response {
				resp := ended(tt.status)(req)
				if tt.location != "" {
					resp.Header.Set("Location", strings.TrimSpace(tt.location))
				}
				return resp
			})
			r, err := follow(t, rec, tt.opts...)
			require.Len(t, rec.all, 1)
			if tt.ok {
				require.NoError(t, err)
				require.Equal(t, tt.status, r.StatusCode)
				require.Empty(t, r.History)
				return
			}
			fails(t, err, crest.ErrStatus, "", crest.SentYes)
			require.ErrorIs(t, err, crest.Status(tt.status))
			answer, ok := errors.AsType[*crest.Error](err)
			require.True(t, ok)
			require.Equal(t, thingJSON, string(answer.Body))
		})
	}

	// Any status says that each answer is a success, not that none is followed.
	r, err := follow(t, each(moved(302, "/next"), ended(200)), crest.WithSuccess(crest.AnyStatus))
	require.NoError(t, err)
	require.Len(t, r.History, 1)
}

// Target can lead from any answer; what it says is held to the same rules.
func TestRedirectTarget(t *testing.T) {
	refresh := crest.WithRedirects(crest.Redirects{Target: func(resp *http.Response) string { return resp.Header.Get("X-Next") }})
	from := func(next string) func(*http.Request) *http.Response {
		return func(req *http.Request) *http.Response {
			return response(req, 200, "", "X-Next", next, "Location", "/wrong")
		}
	}
	r, err := follow(t, each(from("/next"), ended(200)), refresh)
	require.NoError(t, err)
	require.Equal(t, "https://a.example/next", r.URL.String())
	require.Equal(t, 200, r.History[0].StatusCode)
	for _, bad := range []string{"file:///x", "http://a.example/", "https://u:p@a.example/", "/" + strings.Repeat("x", 9000)} {
		_, err = follow(t, each(from(bad), ended(200)), refresh)
		refusedRedirect(t, err)
	}
	rec := each(from("https://b.example/"), ended(200))
	_, err = follow(t, rec, refresh, crest.WithBearer(crest.NewSecret("s3cr3t")))
	require.NoError(t, err)
	require.Empty(t, rec.all[1].Header.Get("Authorization"))
}
