package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	coder "github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/websocket"
)

// The models of the examples: the handshake, and the messages of both directions.
type (
	Watch struct {
		Market string `path:"market"`
	}
	Order struct {
		Symbol string `json:"symbol" validate:"required"`
		Amount int    `json:"amount" validate:"gt=0"`
	}
	Fill struct {
		Symbol string  `json:"symbol" validate:"required"`
		Price  float64 `json:"price"`
	}
)

// trades is declared once, like any endpoint.
var trades = websocket.New[Watch, Order, Fill]("/markets/{market}/trades", websocket.Options{Heartbeat: 20 * time.Second})

// exchange is a server that fills each order, and closes after two.
func exchange() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/markets/nyse/trades" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"message":"no such market"}`)
			return
		}
		conn, err := coder.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for price := range 2 {
			var order Order
			if wsjson.Read(r.Context(), conn, &order) != nil {
				return
			}
			_ = wsjson.Write(r.Context(), conn, Fill{order.Symbol, 100 + float64(price)})
		}
		_ = conn.Close(coder.StatusGoingAway, "the market closes")
	}))
}

// A connection is dialled through the client, and talks in models.
func ExampleNew() {
	server := exchange()
	defer server.Close()
	c, err := crest.New[*failure](server.URL + "/v1")
	if err != nil {
		panic(err)
	}
	defer c.Close()
	ctx := context.Background()

	conn, err := trades.Dial(ctx, c, Watch{Market: "nyse"})
	if err != nil {
		panic(err)
	}
	defer conn.Close(websocket.Normal, "")
	if err := conn.Send(ctx, Order{Symbol: "ACME", Amount: 3}); err != nil {
		panic(err)
	}
	fill, err := conn.Receive(ctx)
	fmt.Println(fill, err)

	err = conn.Send(ctx, Order{Symbol: "ACME"})
	fmt.Println(errors.Is(err, crest.ErrRequest), errors.Is(err, crest.KindValidation)) // nothing was sent
	// Output:
	// {ACME 100} <nil>
	// true true
}

// An answer other than 101 is an error as that of any call.
func ExampleEndpoint_Dial() {
	server := exchange()
	defer server.Close()
	c, err := crest.New[*failure](server.URL + "/v1")
	if err != nil {
		panic(err)
	}
	defer c.Close()

	_, err = trades.Dial(context.Background(), c, Watch{Market: "moon"})
	fmt.Println(err)
	// Output:
	// crest: GET /markets/{market}/trades: 404 Not Found: no such market
}

// The loop ends without an error where the server closes in good order.
func ExampleConn_All() {
	server := exchange()
	defer server.Close()
	c, err := crest.New[*failure](server.URL + "/v1")
	if err != nil {
		panic(err)
	}
	defer c.Close()
	ctx := context.Background()
	conn, err := trades.Dial(ctx, c, Watch{Market: "nyse"})
	if err != nil {
		panic(err)
	}
	defer conn.Close(websocket.Normal, "")

	go func() {
		_ = conn.Send(ctx, Order{Symbol: "ACME", Amount: 1})
		_ = conn.Send(ctx, Order{Symbol: "ZORG", Amount: 2})
	}()
	for fill, err := range conn.All(ctx) {
		if err != nil {
			panic(err)
		}
		fmt.Println(fill.Symbol, fill.Price)
	}
	_, err = conn.Receive(ctx)
	if end, ok := errors.AsType[*websocket.CloseError](err); ok {
		fmt.Println(end.Code, end.Reason)
	}
	// Output:
	// ACME 100
	// ZORG 101
	// 1001 the market closes
}
