package httpbin_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type uploadRequest struct {
	Title string       `form:"title"`
	File  crest.File   `form:"file"`
	Tags  []string     `form:"tag"`
	More  []crest.File `form:"more"`
}

type uploadEcho struct {
	Form    map[string][]string `json:"form"`
	Files   map[string][]string `json:"files"`
	Headers map[string][]string `json:"headers"`
}

// httpbin reads the form as it was meant, with a length and without.
func TestUploadForm(t *testing.T) {
	upload := crest.Post[uploadRequest, uploadEcho]("/post")
	for name, known := range map[string]bool{"known length": true, "unknown length": false} {
		t.Run(name, func(t *testing.T) {
			content := io.Reader(strings.NewReader("naïve"))
			if !known {
				content = io.MultiReader(content) // which cannot seek
			}
			echo, err := upload.Call(t.Context(), newClient(t), uploadRequest{
				Title: "a & b = ü", Tags: []string{"x", "y"},
				File: crest.File{Name: "é \"quoted\".txt", ContentType: "text/plain; charset=utf-8", Content: content},
				More: []crest.File{{Name: "1", Content: strings.NewReader("one")}, {Name: "2", Content: strings.NewReader("two")}},
			})
			require.NoError(t, err)
			require.Equal(t, map[string][]string{"title": {"a & b = ü"}, "tag": {"x", "y"}}, echo.Form)
			require.Equal(t, []string{"naïve"}, echo.Files["file"])
			require.Len(t, echo.Files["more"], 2)
			require.Equal(t, known, echo.Headers["Content-Length"] != nil)
		})
	}
}

// curl -F sends the same form, byte for byte but for the boundary.
func TestUploadFormAsCurlDoes(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Log("there is no curl to compare with")
		return
	}
	var body bytes.Buffer
	var length int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body.Reset()
		_, _ = io.Copy(&body, r.Body)
		length = r.ContentLength
	}))
	defer server.Close()
	path := filepath.Join(t.TempDir(), "notes é.txt")
	require.NoError(t, os.WriteFile(path, []byte("line\r\n--end"), 0o600))

	out, err := exec.Command(curl, "--silent", "--show-error", "--noproxy", "*", "--form-escape",
		"-F", "title=a & b\"=ü", "-F", "file=@"+path+";type=text/plain;filename=notes \"1\".txt", "-F", "tag=x", "-F", "tag=y",
		"-F", "more=@"+path+";type=application/octet-stream;filename=2", server.URL).CombinedOutput()
	require.NoError(t, err, "%s", out)
	want, wantLength := withoutBoundary(body.String()), length

	file, err := crest.OpenFile(path)
	require.NoError(t, err)
	second := file
	file.Name, file.ContentType, second.Name = `notes "1".txt`, "text/plain", "2"
	c, err := crest.New[*crest.Problem](server.URL)
	require.NoError(t, err)
	defer c.Close()
	_, err = crest.Post[uploadRequest, crest.Empty]("/").Call(t.Context(), c, uploadRequest{
		Title: "a & b\"=ü", File: file, Tags: []string{"x", "y"}, More: []crest.File{second},
	})
	require.NoError(t, err)
	require.Equal(t, want, withoutBoundary(body.String()))
	require.Positive(t, wantLength)
	require.Positive(t, length)
}

var delimiter = regexp.MustCompile(`--[-A-Za-z0-9]{20,70}?(--)?\r\n`)

func withoutBoundary(body string) string { return delimiter.ReplaceAllString(body, "--boundary$1\r\n") }
