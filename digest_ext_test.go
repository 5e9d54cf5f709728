package crest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// withDigest is a new option each time: its value remembers what it answered.
func withDigest() crest.Option { return crest.WithDigest(digestUser, crest.NewSecret(digestPassword)) }

type putAny[B any] struct {
	ID   string `path:"id"`
	Body B
}

// Every algorithm with every qop, with and without a body: the server has nothing to say against the answers, and only the first call is challenged.
func TestDigestAlgorithms(t *testing.T) {
	for _, algorithm := range []string{"", "MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess", "SHA-512", "SHA-512-sess"} {
		for _, qop := range []string{"", "auth", "auth-int", "auth-int, auth"} {
			t.Run(algorithm+" "+qop, func(t *testing.T) {
				s := &digestServer{algorithm: algorithm, qop: qop}
				c := newClient(t, serve(t, s.ServeHTTP), withDigest())
				put := crest.Put[putAny[[]byte], thing]("/things/{id}", crest.WithQuery("a", `b "c"`))
				for range 3 {
					_, err := put.Call(t.Context(), c, putAny[[]byte]{"x/y", []byte("body")})
					require.NoError(t, err, s.wrong)
					_, err = getThing.Call(t.Context(), c, crest.Empty{})
					require.NoError(t, err, s.wrong)
				}
				require.Equal(t, 1, s.challenges)
				require.Equal(t, 7, s.requests)
				require.Empty(t, s.wrong)
				require.Equal(t, []string{"body", "body", "", "body", "", "body", ""}, s.bodies)
			})
		}
	}
}

// R086's counter: it rises with each request, from 1 for each nonce.
func TestDigestNonceCount(t *testing.T) {
	s := &digestServer{algorithm: "SHA-256", qop: "auth"}
	c := newClient(t, serve(t, s.ServeHTTP), withDigest())
	for range 3 {
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
	}
	var counts []string
	for _, given := range s.seen {
		counts = append(counts, digestParams(given)["nc"])
	}
	require.Equal(t, []string{"", "00000001", "00000002", "00000003"}, counts)
}

// 64 goroutines that all begin without a nonce and get the same one: no count is used twice with it. The server that hands out a
// new nonce each time gets no count twice either.
func TestDigestConcurrently(t *testing.T) {
	for name, nonce := range map[string]func(int) string{
		"one nonce": nil, "new nonces": func(n int) string { return fmt.Sprint("nonce", n) }, "two in turn": func(n int) string { return fmt.Sprint("nonce", n%2) },
	} {
		t.Run(name, func(t *testing.T) {
			s := &digestServer{algorithm: "SHA-256", qop: "auth", nonce: nonce}
			c := newClient(t, serve(t, s.ServeHTTP), withDigest())
			var running sync.WaitGroup
			for range 64 {
				running.Go(func() {
					for range 4 {
						_, err := getThing.Call(t.Context(), c, crest.Empty{})
						assert.NoError(t, err)
					}
				})
			}
			running.Wait()
			require.Empty(t, s.wrong)
			require.Len(t, s.used, 256)
		})
	}
}

// A nonce that has aged is replaced without a word to the caller: once for the request that had answered already.
func TestDigestStale(t *testing.T) {
	uses := map[string]int{}
	s := &digestServer{algorithm: "SHA-256", qop: "auth", nonce: func(n int) string { return fmt.Sprint("nonce", n) }}
	s.fresh = func(nonce string) bool { uses[nonce]++; return uses[nonce] == 1 && nonce != "nonce1" }
	c := newClient(t, serve(t, s.ServeHTTP), withDigest())
	got, err := getThing.Do(t.Context(), c, crest.Empty{})
	require.NoError(t, err, s.wrong)
	require.Equal(t, 3, s.requests, "challenge, stale, answer")
	require.Equal(t, 401, got.History[0].StatusCode)
	_, err = getThing.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, 5, s.requests, "stale at once, answer")

	s.fresh = func(string) bool { return false }
	_, err = getThing.Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.Equal(t, 8, s.requests, "the old nonce, and two more: there is an end to it")
}

// A wrong password is said once per call: accounts are locked after a few.
func TestDigestWrongPassword(t *testing.T) {
	for name, nonce := range map[string]func(int) string{"one nonce": nil, "new nonces": func(n int) string { return fmt.Sprint(n) }} {
		t.Run(name, func(t *testing.T) {
			s := &digestServer{algorithm: "MD5", qop: "auth", nonce: nonce}
			c := newClient(t, serve(t, s.ServeHTTP), crest.WithDigest(digestUser, crest.NewSecret("wr0ng")))
			for i := range 2 {
				_, err := getThing.Call(t.Context(), c, crest.Empty{})
				failed := fails(t, err, crest.ErrStatus, "", crest.SentYes)
				var answer *crest.Error
				require.ErrorAs(t, err, &answer)
				require.Equal(t, 401, answer.StatusCode)
				require.Len(t, failed.History, 1)
				require.Len(t, failed.Attempts, 1, "a challenge is no retry")
				require.NotContains(t, fmt.Sprintf("%v %+v", err, failed), "wr0ng")
				require.Equal(t, 2*(i+1), s.requests)
				require.Equal(t, i+1, len(s.wrong))
			}
		})
	}
}

// What is not a challenge that can be answered is the answer: no second request.
func TestDigestNotAnswered(t *testing.T) {
	for name, tt := range map[string]struct {
		status  int
		headers []string
	}{
		"on a success":      {200, []string{"Www-Authenticate", `Digest realm="r", nonce="n"`}},
		"on a 403":          {403, []string{"Www-Authenticate", `Digest realm="r", nonce="n"`}},
		"on a 407":          {407, []string{"Proxy-Authenticate", `Digest realm="r", nonce="n"`}},
		"none":              {401, nil},
		"Basic":             {401, []string{"Www-Authenticate", `Basic realm="r"`}},
		"no nonce":          {401, []string{"Www-Authenticate", `Digest realm="r"`}},
		"unknown algorithm": {401, []string{"Www-Authenticate", `Digest realm="r", nonce="n", algorithm=SHA-3`}},
		"too long":          {401, []string{"Www-Authenticate", `Digest realm="` + strings.Repeat("r", 9000) + `", nonce="n"`}},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{answer: func(req *http.Request) *http.Response { return response(req, tt.status, "", tt.headers...) }}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec), withDigest())
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.Equal(t, tt.status == 200, err == nil)
			require.Len(t, rec.all, 1)
		})
	}
	t.Run("401 is a success", func(t *testing.T) {
		rec := &recorder{answer: func(req *http.Request) *http.Response {
			return response(req, 401, "", "Www-Authenticate", `Digest realm="r", nonce="n"`)
		}}
		c := newClient(t, "https://api.example.com", crest.WithTransport(rec), withDigest())
		_, err := ping.Call(t.Context(), c, crest.Empty{}, crest.WithSuccess(401))
		require.NoError(t, err)
		require.Len(t, rec.all, 1)
	})
}

// A transport need not say what it answers: Response.Request is nil.
func TestDigestWithABareTransport(t *testing.T) {
	requests := 0
	c := newClient(t, "https://api.example.com", withDigest(), crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		requests++
		if req.Header.Get("Authorization") == "" {
			return &http.Response{StatusCode: 401, Header: http.Header{"Www-Authenticate": {`Digest realm="r", nonce="n"`}}}, nil
		}
		return &http.Response{StatusCode: 204}, nil
	})))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, 2, requests)
}

// Bodies arrive whole on the request that answers. One that can be read only once is refused before anything is sent.
func TestDigestBodies(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<14)
	for name, tt := range map[string]struct {
		call func(c crest.Caller) error
		qop  string
		ok   bool
		step crest.Step
	}{
		"function":         {putBody(func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(big)), nil }), "auth", true, ""},
		"function, signed": {putBody(func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(big)), nil }), "auth-int", true, ""},
		"bytes, signed":    {putBody([]byte(big)), "auth-int", true, ""},
		"text":             {putBody(big), "auth", true, ""},
		"seeker":           {putBody(io.Reader(strings.NewReader(big))), "auth", true, ""},
		"seeker, signed":   {putBody(io.Reader(strings.NewReader(big))), "auth-int", false, crest.ErrCredentials},
		"reader":           {putBody(io.Reader(bytes.NewBufferString(big))), "auth", false, crest.ErrRequest},
	} {
		t.Run(name, func(t *testing.T) {
			s := &digestServer{algorithm: "SHA-256", qop: tt.qop}
			c := newClient(t, serve(t, s.ServeHTTP), withDigest())
			err := tt.call(c)
			if tt.ok {
				require.NoError(t, err, s.wrong)
				require.Equal(t, []string{big, big}, s.bodies)
				return
			}
			require.ErrorIs(t, err, tt.step)
			if tt.step == crest.ErrRequest {
				require.Zero(t, s.requests)
				require.ErrorContains(t, err, "WithDigest")
			} else {
				require.Equal(t, 1, s.requests)
				require.ErrorContains(t, err, "bytes or as a function")
				require.Equal(t, crest.SentYes, callError(t, err).Sent)
			}
		})
	}
}

func putBody[B any](body B) func(crest.Caller) error {
	put := crest.Put[putAny[B], thing]("/things/{id}")
	return func(c crest.Caller) error {
		_, err := put.Call(context.Background(), c, putAny[B]{"x", body})
		return err
	}
}

// Each request takes a slot, and one that gets none is ErrLimited, with the challenge in its history.
func TestDigestAndTheLimit(t *testing.T) {
	s := &digestServer{algorithm: "SHA-256", qop: "auth"}
	base := serve(t, s.ServeHTTP)
	c := newClient(t, base, withDigest(), crest.WithRateLimit(2, time.Hour))
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	_, err = getThing.Call(t.Context(), c, crest.Empty{}, crest.WithTimeout(time.Minute))
	fails(t, err, crest.ErrLimited, "", crest.SentNo)

	c = newClient(t, base, withDigest(), crest.WithRateLimit(1, time.Hour))
	_, err = getThing.Call(t.Context(), c, crest.Empty{}, crest.WithTimeout(time.Minute))
	failed := fails(t, err, crest.ErrLimited, "", crest.SentYes)
	require.Len(t, failed.History, 1)
	require.Equal(t, 3, s.requests)
}

// R6: what one origin asks for is not answered at another, and no challenge of another is answered at all.
func TestR6DigestStaysAtItsOrigin(t *testing.T) {
	there := &digestServer{algorithm: "SHA-256", qop: "auth"}
	other := serve(t, there.ServeHTTP)
	s := &digestServer{algorithm: "SHA-256", qop: "auth"}
	base := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/away" {
			http.Redirect(w, req, other+"/thing", http.StatusFound)
			return
		}
		s.ServeHTTP(w, req)
	})
	c := newClient(t, base, withDigest())
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	for range 2 {
		_, err = crest.Get[crest.Empty, thing]("/away").Call(t.Context(), c, crest.Empty{})
		fails(t, err, crest.ErrStatus, "", crest.SentYes)
	}
	_, err = getThing.Call(t.Context(), c, crest.Empty{}, crest.WithURL(other+"/thing"))
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	require.Equal(t, []string{"", "", ""}, there.seen)
}

// Of R086: after a redirect within the origin the scheme begins anew.
func TestDigestAfterARedirect(t *testing.T) {
	var seen []string
	answers := []func(http.ResponseWriter){
		func(w http.ResponseWriter) {
			w.Header().Set("Www-Authenticate", `Digest realm="r", nonce="a"`)
			w.WriteHeader(401)
		},
		func(w http.ResponseWriter) { w.Header().Set("Location", "/"); w.WriteHeader(302) },
		func(w http.ResponseWriter) {
			w.Header().Set("Www-Authenticate", `Digest realm="r", nonce="b"`)
			w.WriteHeader(401)
		},
		func(w http.ResponseWriter) { w.WriteHeader(204) },
	}
	c := newClient(t, serve(t, func(w http.ResponseWriter, req *http.Request) {
		seen = append(seen, digestParams(req.Header.Get("Authorization"))["nonce"])
		answers[len(seen)-1](w)
	}), withDigest())
	got, err := ping.Do(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, []string{"", "a", "", "b"}, seen)
	require.Equal(t, 302, got.History[0].StatusCode)
}

// Where Keep takes Authorization along, the other origin is not told the answer to this one's challenge: its own is answered, in each call.
func TestDigestKeptAcrossOrigins(t *testing.T) {
	there := &digestServer{algorithm: "SHA-256", qop: "auth", nonce: func(n int) string { return fmt.Sprint("there", n) }}
	other := serve(t, there.ServeHTTP)
	here := &digestServer{algorithm: "SHA-256", qop: "auth"}
	base := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if challenge := here.admit(req, req.Header.Get("Authorization"), nil); challenge != "" {
			w.Header().Set("Www-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, req, other+"/thing", http.StatusFound)
	})
	c := newClient(t, base, withDigest(), crest.WithRedirects(crest.Redirects{Keep: func(_, _ *url.URL, name string) bool { return name == "Authorization" }}))
	for range 2 {
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
	}
	require.Empty(t, there.wrong)
	var nonces []string
	for _, given := range there.seen {
		nonces = append(nonces, digestParams(given)["nonce"])
	}
	require.Equal(t, []string{"", "there1", "", "there2"}, nonces)
}

func TestDigestOptions(t *testing.T) {
	for _, user := range []string{"a:b", "a\nb", "\x00"} {
		_, err := crest.New[*failure]("https://api.example.com", crest.WithDigest(user, crest.NewSecret("s3cr3t")))
		require.ErrorContains(t, err, "WithDigest: the user holds a co")
		require.NotContains(t, err.Error(), "s3cr3t")
	}
}

// The server's own words go into the answer: nothing of them can end the header.
func TestR20DigestEcho(t *testing.T) {
	sent := 0
	c := newClient(t, "https://api.example.com", withDigest(), crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		if sent++; sent > 1 {
			return nil, errors.New("sent")
		}
		return response(req, 401, "", "Www-Authenticate", "Digest realm=\"r\r\nEvil: 1\", nonce=\"n\""), nil
	})))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrCredentials, "", crest.SentYes)
	require.Equal(t, 1, sent)
}
