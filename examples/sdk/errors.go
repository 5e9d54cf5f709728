package bookshop

import (
	"fmt"
	"strings"
	"time"

	"github.com/crest-go/crest"
)

// What an endpoint can answer beside its success stands at the endpoint: its errors are part of its declaration, and fakes know them from there.
var (
	mayBeMissing = crest.WithErrors(crest.ErrorMap{404: crest.As[*NotFound]()})
	mayBeInvalid = crest.WithErrors(crest.ErrorMap{422: crest.As[*Invalid]()})
	mayBeChanged = crest.WithErrors(crest.ErrorMap{412: crest.As[*Changed]()})
)

// busy makes a RateLimited of every 429, whatever its body is: they may come from a gateway before the shop.
var busy = crest.ErrorMap{429: crest.ErrorFunc(func(e *crest.Error) error { return &RateLimited{RetryAfter: e.RetryAfter} })}

// NotFound says that there is no such book, or that it has no cover.
type NotFound struct {
	Title  string `json:"title"`
	Detail string `json:"detail"` // which one
}

// Error returns what the shop says.
func (e *NotFound) Error() string { return e.Detail }

// Changed says that the book is not the one that was read: somebody else has changed it in the meantime. Read it again, look, and repeat.
type Changed struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// Error returns what the shop says.
func (e *Changed) Error() string { return e.Detail }

// Invalid says which fields the shop does not accept. What can be known without the shop, such as that a title is missing, is found before
// anything is sent, and is crest.ErrRequest.
type Invalid struct {
	Title  string         `json:"title"`
	Fields []InvalidField `json:"errors" validate:"required"`
}

// InvalidField is one of them.
type InvalidField struct {
	Name   string `json:"name"`   // as in JSON: "isbn"
	Reason string `json:"reason"` // "is in the shop already"
}

// Error returns the fields with their reasons in one line.
func (e *Invalid) Error() string {
	reasons := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		reasons[i] = f.Name + " " + f.Reason
	}
	return strings.Join(reasons, ", ")
}

// RateLimited says that the token was used for too many requests, by other programs too, and that waiting and trying again have not helped.
type RateLimited struct {
	RetryAfter time.Duration // how long the shop asks to wait; 0 if it does not say
}

// Error says how long to wait.
func (e *RateLimited) Error() string {
	if e.RetryAfter == 0 {
		return "too many requests"
	}
	return fmt.Sprintf("too many requests, wait for %s", e.RetryAfter)
}
