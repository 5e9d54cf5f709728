package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

// PetStore is the SDK's client. Whoever embeds a *crest.Client can be called with.
type PetStore struct{ *crest.Client[*StoreError] }

// NewPetStore is the SDK's constructor. The caller's options come last and win.
func NewPetStore(token string, opts ...crest.ClientOption) (*PetStore, error) {
	base := []crest.ClientOption{crest.WithBearer(crest.NewSecret(token))}
	c, err := crest.New[*StoreError]("https://api.example.com/v1", append(base, opts...)...)
	if err != nil {
		return nil, err
	}
	return &PetStore{c}, nil
}

// The table of endpoints. A mistake in it stops the program at start.
var (
	getPet = crest.Get[GetPetRequest, Pet]("/pets/{id}",
		crest.WithErrors(crest.ErrorMap{404: crest.As[*PetNotFound]()}))
	addPet = crest.Post[NewPet, Pet]("/pets", crest.WithSuccess(201))
)

type GetPetRequest struct {
	ID     int64    `path:"id" validate:"gt=0"`
	Fields []string `query:"fields,omitzero"`
}

type NewPet struct {
	Name string `json:"name" validate:"required"`
}

type Pet struct {
	ID   int64  `json:"id" validate:"required"`
	Name string `json:"name"`
}

// StoreError is what the API answers with when it fails; PetNotFound is one that callers want to tell apart.
type StoreError struct {
	Message string `json:"message"`
}

func (e *StoreError) Error() string { return e.Message }

type PetNotFound struct {
	Message string `json:"message"`
}

func (e *PetNotFound) Error() string { return e.Message }

// Pet returns the pet with the given id, or a *PetNotFound.
func (s *PetStore) Pet(ctx context.Context, id int64) (Pet, error) {
	return getPet.Call(ctx, s, GetPetRequest{ID: id})
}

// Add adds a pet.
func (s *PetStore) Add(ctx context.Context, pet NewPet) (Pet, error) {
	return addPet.Call(ctx, s, pet)
}

// An SDK, whole: client, endpoints, models, errors, and how its users call it.
func Example() {
	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.Method + " " + r.URL.Path {
		case "GET /v1/pets/7":
			fmt.Fprint(w, `{"id": 7, "name": "Rex"}`)
		case "POST /v1/pets":
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"id": 8, "name": "Tom"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"message": "no such pet"}`)
		}
	})

	ctx := context.Background()
	store, err := NewPetStore("t0ken", crest.WithTransport(server))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	pet, err := store.Pet(ctx, 7)
	fmt.Println(pet, err)

	pet, err = store.Add(ctx, NewPet{Name: "Tom"})
	fmt.Println(pet, err)

	_, err = store.Pet(ctx, 9)
	fmt.Println(err)
	if missing, ok := errors.AsType[*PetNotFound](err); ok {
		fmt.Println("the API's own error:", missing.Message)
	}

	_, err = store.Pet(ctx, -1)
	fmt.Println(err)
	// Output:
	// {7 Rex} <nil>
	// {8 Tom} <nil>
	// crest: GET /pets/{id}: 404 Not Found: no such pet
	// the API's own error: no such pet
	// crest: GET /pets/{id}: request: validation: ID fails gt=0
}
