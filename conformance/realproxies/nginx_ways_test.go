package realproxies

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// TestNginxWays goes through nginx as it is set up by those who run it. Each way works, again and again, without a single retry.
func TestNginxWays(t *testing.T) {
	const unbuffered = "proxy_buffering off; proxy_request_buffering off;"
	const gzip = "gzip on; gzip_proxied any; gzip_min_length 1; gzip_types application/json text/event-stream application/octet-stream;"
	for name, s := range map[string]site{
		"buffered":                    {},
		"unbuffered":                  {location: unbuffered},
		"gzip":                        {http: gzip},
		"gzip, unbuffered":            {http: gzip, location: unbuffered},
		"one request a connection":    {http: "keepalive_requests 1;"},
		"two requests a connection":   {http: "keepalive_requests 2;"},
		"three requests a connection": {http: "keepalive_requests 3;"},
		"no keep-alive":               {http: "keepalive_timeout 0;"},
		"TLS":                         {listen: "ssl"},
		"HTTP/2":                      {listen: "ssl http2"},
		"HTTP/2, two streams":         {listen: "ssl http2", http: "http2_max_concurrent_streams 2;"},
		"HTTP/2, small frames, gzip":  {listen: "ssl http2", http: "http2_chunk_size 512;" + gzip, location: unbuffered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.origin = startOrigin(t, nil).address
			c := startNginx(t, s).client(t)
			each(t, func(t *testing.T, _ string, w way) {
				for range 8 {
					require.NoError(t, inTime(t, w, c))
				}
			})
		})
	}
}

// TestNginxGoAway has nginx end each connection of HTTP/2 after a few streams, as it does after a thousand by default. What it did not look
// at is sent again, a POST as well; and a body that cannot be read again ends in an error that says so.
func TestNginxGoAway(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, nil)
	n := startNginx(t, site{origin: o.address, listen: "ssl http2", http: "keepalive_requests 3;"})
	c := n.client(t, patient)
	each(t, func(t *testing.T, name string, w way) {
		for range 20 {
			notRefused(t, name, inTime(t, w, c))
		}
	})
}

// patient tries again until it works: a server that takes few streams refuses the same one several times when all ways compete for it.
var patient = crest.WithRetry(crest.Retry{Max: 100, Budget: crest.NoBound, Backoff: func(int, error) time.Duration { return 10 * time.Millisecond }})

// notRefused holds an error of a way to a server that refuses streams: it is tried again, unless its body cannot be read again.
func notRefused(t *testing.T, name string, err error) {
	t.Helper()
	if name == "chunks" && err != nil {
		want{crest.ErrTransport, crest.KindDisconnected, crest.SentNo, 0}.is(t, err)
		return
	}
	require.NoError(t, err)
}
