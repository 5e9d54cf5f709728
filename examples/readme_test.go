package examples

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
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

// programs returns the files that a page gives to its reader, by name.
func programs(text string) map[string]string {
	found := map[string]string{}
	for _, b := range docBlocks(text) {
		if b.file != "" {
			found[b.file] = b.code
		}
	}
	return found
}

func readme(t *testing.T) string { return read(t, "../README.md") }

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	require.NoError(t, err)
	return string(text)
}

// A newcomer puts the files of a page into an empty folder. They must compile there at the first try, and their tests pass.
func TestDocsPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a module")
	}
	dir := newcomer(t)
	var pages []string
	for page, text := range docPages(t) {
		files := programs(text)
		if len(files) > 0 {
			pages = append(pages, page)
		}
		for name, code := range files {
			write(t, dir, filepath.Join(path.Base(strings.TrimSuffix(strings.TrimPrefix(page, "README.md"), ".md")), name), code)
		}
	}
	require.ElementsMatch(t, []string{"README.md", "docs/start.md", "docs/models.md", "docs/errors.md"}, pages)
	for _, command := range []string{"vet", "test"} {
		cmd := exec.CommandContext(t.Context(), "go", command, "./...")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
}

// newcomer is a folder with a module that has crest.
func newcomer(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	write(t, dir, "go.mod", strings.Replace(read(t, "../go.mod"), "module github.com/crest-go/crest\n", "module example.com/hello\n", 1)+
		fmt.Sprintf("\nrequire github.com/crest-go/crest v0.0.0\n\nreplace github.com/crest-go/crest => %q\n", root))
	write(t, dir, "go.sum", read(t, "../go.sum"))
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// The SDK in README.md is the one in this folder, which has tests.
func TestReadmeShowsTheTestedSDK(t *testing.T) {
	for name, code := range programs(readme(t)) {
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
