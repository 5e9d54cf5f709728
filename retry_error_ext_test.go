package crest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// slow is a step that takes its time.
func slow(d time.Duration, next step) step {
	return func(req *http.Request) (*http.Response, error) {
		time.Sleep(d) // virtual
		return next(req)
	}
}

var refusedDial = breaks(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")})

// The error knows each attempt: its status or cause, how long it took and how long was waited before it.
func TestRetryAttemptsInTheError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(slow(time.Second, gives(503)), slow(2*time.Second, breaks(io.EOF)), slow(3*time.Second, brokenOff), slow(4*time.Second, gives(404)))
		c := newClient(t, "https://api.example.com", crest.WithTransport(server), crest.WithRetry(crest.Retry{Max: 3, Backoff: linear(10 * time.Second)}))
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		failed := fails(t, err, crest.ErrStatus, "", crest.SentYes)
		require.EqualError(t, err, "crest: GET /thing: 404 Not Found (4 attempts)")
		require.Len(t, failed.Attempts, 4)
		for i, want := range []crest.Attempt{
			{StatusCode: 503, Duration: time.Second},
			{StatusCode: 0, Duration: 2 * time.Second, Wait: 10 * time.Second},
			{StatusCode: 200, Duration: 3 * time.Second, Wait: 20 * time.Second},
			{StatusCode: 404, Duration: 4 * time.Second, Wait: 30 * time.Second},
		} {
			got := failed.Attempts[i]
			require.Equal(t, want, crest.Attempt{StatusCode: got.StatusCode, Duration: got.Duration, Wait: got.Wait}, "attempt %d", i)
		}
		require.NoError(t, failed.Attempts[0].Err)
		require.ErrorIs(t, failed.Attempts[1].Err, io.EOF)
		require.ErrorIs(t, failed.Attempts[2].Err, io.ErrUnexpectedEOF)
		require.NoError(t, failed.Attempts[3].Err)
		require.NotErrorIs(t, err, io.EOF, "only the last failure is the call's")
		answer, ok := errors.AsType[*crest.Error](err)
		require.True(t, ok)
		require.Equal(t, 4, answer.Attempts)
	})
}

// The wait of an attempt is the one between it and the last, and for its slot.
func TestRetryAttemptWaitsForItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "https://api.example.com", crest.WithTransport(play(gives(503))), crest.WithRateLimit(1, time.Minute),
			crest.WithRetry(crest.Retry{Max: 2, Backoff: constant(10 * time.Second)}))
		start := time.Now()
		_, err := ping.Call(t.Context(), c, crest.Empty{})
		failed := callError(t, err)
		require.Len(t, failed.Attempts, 3)
		require.Equal(t, 2*(time.Minute+1), time.Since(start))
		for i, want := range []time.Duration{0, time.Minute + 1, time.Minute + 1} {
			require.Equal(t, want, failed.Attempts[i].Wait)
			require.Zero(t, failed.Attempts[i].Duration)
		}
	})
}

// A call that succeeds in the end leaves no error, and says how many attempts it took.
func TestRetrySuccess(t *testing.T) {
	server := play(gives(503), breaks(io.EOF), givesBody(200, thingJSON, "Content-Type", "application/json"))
	resp, err := getThing.Do(t.Context(), retried(t, server), crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, thing{7, "Rex"}, resp.Model)
	require.Equal(t, 3, server.sent())
	require.Len(t, resp.Attempts, 3)
}

// Sent is the most that is known of any attempt, whatever became of the last one.
func TestRetrySentIsTheMost(t *testing.T) {
	for name, tt := range map[string]struct {
		steps []step
		kind  crest.Kind
		sent  crest.Sent
		text  string
	}{
		"nothing was sent":       {[]step{refusedDial}, crest.KindConnect, crest.SentNo, "transport: connect: dial tcp: refused (4 attempts)"},
		"the first was answered": {[]step{gives(503), refusedDial}, crest.KindConnect, crest.SentYes, "transport: connect: dial tcp: refused (4 attempts)"},
		"the first perhaps":      {[]step{breaks(io.EOF), refusedDial}, crest.KindConnect, crest.SentMaybe, "transport: connect: dial tcp: refused (the request may have been received) (4 attempts)"},
		"the third perhaps":      {[]step{refusedDial, refusedDial, breaks(io.EOF), refusedDial}, crest.KindConnect, crest.SentMaybe, "(the request may have been received) (4 attempts)"},
		"the last perhaps":       {[]step{refusedDial, refusedDial, refusedDial, breaks(io.EOF)}, crest.KindDisconnected, crest.SentMaybe, "(the request may have been received) (4 attempts)"},
		"the last was answered":  {[]step{breaks(io.EOF), refusedDial, refusedDial, gives(503)}, "", crest.SentYes, "503 Service Unavailable (4 attempts)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ping.Call(t.Context(), retried(t, play(tt.steps...)), crest.Empty{})
			failed := callError(t, err)
			require.Equal(t, tt.kind, failed.Kind)
			require.Equal(t, tt.sent, failed.Sent)
			require.ErrorContains(t, err, tt.text)
		})
	}
}

// A POST goes on as long as each attempt provably did nothing, and stops at the first that may have.
func TestRetryPlainAttemptByAttempt(t *testing.T) {
	for name, tt := range map[string]struct {
		steps []step
		sent  int
	}{
		"429, refused, fine":       {[]step{gives(429), refusedDial, gives(204)}, 3},
		"refused, 429, fine":       {[]step{refusedDial, gives(429), gives(204)}, 3},
		"refused, lost":            {[]step{refusedDial, breaks(io.EOF)}, 2},
		"429, 503":                 {[]step{gives(429), gives(503)}, 2},
		"429 after a 302":          {[]step{gives(302, "Location", "/y"), gives(429)}, 2},
		"307, 429, fine":           {[]step{gives(307, "Location", "/y"), gives(429), gives(204)}, 3},
		"refused after a redirect": {[]step{gives(307, "Location", "/y"), refusedDial}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(tt.steps...)
			_, err := crest.Post[crest.Empty, crest.Empty]("/x").Call(t.Context(), retried(t, server), crest.Empty{})
			require.Equal(t, name[len(name)-4:] == "fine", err == nil, "%v", err)
			require.Equal(t, tt.sent, server.sent())
		})
	}
}

// A retry begins at the beginning, not where the last attempt was led.
func TestRetryAfterARedirect(t *testing.T) {
	server := play(gives(302, "Location", "/y"), gives(503), gives(302, "Location", "/z"), gives(204))
	_, err := ping.Call(t.Context(), retried(t, server), crest.Empty{})
	require.NoError(t, err)
	var paths []string
	for _, one := range server.all {
		info, _ := crest.EndpointInfo(one.Request)
		paths = append(paths, one.URL.Path)
		require.Equal(t, 1+(len(paths)-1)/2, info.Attempt)
		require.Equal(t, 1+(len(paths)-1)%2, info.Hop)
	}
	require.Equal(t, []string{"/ping", "/y", "/ping", "/z"}, paths)
}

// Rule 5.4.3: the failed answer is drained before the next attempt, which finds its connection again.
func TestRetryDrainsTheFailedAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		body        int
		connections int
	}{"small": {2 << 10, 1}, "empty": {0, 1}, "huge": {20 << 20, 4}} {
		t.Run(name, inBubble(func(t *testing.T) {
			body := make([]byte, tt.body)
			s := startInBubble(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(503)
				_, _ = w.Write(body)
			})
			c := s.client(t, quick)
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.ErrorIs(t, err, crest.Status(503))
			require.Len(t, callError(t, err).Attempts, 4)
			require.Equal(t, tt.connections, s.connections())
		}))
	}
}

// So is what is larger than the part of it that the error keeps, where the caller would read a success.
func TestRetryDrainsWhatTheErrorDoesNotKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startInBubble(t, reply(503, string(make([]byte, 100<<10))))
		_, err := download.Call(t.Context(), s.client(t, quick), crest.Empty{})
		answer, ok := errors.AsType[*crest.Error](err)
		require.True(t, ok)
		require.True(t, answer.Truncated)
		require.Equal(t, 4, answer.Attempts)
		require.Equal(t, 1, s.connections())
	})
}

// It is closed before the wait begins, also where its body broke off: nothing of an attempt is held while the call waits.
func TestRetryClosesBeforeItWaits(t *testing.T) {
	for name, status := range map[string]int{"failed": 503, "broken": 200} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				closed, ended := 0, 0
				server := inMemory(func(req *http.Request) (*http.Response, error) {
					context.AfterFunc(req.Context(), func() { ended++ })
					resp := response(req, status, "", "Content-Type", "application/json")
					resp.Body = &tallied{Reader: failingReader{io.ErrUnexpectedEOF}, closed: func() { closed++ }}
					return resp, nil
				})
				c := newClient(t, "https://api.example.com", crest.WithTransport(server), crest.WithRetry(crest.Retry{Max: 1, Backoff: func(int, error) time.Duration {
					synctest.Wait()
					require.Positive(t, closed, "the body")
					require.Equal(t, 1, ended, "the attempt's context")
					return time.Minute
				}}))
				_, err := getThing.Call(t.Context(), c, crest.Empty{})
				require.Len(t, callError(t, err).Attempts, 2)
			})
		})
	}
}

// An answer is mapped once: WithCheck is not asked twice.
func TestRetryAsksCheckOnce(t *testing.T) {
	asked := 0
	c := retried(t, play(givesBody(200, thingJSON, "Content-Type", "application/json")), crest.WithCheck(func(*crest.Error) bool { asked++; return false }))
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, 1, asked)
}
