package crest_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// slowly serves answers that take their time: a second to the header, two more to the end of the body.
func slowly(conn net.Conn, in *bufio.Reader) {
	for readRequest(in) != nil {
		time.Sleep(time.Second)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n")
		time.Sleep(2 * time.Second)
		_, _ = io.WriteString(conn, thingJSON)
	}
}

func TestTimingOfAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, end := (&pipes{dial: 5 * time.Second, serve: slowly}).client(t)
		defer end()
		for _, reused := range []bool{false, true} {
			r, err := getThing.Do(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			require.Len(t, r.Attempts, 1)
			require.Equal(t, crest.Timing{FirstByte: time.Second, Body: 2 * time.Second, Reused: reused}, r.Attempts[0].Timing)
		}
		body, err := crest.Get[crest.Empty, io.ReadCloser]("/thing").Do(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.NoError(t, body.Model.Close())
		require.Equal(t, crest.Timing{FirstByte: time.Second, Reused: true}, body.Attempts[0].Timing)
	})
}

// Errors have it too; the requests of one attempt are added up, and attempts are apart.
func TestTimingOfFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replies := []string{"302 Found\r\nLocation: /next", "503 Service Unavailable", "404 Not Found"}
		c, end := (&pipes{serve: func(conn net.Conn, in *bufio.Reader) {
			for readRequest(in) != nil {
				time.Sleep(time.Second)
				_, _ = io.WriteString(conn, "HTTP/1.1 "+replies[0]+"\r\nContent-Length: 0\r\n\r\n")
				replies = replies[1:]
			}
		}}).client(t, crest.WithRetry(crest.Retry{Max: 1}))
		defer end()
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		require.ErrorIs(t, err, crest.Status(404))
		var failed *crest.CallError
		require.ErrorAs(t, err, &failed)
		require.Len(t, failed.Attempts, 2)
		require.Equal(t, crest.Timing{FirstByte: 2 * time.Second, Reused: true}, failed.Attempts[0].Timing)
		require.Equal(t, crest.Timing{FirstByte: time.Second, Reused: true}, failed.Attempts[1].Timing)
	})
}

// What it takes to make a connection is measured by crest's own transport.
func TestTimingOfConnections(t *testing.T) {
	ca := newAuthority(t, "timing")
	wrote := make(chan struct{}, 1)
	answer := func(w http.ResponseWriter, r *http.Request) {
		<-wrote // an answer that overtakes this hook has no FirstByte
		answerJSON(200, thingJSON)(w, r)
	}
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { wrote <- struct{}{} }})
	secure := serveTLS(t, ca.serving(t), true, answer)
	plain := serve(t, answer)
	for name, tt := range map[string]struct {
		base     string
		opts     []crest.ClientOption
		dns, tls bool
	}{
		"a name": {base: strings.Replace(plain, "127.0.0.1", "localhost", 1), dns: true},
		"TLS":    {base: secure.URL, opts: []crest.ClientOption{crest.WithTLS(&tls.Config{RootCAs: ca.roots})}, tls: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, tt.base, append(tt.opts, crest.WithProxy(nil))...)
			first, err := getThing.Do(ctx, c, crest.Empty{})
			require.NoError(t, err)
			timing := first.Attempts[0].Timing
			require.Equal(t, tt.dns, timing.DNS > 0, "%+v", timing)
			require.Equal(t, tt.tls, timing.TLS > 0, "%+v", timing)
			require.Positive(t, timing.Connect)
			require.Positive(t, timing.FirstByte)
			require.False(t, timing.Reused)
			require.LessOrEqual(t, timing.DNS+timing.Connect+timing.TLS+timing.FirstByte+timing.Body, first.Attempts[0].Duration)

			again, err := getThing.Do(ctx, c, crest.Empty{})
			require.NoError(t, err)
			timing = again.Attempts[0].Timing
			require.True(t, timing.Reused)
			require.Zero(t, timing.DNS+timing.Connect+timing.TLS)
		})
	}
}

// The hooks of the caller's own trace are called as they are without crest.
func TestTimingKeepsTheCallersTrace(t *testing.T) {
	var seen []string
	c := newClient(t, strings.Replace(serve(t, answerJSON(200, thingJSON)), "127.0.0.1", "localhost", 1), crest.WithProxy(nil))
	_, err := getThing.Call(traced(t.Context(), &seen), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, []string{"DNS", "named", "connected"}, seen)
}

// traced notes what happens to the dial of a request, in its order.
func traced(ctx context.Context, seen *[]string) context.Context {
	var mu sync.Mutex // two addresses can be tried at the same time
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		*seen = append(*seen, what)
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { note("DNS") },
		DNSDone:  func(httptrace.DNSDoneInfo) { note("named") },
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				note("connected")
			}
		},
	})
}
