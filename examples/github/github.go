// Package github is an SDK for a corner of GitHub's API.
package github

import (
	"context"

	"github.com/crest-go/crest"
)

// Client calls GitHub. A failed answer becomes an *Error, unless an endpoint says otherwise.
type Client struct{ *crest.Client[*Error] }

// New returns a Client. crest.WithBearer(crest.NewSecret(token)) is one of the options.
func New(opts ...crest.ClientOption) (*Client, error) {
	c, err := crest.New[*Error]("https://api.github.com", opts...)
	if err != nil {
		return nil, err
	}
	return &Client{c}, nil
}

var getRepo = crest.Get[GetRepo, Repo]("/repos/{owner}/{repo}",
	crest.WithErrors(crest.ErrorMap{404: crest.As[*NotFound]()}))

// GetRepo says which repository is meant.
type GetRepo struct {
	Owner string `path:"owner"`
	Name  string `path:"repo"`
}

// Repo is a repository: its ETag comes from a header, the rest from the body.
type Repo struct {
	FullName string            `json:"full_name" validate:"required"`
	Stars    int               `json:"stargazers_count"`
	Homepage crest.Opt[string] `json:"homepage"` // unset, null or a value
	ETag     string            `header:"ETag"`
}

// Error is GitHub's error model.
type Error struct {
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Message }

// NotFound is an error of its own, because callers want to tell it apart.
type NotFound struct {
	Message string `json:"message"`
}

func (e *NotFound) Error() string { return e.Message }

// Repo returns a repository, or a [*NotFound].
func (c *Client) Repo(ctx context.Context, owner, name string) (Repo, error) {
	return getRepo.Call(ctx, c, GetRepo{Owner: owner, Name: name})
}
