package crest_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"

	"github.com/crest-go/crest"
)

// All mistakes of a declaration are reported together, each with its mend. Get and its siblings panic with this
// message when the program starts; NewEndpointOf returns it.
func ExampleNewEndpointOf_mistakes() {
	type GetBook struct {
		Number int `query:"id"`
		Shelf  string
	}
	_, err := crest.NewEndpointOf(http.MethodGet, "/books/{id}", reflect.TypeFor[GetBook](), reflect.TypeFor[crest.Empty]())
	fmt.Println(err)
	// Output:
	// crest: GET /books/{id}: 2 mistakes in the declaration
	//   - crest_test.GetBook.Shelf has no place: tag it json, header or cookie (in a request also path, query or form), name it Body if it is the whole body, or json:"-" to leave it out
	//   - crest_test.GetBook has no field tagged path:"id" for the placeholder {id}: add one or take it out of the route
}

// Models can be made while the program runs, such as from an API description.
func ExampleNewEndpointOf() {
	req := reflect.StructOf([]reflect.StructField{
		{Name: "ID", Type: reflect.TypeFor[int](), Tag: `path:"id"`},
	})
	endpoint, err := crest.NewEndpointOf(http.MethodGet, "/books/{id}", req, reflect.TypeFor[map[string]any]())
	if err != nil {
		fmt.Println(err)
		return
	}
	c, _ := crest.New[*crest.Problem]("https://api.example.com",
		crest.WithTransport(answering(200, `{"title": "Dune"}`)))

	values := reflect.New(req).Elem()
	values.Field(0).SetInt(7)
	book, err := endpoint.Call(context.Background(), c, values.Interface())
	fmt.Println(book, err)
	// Output: map[title:Dune] <nil>
}
