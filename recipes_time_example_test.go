package crest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// recipe: unix-time

// UnixTime is a time that JSON has as seconds since 1970. The zero value is no time: write omitzero to leave it out.
type UnixTime struct{ time.Time }

// MarshalJSON writes whole seconds.
func (t UnixTime) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, t.Unix(), 10), nil }

// UnmarshalJSON reads whole seconds. null leaves the time as it is, as encoding/json has it for others.
func (t *UnixTime) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	seconds, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return fmt.Errorf("no Unix time: %w", err)
	}
	t.Time = time.Unix(seconds, 0).UTC()
	return nil
}

// end of recipe

func Example_unixTime() {
	server := fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"data":[{"id":7,"created":1793865600}]}`)
	})
	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	// recipe: unix-time-use
	type user struct {
		ID      int      `json:"id" validate:"gt=0"`
		Created UnixTime `json:"created" validate:"required"`
	}
	type users struct {
		Data []user `json:"data"`
	}
	list, err := crest.Get[crest.Empty, users]("/users").Call(context.Background(), c, crest.Empty{})
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(list.Data[0].Created)
	// Output: 2026-11-05 08:00:00 +0000 UTC
}

func TestRecipeUnixTime(t *testing.T) {
	type row struct {
		At  UnixTime  `json:"at,omitzero"`
		Ptr *UnixTime `json:"ptr,omitempty"`
	}
	for text, want := range map[string]row{
		`{}`:                     {},
		`{"at":-1}`:              {At: UnixTime{time.Unix(-1, 0).UTC()}},
		`{"at":1,"ptr":1}`:       {At: UnixTime{time.Unix(1, 0).UTC()}, Ptr: &UnixTime{time.Unix(1, 0).UTC()}},
		`{"at":null,"ptr":null}`: {},
	} {
		var got row
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got, text)
		again, err := json.Marshal(got)
		require.NoError(t, err)
		if got != (row{}) {
			require.JSONEq(t, text, string(again))
		}
	}
	for _, text := range []string{`{"at":"1"}`, `{"at":1.5}`, `{"at":{}}`, `{"at":99999999999999999999}`} {
		require.ErrorContains(t, json.Unmarshal([]byte(text), &row{}), "no Unix time", text)
	}
}
