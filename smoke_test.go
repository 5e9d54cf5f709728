package crest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/crest-go/crest"
)

type tErr struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *tErr) Error() string { return e.Message }

type getReq struct {
	ID int64  `path:"id" validate:"gt=0"`
	Q  string `query:"q,omitzero"`
	H  string `header:"X-H,omitzero"`
}
type pet struct {
	ID   int64  `json:"id"`
	Name string `json:"name" validate:"required"`
	ETag string `header:"ETag"`
}

func TestSmoke(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.RequestURI, r.Header)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", "abc")
		if r.URL.Path == "/v1/pets/8" {
			w.WriteHeader(404)
			json.NewEncoder(w).Encode(map[string]any{"code": "x", "message": "no such pet"})
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"id": 7, "name": "Rex"})
	}))
	defer srv.Close()
	c, err := crest.New[*tErr](srv.URL+"/v1", crest.WithBearer(crest.NewSecret("s3cr3t")))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	e := crest.Get[getReq, pet]("/pets/{id}")
	p, err := e.Call(context.Background(), c, getReq{ID: 7, Q: "a b", H: "x"})
	fmt.Println(p, err)
	p, err = e.Call(context.Background(), c, getReq{ID: 8})
	fmt.Println(p, err)
	p, err = e.Call(context.Background(), c, getReq{ID: 0})
	fmt.Println(p, err)
	fmt.Printf("%+v\n", err)
}
