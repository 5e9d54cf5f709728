package cresttest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
	"github.com/stretchr/testify/require"
)

type getPetRequest struct {
	ID     int64    `path:"id" validate:"gt=0"`
	Fields []string `query:"fields,omitzero"`
	ETag   string   `header:"If-None-Match,omitzero"`
}

type pet struct {
	ID   int64  `json:"id" validate:"required"`
	Name string `json:"name"`
	ETag string `header:"ETag,omitzero" json:"-"`
}

type notFound struct {
	ID int64 `json:"id"`
}

func (e *notFound) Error() string { return "no such pet" }

var (
	getPet = crest.Get[getPetRequest, pet]("/pets/{id}", crest.WithErrors(crest.ErrorMap{404: crest.As[*notFound]()}))
	addPet = crest.Post[pet, pet]("/pets", crest.WithSuccess(201))
)

func TestHandle(t *testing.T) {
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	cresttest.Handle(srv, getPet, func(_ context.Context, req getPetRequest) (pet, error) {
		switch req.ID {
		case 7:
			return pet{ID: 7, Name: "Rex", ETag: `"1"`}, nil
		case 8:
			return pet{}, &notFound{ID: 8}
		case 9:
			return pet{}, &crest.Error{StatusCode: 409, Model: &apiError{"it is asleep"}}
		}
		return pet{}, crest.Status(503)
	})
	c := client(t, srv)
	get := func(id int64) (pet, error) {
		return getPet.Call(t.Context(), c, getPetRequest{ID: id, Fields: []string{"a,b", "c"}})
	}
	got, err := get(7)
	require.NoError(t, err)
	require.Equal(t, pet{ID: 7, Name: "Rex", ETag: `"1"`}, got)
	_, err = get(8)
	missing, ok := errors.AsType[*notFound](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, int64(8), missing.ID)
	require.ErrorIs(t, err, crest.Status(404))
	_, err = get(9)
	require.ErrorIs(t, err, crest.Status(409))
	require.ErrorContains(t, err, "it is asleep")
	_, err = get(10)
	require.ErrorIs(t, err, crest.Status(503))

	calls := cresttest.Calls(srv, getPet)
	require.Len(t, calls, 4)
	require.Equal(t, getPetRequest{ID: 8, Fields: []string{"a,b", "c"}}, calls[1].Req)
	require.Equal(t, http.StatusNotFound, calls[1].Status)
	require.Equal(t, "/pets/8", calls[1].URL.Path)
}
