package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/crest-go/crest"
)

// Events of a server, each decoded and validated. The loop ends with the stream, or with the first error.
func ExampleStream() {
	type Price struct {
		Symbol string  `json:"symbol" validate:"required"`
		Price  float64 `json:"price"`
	}
	prices := crest.NewStream[crest.Empty, Price](http.MethodGet, "/prices")

	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: {\"symbol\": \"AAA\", \"price\": 1.5}\n\n")
		fmt.Fprint(w, ": nobody sees a comment\n\n")
		fmt.Fprint(w, "data: {\"symbol\": \"BBB\",\ndata:  \"price\": 2}\n\n")
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	for p, err := range prices.Call(context.Background(), c, crest.Empty{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(p.Symbol, p.Price)
	}
	// Output:
	// AAA 1.5
	// BBB 2
}

// The id and the type of each event come with Events. T is string here: the data as it is.
func ExampleStream_Events() {
	log := crest.NewStream[crest.Empty, string](http.MethodGet, "/log")

	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "id: 1\nevent: opened\ndata: door\n\n", "id: 2\ndata: nothing happens\n\n")
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	for e, err := range log.Events(context.Background(), c, crest.Empty{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s %s: %s\n", e.ID, e.Type, e.Data)
	}
	// Output:
	// 1 opened: door
	// 2 message: nothing happens
}

// A value on each line. Leaving the loop closes the connection: the rest is never read.
func ExampleStream_jsonLines() {
	type Row struct {
		ID int `json:"id"`
	}
	export := crest.NewStream[crest.Empty, Row](http.MethodGet, "/export", crest.WithAccept("application/x-ndjson"))

	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Accept"))
		for id := range 1000 {
			fmt.Fprintf(w, "{\"id\": %d}\n", id)
		}
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	for row, err := range export.Call(context.Background(), c, crest.Empty{}) {
		if err != nil || row.ID == 3 {
			break
		}
		fmt.Println(row.ID)
	}
	// Output:
	// 0
	// 1
	// 2
}

// The elements of one array, without holding all of it.
func ExampleStream_jsonArray() {
	type Row struct {
		ID int `json:"id"`
	}
	export := crest.NewStream[crest.Empty, Row](http.MethodGet, "/export.json", crest.WithAccept("application/json"))

	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `[{"id": 1}, {"id": 2}, {"id": "three"}, {"id": 4}]`)
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	for row, err := range export.Call(context.Background(), c, crest.Empty{}) {
		if err != nil {
			fmt.Println("the third element does not fit:", errors.Is(err, crest.KindDecode))
			continue // it was the last one in any case
		}
		fmt.Println(row.ID)
	}
	// Output:
	// 1
	// 2
	// the third element does not fit: true
}

// Servers that say where a stream ends: without the marker, what has come is not all there was.
func ExampleWithDone() {
	complete := crest.NewStream[crest.Empty, string](http.MethodPost, "/completions", crest.WithDone("[DONE]"))

	answers := []string{"data: Hel\n\ndata: lo\n\ndata: [DONE]\n\n", "data: Hel\n\n"}
	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, answers[0])
		answers = answers[1:]
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	for range 2 {
		for token, err := range complete.Call(context.Background(), c, crest.Empty{}) {
			if err != nil {
				fmt.Println("cut off:", errors.Is(err, crest.KindTruncated))
				break
			}
			fmt.Println(token)
		}
	}
	// Output:
	// Hel
	// lo
	// Hel
	// cut off: true
}

// A stream that goes on where it was after its connection is lost. The server names its events; the status 204 says that there will be no more.
func ExampleWithReconnect() {
	log := crest.NewStream[crest.Empty, string](http.MethodGet, "/log", crest.WithReconnect(),
		crest.WithRetry(crest.Retry{Backoff: func(int, error) time.Duration { return time.Millisecond }}))

	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		switch r.Header.Get("Last-Event-ID") {
		case "":
			fmt.Fprint(w, "id: 1\ndata: one\n\nid: 2\ndata: this event is cut")
		case "1":
			fmt.Fprint(w, "id: 2\ndata: two\n\n")
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))

	for e, err := range log.Events(context.Background(), c, crest.Empty{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(e.ID, e.Data)
	}
	// Output:
	// 1 one
	// 2 two
}
