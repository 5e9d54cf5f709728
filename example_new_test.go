package crest_test

import (
	"fmt"
	"time"

	"github.com/crest-go/crest"
)

func ExampleNew() {
	// *crest.Problem (RFC 9457) is an error model that is ready to use.
	c, err := crest.New[*crest.Problem]("https://api.example.com/v1",
		crest.WithBearer(crest.NewSecret("t0ken")),
		crest.WithTimeout(30*time.Second),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	_, err = crest.New[*crest.Problem]("api.example.com")
	fmt.Println(err)
	// Output:
	// crest: New: the base URL: the URL has no scheme: begin it with https://
}
