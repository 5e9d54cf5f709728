// Package docs declares what the blocks of code in docs/testing.md take for granted.
package docs

import (
	"context"
	"net/http"
	"testing"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
)

// Client is the SDK that is tested.
type Client struct{ *crest.Client[*crest.Problem] }

// New takes a token.
func New(token string, opts ...crest.ClientOption) (*Client, error) {
	c, err := crest.New[*crest.Problem]("https://api.example.com", append(opts, crest.WithBearer(crest.NewSecret(token)))...)
	return &Client{c}, err
}

// Pet returns one.
func (c *Client) Pet(ctx context.Context, id int64) (Pet, error) {
	return getPet.Call(ctx, c, GetPetRequest{ID: id})
}

// GetPetRequest names a pet.
type GetPetRequest struct {
	ID int64 `path:"id"`
}

// Pet is an answer, an item of a page, and an event.
type Pet struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// NotFound is an error model.
type NotFound struct {
	Message string `json:"message"`
}

func (e *NotFound) Error() string { return e.Message }

// Taken is an error model of all endpoints.
type Taken struct {
	Name string `json:"name"`
}

func (e *Taken) Error() string { return e.Name + " is taken" }

// ListPetsRequest asks for a page.
type ListPetsRequest struct {
	Cursor string `query:"cursor,omitzero"`
}

// PetList is a page.
type PetList struct {
	Data []Pet  `json:"data"`
	Next string `json:"next"`
}

var (
	t         *testing.T
	srv       *cresttest.Server
	getPet    = crest.Get[GetPetRequest, Pet]("/pets/{id}", crest.WithErrors(crest.ErrorMap{404: crest.As[*NotFound]()}))
	listPets  = crest.NewPager[Pet](crest.Get[ListPetsRequest, PetList]("/pets"), crest.Paging{Items: "data", Cursor: "cursor", NextCursor: "next"})
	watchPets = crest.NewStream[crest.Empty, Pet](http.MethodGet, "/pets/events")
)
