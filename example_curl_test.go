package crest_test

import (
	"context"
	"fmt"

	"github.com/crest-go/crest"
)

// A call that fails can be shown to those who run the server: as a command line without its secrets.
func ExamplePrepared_Curl() {
	type Order struct {
		Shop  string `path:"shop"`
		Query string `query:"trace"`
		Book  string `json:"book"`
	}
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(500, `{"title":"out of paper"}`)),
		crest.WithHeader("User-Agent", "books/2"),
		crest.WithBearer(crest.NewSecret("s3cr3t")))
	defer c.Close()

	order, _ := crest.Post[Order, crest.Empty]("/shops/{shop}/orders").Prepare(context.Background(), c, Order{"north", "yes", "Knuth's"})
	if _, err := order.Send(context.Background()); err != nil {
		fmt.Println(order.Curl())
	}
	// Output:
	// curl -X POST --globoff 'https://api.example.com/shops/north/orders?trace=[redacted]' --compressed -H 'Accept: */*' -H 'Accept-Encoding: gzip, deflate' -H 'Authorization: [redacted]' -H 'Content-Type: application/json' -H 'User-Agent: books/2' --data-raw '{"book":"Knuth'\''s"}'
}

// The same in clear, to be run in a shell.
func ExamplePrepared_CurlWithSecrets() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithBearer(crest.NewSecret("s3cr3t")), crest.WithHeader("User-Agent", "books/2"))
	defer c.Close()

	p, _ := crest.Get[crest.Empty, crest.Empty]("/books?limit=5").Prepare(context.Background(), c, crest.Empty{})
	fmt.Println(p.CurlWithSecrets(context.Background()))
	// Output:
	// curl 'https://api.example.com/books?limit=5' --compressed -H 'Accept: */*' -H 'Accept-Encoding: gzip, deflate' -H 'Authorization: Bearer s3cr3t' -H 'User-Agent: books/2' <nil>
}
