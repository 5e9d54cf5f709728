package crest_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type tooLarge struct {
	Code string `json:"error" validate:"required"`
	Max  int    `json:"max"`
}

func (t *tooLarge) Error() string { return fmt.Sprintf("at most %d bytes", t.Max) }

// An error whose declared model is not there says why, once, beside the status and the body.
func TestErrorSaysWhyItHasNoModel(t *testing.T) {
	const body = `{"error":"too_large","max":1000}`
	for name, tt := range map[string]struct {
		body, contentType string
		kind              crest.Kind // "" where there is no reason
		want              string     // after the status
	}{
		"a model":      {body, "application/json", "", ": at most 1000 bytes"},
		"not labelled": {body, "", "", ": at most 1000 bytes"},
		"labelled as text": {body, "text/plain; charset=utf-8", crest.KindContentType,
			fmt.Sprintf(" (no *crest_test.tooLarge: content type: text/plain; charset=utf-8 instead of application/json): %q", body)},
		"a gateway's page": {"<html>", "text/html", crest.KindContentType,
			` (no *crest_test.tooLarge: content type: text/html instead of application/json): "<html>"`},
		"not JSON": {"<html>", "application/json", crest.KindDecode, ` (no *crest_test.tooLarge: decode: json: not valid JSON at byte 1): "<html>"`},
		"a rule":   {`{"max":1}`, "application/json", crest.KindValidation, ` (no *crest_test.tooLarge: validation: Code fails required): "{\"max\":1}"`},
		"null":     {"null", "application/json", "", ` (no *crest_test.tooLarge: the body is empty or null): "null"`},
		"empty":    {"", "application/json", "", ""},
		"blank":    {" ", "application/json", "", ` (no *crest_test.tooLarge: the body is empty or null): " "`},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := crest.New[*tooLarge]("https://x.example", once, crest.WithTransport(fixed(413, tt.body, typed(tt.contentType)...)))
			require.NoError(t, err)
			_, err = getThing.Call(t.Context(), c, crest.Empty{})
			fails(t, err, crest.ErrStatus, "", crest.SentYes)
			require.EqualError(t, err, "crest: GET /thing: 413 Request Entity Too Large"+tt.want)
			failed, _ := errors.AsType[*crest.Error](err)
			require.Equal(t, tt.kind != "", tt.kind != "" && hasKind(failed, tt.kind))
		})
	}
}

// Why a body is no model says nothing of a body that is hidden, and a body that broke off is said to have.
func TestErrorReasonsAreShortAndSafe(t *testing.T) {
	const secret = "hunter2"
	for name, body := range map[string]string{"not JSON": `{"password":"` + secret + `"`, "another type": `{"password":["` + secret + `"],"error":7}`, "labelled as text": secret} {
		contentType := "application/json"
		if name == "labelled as text" {
			contentType = "text/plain"
		}
		c, err := crest.New[*tooLarge]("https://x.example", once, crest.WithRedact("password"), crest.WithTransport(fixed(413, body, typed(contentType)...)))
		require.NoError(t, err)
		_, err = getThing.Call(t.Context(), c, crest.Empty{})
		failed, _ := errors.AsType[*crest.Error](err)
		require.Nil(t, failed.Model)
		require.Contains(t, err.Error(), "(no *crest_test.tooLarge: ", name)
		for _, reason := range append(failed.Unwrap(), err) {
			require.NotContains(t, reason.Error(), secret, name)
		}
	}
	c := newClient(t, canned(t, "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{\"mes"), once)
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	require.EqualError(t, err, `crest: GET /thing: 404 Not Found (the body broke off: unexpected EOF): "{\"mes"`)
}

// A model that breaks its rules gives way to the next, and why stays to be seen.
func TestErrorKeepsWhyAModelGaveWay(t *testing.T) {
	c := newClient(t, "https://x.example", once, crest.WithTransport(fixed(404, `{"message":"gone"}`, typed("application/json")...)),
		crest.WithErrors(crest.ErrorMap{404: crest.As[*notFound](), crest.Status4XX: crest.As[*tooLarge]()}))
	_, err := getThing.Call(t.Context(), c, crest.Empty{})
	said, ok := c.AsError(err)
	require.True(t, ok)
	require.Equal(t, "gone", said.Message)
	require.EqualError(t, err, "crest: GET /thing: 404 Not Found: gone (no *crest_test.notFound: validation: What fails required)")
	failed, _ := errors.AsType[*crest.Error](err)
	require.True(t, hasKind(failed, crest.KindValidation))
	require.ErrorIs(t, err, crest.ErrStatus)
	require.NotErrorIs(t, err, crest.ErrResponse)
}

type xmlFailure struct {
	XMLName xml.Name
	Message string `xml:"message"`
}

func (f *xmlFailure) Error() string { return f.Message }

// WithAccept holds for error models as for answers, and adds to what their codecs read; a page is still none.
func TestAcceptOfErrorModels(t *testing.T) {
	const asJSON, asXML = `{"message":"no"}`, `<e><message>no</message></e>`
	for name, tt := range map[string]struct {
		accept            []string
		body, contentType string
		xml               bool
		want              string
	}{
		"any type":              {[]string{"*/*"}, asJSON, "text/plain; charset=utf-8", false, ": no"},
		"a type":                {[]string{"text/plain", "application/json"}, asJSON, "text/plain", false, ": no"},
		"JSON called HTML":      {[]string{"*/*"}, asJSON, "text/html", false, ": no"},
		"the codec's own":       {[]string{"text/csv"}, asJSON, "application/json", false, ": no"},
		"another type":          {[]string{"text/csv"}, asJSON, "text/plain", false, " (no *crest_test.failure: content type: text/plain instead of application/json)"},
		"a page":                {[]string{"*/*"}, "<html>", "text/html", false, " (no *crest_test.failure: decode: json: not valid JSON at byte 1)"},
		"a text":                {[]string{"*/*"}, "sorry", "text/plain", false, " (no *crest_test.failure: decode: json: not valid JSON at byte 1)"},
		"XML called text":       {[]string{"*/*"}, asXML, "text/plain", true, ": no"},
		"a page, where XML is":  {[]string{"*/*"}, "<html></html>", "text/html", true, " (no *crest_test.xmlFailure: content type: text/html instead of application/xml)"},
		"without, as it was":    {nil, asJSON, "text/plain", false, " (no *crest_test.failure: content type: text/plain instead of application/json)"},
		"without, where XML is": {nil, asXML, "application/xml", true, ": no"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := []crest.ClientOption{once, crest.WithTransport(fixed(404, tt.body, typed(tt.contentType)...))}
			if tt.accept != nil {
				opts = append(opts, crest.WithAccept(tt.accept...))
			}
			var c crest.Caller = newClient(t, "https://x.example", opts...)
			if tt.xml {
				xmlClient, err := crest.New[*xmlFailure]("https://x.example", append(opts, crest.WithCodec(crest.XML()))...)
				require.NoError(t, err)
				c = xmlClient
			}
			_, err := getThing.Call(t.Context(), c, crest.Empty{})
			if strings.HasPrefix(tt.want, " (") {
				tt.want += fmt.Sprintf(": %q", tt.body)
			}
			require.EqualError(t, err, "crest: GET /thing: 404 Not Found"+tt.want)
		})
	}
}
