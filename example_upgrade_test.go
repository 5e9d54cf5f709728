package crest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/crest-go/crest"
)

// After a 101 the body is the connection, here with a protocol of lines.
func ExampleWithUpgrade() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", r.Header.Get("Upgrade"))
		name, _ := buffered.ReadString('\n')
		fmt.Fprintf(conn, "hello, %s", name)
	}))
	defer server.Close()
	c, err := crest.New[*failure](server.URL)
	if err != nil {
		panic(err)
	}
	defer c.Close()

	greet := crest.Get[crest.Empty, io.ReadCloser]("/greetings", crest.WithUpgrade("greeting/1"))
	body, err := greet.Call(context.Background(), c, crest.Empty{})
	if err != nil {
		panic(err)
	}
	defer body.Close()
	conn := body.(io.ReadWriteCloser)
	fmt.Fprintln(conn, "gopher")
	line, err := bufio.NewReader(conn).ReadString('\n')
	fmt.Print(line, err)
	// Output:
	// hello, gopher
	// <nil>
}
