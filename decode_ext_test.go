package crest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type hollowError struct{}

func (*hollowError) Error() string { return "hollow" }

type wrapped struct {
	Tag  string `header:"X-Tag"`
	Body *struct {
		Name string `json:"name"`
	}
}

type blob struct {
	Tag  string `header:"X-Tag"`
	Body []byte
}

// An answer without a body is no fault where the model says that it may be missing.
func TestDecodeWithoutBody(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Tag", "v1")
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	c, err := crest.New[*hollowError](server.URL, crest.WithTransport(server.Client().Transport))
	require.NoError(t, err)

	t.Run("a Body pointer stays nil", func(t *testing.T) {
		got, err := crest.Get[crest.Empty, wrapped]("/").Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, wrapped{Tag: "v1"}, got)
	})
	t.Run("Body bytes stay nil", func(t *testing.T) {
		got, err := crest.Get[crest.Empty, blob]("/").Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, blob{Tag: "v1"}, got)
	})
	t.Run("an error model without fields is there", func(t *testing.T) {
		_, err := crest.Get[crest.Empty, crest.Empty]("/broken").Call(t.Context(), c, crest.Empty{})
		require.ErrorIs(t, err, crest.Status(http.StatusInternalServerError))
		found, ok := c.AsError(err)
		require.True(t, ok)
		require.NotNil(t, found)
	})
}

// errHue is what a hue says of a value that it does not know.
var errHue = errors.New("no such hue")

type hue string

func (h *hue) UnmarshalJSON(text []byte) error { return fmt.Errorf("%w: %s", errHue, text) }

// What a model does not take is told with its place, the kind of value and the Go type, wherever the model has it: at the top, below, beside a
// header. A method's own error stays findable and its text is not shown.
func TestDecodeErrorPlaces(t *testing.T) {
	type part struct {
		N   int `json:"n"`
		Hue hue `json:"hue"`
	}
	type plain struct {
		part
		Parts []part `json:"parts"`
	}
	type located struct {
		ETag string `header:"ETag"`
		plain
	}
	for name, tt := range map[string]struct {
		body, want string
		method     bool
	}{
		"top":           {`{"n":"hunter2"}`, `field "n" at byte 14: string does not fit Go type int`, false},
		"top, method":   {`{"hue":"hunter2"}`, `field "hue" at byte 7: string was refused by the decoding method of Go type crest_test.hue`, true},
		"below":         {`{"parts":[{"n":1},{"n":"hunter2"}]}`, `field "parts.1.n" at byte 32: string does not fit Go type int`, false},
		"below, method": {`{"parts":[{"hue":"hunter2"}]}`, `field "parts.0.hue" at byte 17: string was refused by the decoding method of Go type crest_test.hue`, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "https://api.example.com", crest.WithTransport(fixed(200, tt.body, "Content-Type", "application/json")))
			_, whole := crest.Get[crest.Empty, plain]("/x").Call(t.Context(), c, crest.Empty{})
			_, byField := crest.Get[crest.Empty, located]("/x").Call(t.Context(), c, crest.Empty{})
			for _, err := range []error{whole, byField} {
				fails(t, err, crest.ErrResponse, crest.KindDecode, crest.SentYes)
				require.ErrorContains(t, err, tt.want)
				require.NotContains(t, err.Error(), "hunter2")
				require.Equal(t, tt.method, errors.Is(err, errHue))
			}
		})
	}
}
