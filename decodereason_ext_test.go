package crest_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type plainXML struct {
	Code int `xml:"code"`
}

func (e *plainXML) Error() string { return fmt.Sprint("code ", e.Code) }

type secretXML struct {
	Code  int          `xml:"code"`
	Token crest.Secret `xml:"token"`
}

func (e *secretXML) Error() string { return fmt.Sprint("code ", e.Code) }

// R43: what a codec says of a body that it cannot read may quote it, and is told where nothing of the body is hidden, alone.
func TestReasonsQuoteNothingHidden(t *testing.T) {
	tests := map[string]struct {
		status int
		model  crest.ErrorModel
		opts   []crest.EndpointOption
		says   bool
	}{
		"an error model with a Secret": {status: 422, model: crest.As[*secretXML]()},
		"one without":                  {status: 422, model: crest.As[*plainXML](), says: true},
		"one without, WithRedact":      {status: 422, model: crest.As[*plainXML](), opts: []crest.EndpointOption{crest.WithRedact("code")}},
		"a model with a Secret":        {status: 200, model: crest.As[*plainXML]()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "https://api.example.com", crest.WithTransport(inMemory(func(*http.Request) (*http.Response, error) {
				body := `<e><code>hunter2</code><token>hunter2</token></e>`
				return &http.Response{StatusCode: tt.status, Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
			})))
			opts := append([]crest.EndpointOption{crest.WithCodec(crest.XML()), crest.WithErrors(crest.ErrorMap{422: tt.model})}, tt.opts...)
			var err error
			if tt.status == 200 {
				_, err = crest.Get[crest.Empty, secretXML]("/", opts...).Call(t.Context(), c, crest.Empty{})
			} else {
				_, err = crest.Get[crest.Empty, plainXML]("/", opts...).Call(t.Context(), c, crest.Empty{})
			}
			require.ErrorIs(t, err, crest.KindDecode)
			require.ErrorIs(t, err, strconv.ErrSyntax, "what it was is found all the same")
			require.Equal(t, tt.says, strings.Contains(everyText(err), "hunter2"), everyText(err))
		})
	}
}

// everyText is what the errors of a tree say, each by itself.
func everyText(err error) string {
	text := err.Error() + "\n"
	switch outer := err.(type) {
	case interface{ Unwrap() []error }:
		for _, inner := range outer.Unwrap() {
			text += everyText(inner)
		}
	case interface{ Unwrap() error }:
		if inner := outer.Unwrap(); inner != nil {
			text += everyText(inner)
		}
	}
	return text
}
