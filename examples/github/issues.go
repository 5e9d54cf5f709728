package github

import (
	"context"

	"github.com/crest-go/crest"
)

var openIssue = crest.Post[NewIssue, Issue]("/repos/{owner}/{repo}/issues", crest.WithSuccess(201))

// NewIssue is sent by POST: the fields of GetRepo go into the path, those with json tags are the body.
type NewIssue struct {
	GetRepo
	Title  string   `json:"title" validate:"required,max=256"`
	Labels []string `json:"labels,omitempty"`
}

// Issue is what GitHub answers.
type Issue struct {
	Number int `json:"number" validate:"gt=0"`
}

// OpenIssue opens an issue. One without a title is not sent.
func (c *Client) OpenIssue(ctx context.Context, issue NewIssue) (Issue, error) {
	return openIssue.Call(ctx, c, issue)
}
