// Package fasthttptransport is an [net/http.RoundTripper] over github.com/valyala/fasthttp: for [crest.WithTransport], and for
// any http.Client.
//
//	transport := &fasthttptransport.Transport{}
//	defer transport.CloseIdleConnections()
//	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(transport))
//
// What it takes from fasthttp is the writing and parsing of heads, the reading of bodies, the buffers and the pool of connections. What
// it does not use is the client's Do, because that knows no context and repeats requests by itself, unseen by a limiter. So:
//
//   - Bodies stream in both directions, and at the same time. An answer that comes before the request's end is delivered.
//   - The end of the context ends the dial, the handshake, the wait for the header and the reading of the body at once.
//   - Nothing is sent twice, no redirect is followed, nothing is decompressed, no header is added but Host and the framing.
//   - The URL goes out as net/http writes it, and header names as they stand in the map.
//   - The hooks of net/http/httptrace are called when what they say has happened: crest's limiters stamp their slots at the
//     write, and Timeouts.Header works. Those of name lookup and connect are net.Dialer's.
//   - A connection that the server has closed, or has written to, while it was idle is not used again.
//
// It is there for programs that have fasthttp already. What it gains over net/http in speed is little, and is nothing for some requests:
// docs/performance.md of crest has both in one table.
//
// What it cannot do, and [net/http.Transport] can: HTTP/2, proxies, other protocols by 101 (so no WebSocket), CONNECT, a request body
// without a length that turns out to be empty (it goes out chunked). Of several Content-Type, Content-Encoding or Server lines in an
// answer fasthttp keeps the last one. An answer to HEAD without a length closes its connection. Connection: close is left out of the answer's header; [net/http.Response.Close] says it.
package fasthttptransport
