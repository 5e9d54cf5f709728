// Package docs declares what the blocks of code in docs/errors.md take for granted.
package docs

import (
	"context"
	"errors"

	bookshop "github.com/crest-go/crest/examples/sdk"
)

// Loan is asked for.
type Loan struct {
	ISBN string `json:"isbn"`
}

// Receipt is the answer.
type Receipt struct {
	Number int `json:"number"`
}

// Outage is what a 5xx means.
type Outage struct {
	Until string `json:"until"`
}

func (e *Outage) Error() string { return "down until " + e.Until }

var (
	ctx     context.Context
	err     error
	shop    *bookshop.Client
	errSold = errors.New("sold")
)
