package crest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/crest-go/crest"
)

// An endpoint reads the requests that it writes, and writes the answers that it reads. Package cresttest makes a whole
// server of that.
func ExampleEndpoint_DecodeRequest() {
	type Request struct {
		ID   int      `path:"id"`
		Tags []string `query:"tags,explode=false"`
	}
	type Thing struct {
		ID int `json:"id"`
	}
	getThing := crest.Get[Request, Thing]("/things/{id}")

	w := httptest.NewRecorder()
	req, err := getThing.DecodeRequest(httptest.NewRequest(http.MethodGet, "/things/7?tags=a,b", nil))
	fmt.Println(req.ID, req.Tags, err)
	err = getThing.WriteResponse(w, Thing{ID: req.ID})
	fmt.Println(w.Code, w.Body, err)
	// Output:
	// 7 [a b] <nil>
	// 200 {"id":7} <nil>
}
