// Command crest is a client of one operation with crest.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/crest-go/crest"
)

type pet struct {
	ID   int64  `json:"id" validate:"gt=0"`
	Name string `json:"name"`
}

type petRequest struct {
	ID string `path:"id"`
}

type failure struct {
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

var getPet = crest.Get[petRequest, pet]("/pets/{id}")

func main() {
	c, err := crest.New[*failure](os.Args[1])
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	out, err := getPet.Call(context.Background(), c, petRequest{os.Args[2]})
	fmt.Println(out.Name, err)
}
