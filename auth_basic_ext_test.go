package crest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// RFC 7617: UTF-8 (the example of its section 2.1), other bytes as they are, empty parts.
func TestBasic(t *testing.T) {
	for name, tt := range map[string]struct{ user, password, want string }{
		"RFC 7617, 2":     {"Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		"RFC 7617, 2.1":   {"test", "123£", "dGVzdDoxMjPCow=="},
		"Cyrillic":        {"имя", "пароль", "0LjQvNGPOtC/0LDRgNC+0LvRjA=="},
		"latin1 bytes":    {"nkim", "caf\xe9", "bmtpbTpjYWbp"},
		"no user":         {"", "1234", "OjEyMzQ="},
		"neither":         {"", "", "Og=="},
		"colon after all": {"u", "p:q", "dTpwOnE="},
	} {
		levels(t, name, crest.WithBasic(tt.user, crest.NewSecret(tt.password)), func(t *testing.T, client crest.ClientOption, endpoint crest.EndpointOption, call crest.CallOption) {
			rec := &recorder{}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec), client)
			_, err := crest.Get[crest.Empty, crest.Empty]("/x", endpoint).Call(t.Context(), c, crest.Empty{}, call)
			require.NoError(t, err)
			got := rec.last(t)
			require.Equal(t, "Basic "+tt.want, got.Header.Get("Authorization"))
			user, password, ok := got.BasicAuth()
			require.True(t, ok)
			require.Equal(t, []string{tt.user, tt.password}, []string{user, password})
		})
	}
}

// Basic and a static bearer are not sent again after a 401: it would be the same.
func TestBasicIsNotRepeated(t *testing.T) {
	rec := &recorder{}
	rec.answer = func(req *http.Request) *http.Response {
		return response(req, 401, "", "Www-Authenticate", `Basic realm="r"`)
	}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithBasic("u", crest.NewSecret("p")))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, crest.Status(401))
	require.Len(t, rec.all, 1)
}

func TestBasicMistakes(t *testing.T) {
	for name, tt := range map[string]struct{ user, password, want string }{
		"colon":            {"nkim:1", "s3cr3t", "the user holds a colon"},
		"control":          {"nk\x00im", "s3cr3t", "the user holds a control character"},
		"newline in user":  {"nkim\n", "s3cr3t", "the user holds a control character"},
		"newline after it": {"nkim", "s3cr3t\n", "the password holds a control character, such as a newline at its end"},
		"delete":           {"nkim", "s3cr3t\x7f", "the password holds a control character"},
	} {
		t.Run(name, func(t *testing.T) {
			option := crest.WithBasic(tt.user, crest.NewSecret(tt.password))
			_, err := crest.New[*failure]("https://api.example.com", option)
			require.ErrorContains(t, err, "WithBasic: "+tt.want)
			require.NotContains(t, err.Error(), "s3cr3t")
			rec := &recorder{}
			_, err = ping.Call(t.Context(), newClient(t, "https://api.example.com", crest.WithTransport(rec)), crest.Empty{}, option)
			fails(t, err, crest.ErrRequest, "", crest.SentNo)
			rec.none(t)
		})
	}
}

// D11, S3.58: credentials in a URL are an error that says what to do instead.
func TestURLCredentialsSayWithBasic(t *testing.T) {
	_, err := crest.New[*failure]("https://user:s3cr3t@api.example.com")
	require.ErrorContains(t, err, "WithBasic")
	require.False(t, strings.Contains(err.Error(), "s3cr3t"))
}
