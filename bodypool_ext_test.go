package crest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// hoarder keeps what it is given, which methods of its kind must not.
type hoarder struct{ kept []byte }

func (h *hoarder) UnmarshalJSON(data []byte) error {
	h.kept = data
	return nil
}

type keptModel struct {
	ETag   string            `header:"ETag"`
	Text   string            `json:"text"`
	Raw    json.RawMessage   `json:"raw"`
	Any    any               `json:"any"`
	Number json.Number       `json:"number"`
	Bytes  []byte            `json:"bytes"`
	Map    map[string]string `json:"map"`
	Opt    crest.Opt[string] `json:"opt"`
	OptAny crest.Opt[any]    `json:"optAny"`
	Kept   hoarder           `json:"kept"`
}

const keptJSON = `{"text":"text","raw":{"a":"raw"},"any":{"b":["any",12345678901234567890]},"number":123.4500,"bytes":"Ynl0ZXM=",` +
	`"map":{"key":"value"},"opt":"opt","optAny":{"c":"optAny"},"kept":{"d":"kept"}}`

// The buffer of a body is used again, and nothing that was made of the body notices.
func TestModelsOutliveTheirBody(t *testing.T) {
	text := keptJSON
	c := newClient(t, "https://api.example.com", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		return storedJSON(200, text).RoundTrip(req)
	})))
	for name, opts := range map[string][]crest.EndpointOption{"usual": nil, "strict": {crest.WithStrictFields()}} {
		t.Run(name, func(t *testing.T) {
			text = keptJSON
			get := crest.Get[crest.Empty, keptModel]("/", opts...)
			want, err := get.Do(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			require.Equal(t, "raw", string(want.Model.Raw[6:9]))
			got, err := get.Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			for range 20 {
				text = `{"text":"` + strings.Repeat("x", len(keptJSON)-len(`{"text":""}`)) + `"}` // it fits the buffer, which a longer one would not use
				_, err = get.Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
			}
			require.Equal(t, want.Model, got)
			require.Equal(t, keptJSON, string(want.Body), "what Do hands out is nobody else's")
		})
	}
}

// An error keeps its body, and a check may keep what it is shown.
func TestBodiesThatAreKept(t *testing.T) {
	text, status := `{"code":"first"}`, 404
	c := newClient(t, "https://api.example.com", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		return storedJSON(status, text).RoundTrip(req)
	})))
	var shown []*crest.Error
	get := crest.Get[crest.Empty, map[string]string]("/")
	checked := crest.Get[crest.Empty, map[string]string]("/", crest.WithCheck(func(e *crest.Error) bool {
		shown = append(shown, e)
		return false
	}))
	_, err := get.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.Status(404))
	status = 200
	_, failed := checked.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, failed)
	text = `{"code":"other"}`
	for range 20 {
		_, failed = get.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, failed)
	}
	var known *crest.Error
	require.ErrorAs(t, err, &known)
	require.JSONEq(t, `{"code":"first"}`, string(known.Body))
	require.JSONEq(t, `{"code":"first"}`, string(shown[0].Body))
}
