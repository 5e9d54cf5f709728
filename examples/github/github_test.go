package github_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/examples/github"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake answers in place of GitHub, in the form that GitHub documents.
type fake http.HandlerFunc

func (f fake) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	f(w, r)
	return w.Result(), nil
}

func newClient(t *testing.T, f fake) *github.Client {
	t.Helper()
	c, err := github.New(crest.WithTransport(f), crest.WithBearer(crest.NewSecret("t0ken")))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func TestRepo(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "https://api.github.com/repos/golang/go", r.URL.String())
		require.Equal(t, "Bearer t0ken", r.Header.Get("Authorization"))
		require.NotEmpty(t, r.UserAgent(), "GitHub refuses requests without one")
		w.Header().Set("ETag", `W/"1"`)
		fmt.Fprint(w, `{"full_name": "golang/go", "stargazers_count": 130000, "homepage": null, "id": 23096959}`)
	})
	repo, err := c.Repo(t.Context(), "golang", "go")
	require.NoError(t, err)
	require.Equal(t, github.Repo{FullName: "golang/go", Stars: 130000, Homepage: crest.Null[string](), ETag: `W/"1"`}, repo)
}

func TestRepoNotFound(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}`)
	})
	_, err := c.Repo(t.Context(), "golang", "gone")
	require.EqualError(t, err, "crest: GET /repos/{owner}/{repo}: 404 Not Found")
	missing, ok := errors.AsType[*github.NotFound](err)
	require.True(t, ok)
	require.Equal(t, "Not Found", missing.Message)
}

func TestOpenIssue(t *testing.T) {
	sent := 0
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		sent++
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Equal(t, "/repos/golang/go/issues", r.URL.Path)
		require.JSONEq(t, `{"title": "net/http: no", "labels": ["help wanted"]}`, string(body))
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"number": 1347}`)
	})
	issue := github.NewIssue{
		GetRepo: github.GetRepo{Owner: "golang", Name: "go"},
		Title:   "net/http: no", Labels: []string{"help wanted"},
	}
	got, err := c.OpenIssue(t.Context(), issue)
	require.NoError(t, err)
	require.Equal(t, 1347, got.Number)

	issue.Title = ""
	_, err = c.OpenIssue(t.Context(), issue)
	require.ErrorIs(t, err, crest.ErrRequest)
	require.Equal(t, 1, sent)
}

func TestOtherFailures(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"message": "API rate limit exceeded"}`)
	})
	_, err := c.Repo(t.Context(), "golang", "go")
	require.ErrorIs(t, err, crest.Status(403))
	said, ok := c.AsError(err)
	require.True(t, ok)
	require.Equal(t, "API rate limit exceeded", said.Message)
}
