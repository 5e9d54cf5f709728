package websocket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/crest-go/crest"
)

// Endpoint is a WebSocket of an API: its route, the request model of the handshake, and the models of the messages that go Out and come
// In. Declare it once, as a package variable. It is immutable and safe for concurrent use; the zero value gives an error from each Dial.
type Endpoint[Req, Out, In any] struct{ plain *endpoint[Req] }

// Options say how the connections of an endpoint behave. The zero value holds the defaults.
type Options struct {
	// Subprotocols are offered to the server, the favourite first. [Conn.Subprotocol] is the one that it chose. None by default; one
	// that was not offered fails the dial (RFC 6455, section 4.1).
	Subprotocols []string
	// Heartbeat is how often a ping is sent. While a Receive waits and for half that time nothing arrives, neither a pong nor anything
	// else, the connection ends with 1006. 0 sends none.
	Heartbeat time.Duration
	// CloseTimeout bounds Close: sending the close frame and waiting for the server's. 10 s, half of it for each, which is also the most.
	CloseTimeout time.Duration
	// Compression offers permessage-deflate (RFC 7692). Off by default: with it secrets beside text that an attacker can choose leak by
	// their length, and each connection takes up to 1.3 MB.
	Compression bool
	// MaxMessage is how large a received message may be, decompressed, in bytes: 1 MiB. It cannot be switched off.
	MaxMessage int64
	// OnPing is told of the server's pings, within a Receive; false sends no pong. Nil answers each. It must return soon and not keep
	// the payload. It is called by all connections of the endpoint.
	OnPing func(payload []byte) bool
	// OnPong is told of the pongs, in the same way.
	OnPong func(payload []byte)
}

const (
	defaultMaxMessage   = 1 << 20
	defaultCloseTimeout = 10 * time.Second
)

// endpoint is an Endpoint without its messages.
type endpoint[Req any] struct {
	dial    *crest.Endpoint[Req, io.ReadCloser]
	options Options
	models  *crest.Endpoint[any, any] // the messages that are models: Out as a request, In as an answer
}

// New declares an endpoint, with the method GET. The fields of Req must have a place in the handshake: path, query, header or
// cookie. Out and In are string, []byte or models. Mistakes panic, as those of [crest.NewEndpoint] do.
func New[Req, Out, In any](route string, o Options, opts ...crest.EndpointOption) *Endpoint[Req, Out, In] {
	o.Subprotocols = append([]string(nil), o.Subprotocols...)
	models, err := declareModels(reflect.TypeFor[Out](), reflect.TypeFor[In]())
	if err = errors.Join(o.mistakes(), err); err != nil {
		panic(fmt.Sprintf("crest: GET %s: %v", route, err))
	}
	dial := crest.NewEndpoint[Req, io.ReadCloser](http.MethodGet, route, append(opts[:len(opts):len(opts)], crest.WithUpgrade("websocket"))...)
	return &Endpoint[Req, Out, In]{&endpoint[Req]{dial, o.withDefaults(), models}}
}

func (o Options) mistakes() error {
	var mistakes []error
	if o.Heartbeat < 0 || o.MaxMessage < 0 {
		mistakes = append(mistakes, errors.New("Options: Heartbeat and MaxMessage are positive, or 0 for the default"))
	}
	if o.CloseTimeout < 0 || o.CloseTimeout > defaultCloseTimeout {
		mistakes = append(mistakes, fmt.Errorf("Options: CloseTimeout is %v: give at most %v, or 0 for that", o.CloseTimeout, defaultCloseTimeout))
	}
	for _, name := range o.Subprotocols {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) }) {
			mistakes = append(mistakes, fmt.Errorf("Options: the subprotocol %q is no token such as chat", name))
		}
	}
	return errors.Join(mistakes...)
}

func (o Options) withDefaults() Options {
	if o.MaxMessage == 0 {
		o.MaxMessage = defaultMaxMessage
	}
	if o.CloseTimeout == 0 {
		o.CloseTimeout = defaultCloseTimeout
	}
	return o
}

// declareModels compiles the models of the messages. What is no model is left out.
func declareModels(out, in reflect.Type) (*crest.Endpoint[any, any], error) {
	if in == reflect.TypeFor[io.ReadCloser]() {
		return nil, errors.New("a message is read whole: use []byte instead of io.ReadCloser")
	}
	models, err := crest.NewEndpointOf(http.MethodPost, "/", modelOf(out), modelOf(in))
	if err != nil {
		err = fmt.Errorf("the messages: %s", strings.TrimPrefix(err.Error(), "crest: POST /: "))
	}
	return models, err
}

func modelOf(t reflect.Type) reflect.Type {
	if t == reflect.TypeFor[string]() || t == reflect.TypeFor[[]byte]() {
		return reflect.TypeFor[crest.Empty]()
	}
	return t
}

// String returns method and route: "GET /rooms/{id}".
func (e *Endpoint[Req, Out, In]) String() string {
	if e == nil || e.plain == nil {
		return "undeclared endpoint"
	}
	return e.plain.dial.String()
}

// Dial connects. An answer other than 101 is a [*crest.Error] with the API's error model; a handshake that RFC 6455 does not allow is
// [crest.ErrTransport], [crest.KindProtocol]. ctx ends the dial alone: once it has succeeded, the connection lives until [Conn.Close].
func (e *Endpoint[Req, Out, In]) Dial(ctx context.Context, c crest.Caller, req Req, opts ...crest.CallOption) (*Conn[Out, In], error) {
	if e == nil || e.plain == nil {
		return nil, &crest.CallError{Step: crest.ErrRequest, Endpoint: e.String(), Err: errors.New("the endpoint is nil or zero: declare it with websocket.New")}
	}
	l, err := e.plain.connect(ctx, c, req, opts)
	if err != nil {
		return nil, err
	}
	return &Conn[Out, In]{link: l, models: e.plain.models}, nil
}
