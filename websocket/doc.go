// Package websocket has typed WebSocket connections (RFC 6455) that are dialled through a client of crest, over
// github.com/coder/websocket.
//
//	var chat = websocket.New[Room, Say, Said]("/rooms/{id}", websocket.Options{Heartbeat: 30 * time.Second})
//
//	conn, err := chat.Dial(ctx, c, Room{ID: 7})
//	if err != nil { … }
//	defer conn.Close(websocket.Normal, "")
//	err = conn.Send(ctx, Say{Text: "hello"})
//	for said, err := range conn.All(ctx) { … }
//
// The dial is a call: base URL and the fields of the request model, middleware, limiter, credentials at their own origin, cookies, proxy,
// TLS and pins, timeouts, retries and error models hold as for any endpoint, with https for wss and http for ws. Options of the
// endpoint and of the call mean what they do there. Redirects are not followed, and an answer other than 101 is a [*crest.Error].
//
// # Messages
//
// A string is a TEXT message, a []byte a BINARY one, and anything else a model that the codec of the call (JSON, unless [crest.WithCodec]
// says otherwise) writes as TEXT: validated before it is sent, and after it was read, by its validate tags. A [crest.Secret] in a message is sent
// in clear, as in a body.
//
// # Errors
//
// Every error is a [*crest.CallError] that names the dial's endpoint. What ended the connection is a [*CloseError] inside it, with the close
// code:
//
//	crest.ErrRequest                        the message or the arguments were wrong, nothing was sent; the connection goes on
//	crest.ErrResponse, KindContentType      a message of the other kind; the connection goes on
//	crest.ErrResponse, KindDecode           a message that is not of the model; the connection goes on
//	crest.ErrResponse, KindValidation       a message that breaks the model's rules; the connection goes on
//	crest.ErrResponse, KindTooLarge         a message above Options.MaxMessage; the connection is over, 1009
//	crest.ErrResponse, KindEncoding         a message whose compression is broken; the connection is over, 1007
//	crest.ErrTransport, KindProtocol        the server broke RFC 6455; the connection is over, 1002 or 1007
//	crest.ErrTransport, KindTimeout         a context's deadline or CloseTimeout passed; the connection is over
//	crest.ErrTransport, KindDisconnected    the connection is over: closed by either side, or lost (1006)
//
// # Concurrency
//
// One goroutine receives, any number send: a second [Conn.Receive] at the same time is an error at once, [Conn.Send] waits for its turn.
// [Conn.Ping] and [Conn.Close] may be called at any time. Pings of the server are answered, and pongs and its close are seen, while a Receive
// is under way: a program that only sends should receive all the same. A connection belongs to whoever dialled it: closing the client
// leaves it open, and the context of the dial ends the dial alone.
package websocket
