package crest_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/crest-go/crest"
)

// resolverFor knows one name, which is at 127.0.0.1, and asks nobody. A name server in the test answers it over UDP.
func resolverFor(t *testing.T, host string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buf := make([]byte, 1<<10); ; {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var asked dnsmessage.Message
			if asked.Unpack(buf[:n]) == nil && len(asked.Questions) == 1 {
				answer, _ := answerTo(asked, host).Pack()
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func answerTo(asked dnsmessage.Message, host string) *dnsmessage.Message {
	answer := &dnsmessage.Message{Header: dnsmessage.Header{ID: asked.ID, Response: true, Authoritative: true}, Questions: asked.Questions}
	q := asked.Questions[0]
	switch {
	case q.Name.String() != host+".":
		answer.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		answer.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
			Body:   &dnsmessage.AResource{A: netip.MustParseAddr("127.0.0.1").As4()},
		}}
	}
	return answer
}

// S4.35: a resolver and a local address of one's own, which the Host header does not show.
func TestRecipeResolverAndLocalAddress(t *testing.T) {
	var host, from string
	server, err := url.Parse(serve(t, func(_ http.ResponseWriter, r *http.Request) { host, from = r.Host, r.RemoteAddr }))
	require.NoError(t, err)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	local := free.Addr()
	require.NoError(t, free.Close())
	dialer := &net.Dialer{Resolver: resolverFor(t, "api.crest.test"), LocalAddr: local}
	transport := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)

	at := fmt.Sprintf("api.crest.test:%s", server.Port())
	_, err = ping.Call(t.Context(), newClient(t, "http://"+at, crest.WithTransport(transport)), crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, []string{at, local.String()}, []string{host, from})

	_, err = ping.Call(t.Context(), newClient(t, "http://other.crest.test", crest.WithTransport(transport)), crest.Empty{})
	fails(t, err, crest.ErrTransport, crest.KindDNS, crest.SentNo)
}
