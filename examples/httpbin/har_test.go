package httpbin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/examples/httpbin"
	"github.com/crest-go/crest/har"
)

// What httpbin says of what it got is what the archive says of what was sent.
func TestRecordedArchive(t *testing.T) {
	rec := &har.Recorder{Body: 1 << 20, ShowQuery: []string{"name"}}
	c := newClient(t, crest.WithMiddleware(rec.Middleware))
	type empty = crest.Empty
	_, err := c.Get(t.Context(), httpbin.GetRequest{Name: "a & b"})
	require.NoError(t, err)
	_, err = c.PostForm(t.Context(), httpbin.Login{Name: "ann", Password: crest.NewSecret("p&ss")})
	require.NoError(t, err)
	_, err = crest.Get[empty, any]("/gzip").Call(t.Context(), c, empty{})
	require.NoError(t, err)
	_, err = crest.Get[empty, any]("/redirect-to?url=%2Fget&status_code=302").Call(t.Context(), c, empty{})
	require.NoError(t, err)
	_, err = crest.Get[empty, []byte]("/image/png").Call(t.Context(), c, empty{})
	require.NoError(t, err)

	var file bytes.Buffer
	_, err = rec.WriteTo(&file)
	require.NoError(t, err)
	require.Contains(t, file.String(), `{"name":"password","value":"[redacted]"}`)
	var read struct {
		Log struct {
			Entries []struct {
				Request struct {
					Method, URL string
					QueryString []map[string]string
				}
				Response struct {
					Status      int
					RedirectURL string
					Content     struct {
						MimeType, Text, Encoding string
						Compression              int
					}
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(file.Bytes(), &read))
	var got []string
	for _, e := range read.Log.Entries {
		got = append(got, fmt.Sprint(e.Request.Method, " ", e.Response.Status, " ", e.Response.Content.MimeType, " ", e.Response.Content.Encoding))
	}
	require.Equal(t, []string{
		"GET 200 application/json; charset=utf-8 ", "POST 200 application/json; charset=utf-8 ", "GET 200 application/json; charset=utf-8 ",
		"GET 302  ", "GET 200 application/json; charset=utf-8 ", "GET 200 image/png base64",
	}, got)
	entries := read.Log.Entries
	require.Equal(t, []map[string]string{{"name": "name", "value": "a & b"}}, entries[0].Request.QueryString)
	require.Contains(t, entries[0].Response.Content.Text, `"a & b"`)
	require.Contains(t, entries[2].Response.Content.Text, `"gzipped"`)
	require.Positive(t, entries[2].Response.Content.Compression)
	require.Equal(t, "/get", entries[3].Response.RedirectURL)
}
