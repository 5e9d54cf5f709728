package examples

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/examples/github"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fence matches a block of Go code in README.md and the name of its file, which stands in backticks before it. TestDocsPrograms, in the
// root package, builds them.
var fence = regexp.MustCompile("`([a-z/]+\\.go)`:\n\n```go\n((?s:.*?))```\n")

// blocks returns the programs of README.md by file name.
func blocks(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, m := range fence.FindAllStringSubmatch(readme(t), -1) {
		found[m[1]] = m[2]
	}
	require.NotEmpty(t, found)
	return found
}

func readme(t *testing.T) string { return read(t, "../README.md") }

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	require.NoError(t, err)
	return string(text)
}

// The SDK in README.md is the one in this folder, which has tests.
func TestReadmeShowsTheTestedSDK(t *testing.T) {
	for name, code := range blocks(t) {
		if strings.HasPrefix(name, "github/") {
			require.Equal(t, read(t, name), code, "README.md and %s differ", name)
		}
	}
}

// The messages in README.md are those that crest gives.
func TestReadmeShowsRealMessages(t *testing.T) {
	type wait struct {
		Duration string `path:"duration"`
	}
	type GetBook struct {
		ISBN  string `query:"isbn"`
		Shelf string
	}
	for name, fails := range map[string]func(t *testing.T) error{
		"status": func(t *testing.T) error {
			_, err := hub(t, http.StatusNotFound, "application/json", `{"message": "Not Found"}`).Repo(t.Context(), "golang", "gone")
			return err
		},
		"validation": func(t *testing.T) error {
			_, err := hub(t, 0, "", "").OpenIssue(t.Context(), github.NewIssue{GetRepo: github.GetRepo{Owner: "golang", Name: "go"}})
			return err
		},
		"content type": func(t *testing.T) error {
			c := hub(t, http.StatusOK, "text/html", "<p>Log in to the hotel's network")
			_, err := crest.Get[crest.Empty, []string]("/books").Call(t.Context(), c, crest.Empty{})
			return err
		},
		"timeout": func(t *testing.T) error {
			hangs := transport(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, context.Cause(r.Context())
			})
			c, err := github.New(crest.WithTransport(hangs), crest.WithTimeout(50*time.Millisecond))
			require.NoError(t, err)
			_, err = crest.Get[wait, any]("/delay/{duration}").Call(t.Context(), c, wait{"5s"})
			return err
		},
		"declaration": func(t *testing.T) error {
			_, err := crest.NewEndpointOf("GET", "/books/{id}", reflect.TypeFor[GetBook](), reflect.TypeFor[crest.Empty]())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			synctest.Test(t, func(t *testing.T) { err = fails(t) }) // the clock of a bubble knows no busy machine
			require.Error(t, err)
			message := strings.ReplaceAll(err.Error(), "examples.GetBook", "books.GetBook")
			require.True(t, strings.Contains(readme(t), "\n"+message+"\n"), "README.md lacks this message:\n%s", message)
		})
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// hub is a client whose server always answers in one way.
func hub(t *testing.T, status int, contentType, body string) *github.Client {
	t.Helper()
	c, err := github.New(crest.WithTransport(transport(func(*http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.WriteString(body)
		return w.Result(), nil
	})))
	require.NoError(t, err)
	return c
}
