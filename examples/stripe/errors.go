package stripe

import (
	"errors"

	"github.com/crest-go/crest"
)

// The types of errors, as they stand in an [Error].
const (
	TypeCard           = "card_error"
	TypeIdempotency    = "idempotency_error" // a key was used again for another request
	TypeInvalidRequest = "invalid_request_error"
)

// refusals says which answers are more than an Error. A 402 that is none of a card's is an Error, and so is what lacks a type.
var refusals = crest.ErrorMap{402: crest.As[*CardError]()}

// Error is what Stripe says when it says no. The status and the request's id stand in the [*crest.Error] around it.
type Error struct {
	Detail `json:"error"`
}

// Detail is what Stripe tells of an error. What it leaves out is "".
type Detail struct {
	Type        string `json:"type" validate:"required"` // one of the types above, or a newer one
	Code        string `json:"code,omitzero"`            // "card_declined"
	Message     string `json:"message,omitzero"`         // for people; of a card's error it may be shown to the payer
	Param       string `json:"param,omitzero"`           // the parameter that is wrong: "shipping[address]"
	DeclineCode string `json:"decline_code,omitzero"`    // why the bank declined a card: "insufficient_funds"
}

// Error returns Stripe's message, with its codes and the parameter.
func (d *Detail) Error() string {
	text := d.Message
	for _, about := range [...]string{d.Code, d.DeclineCode, d.Param} {
		if about != "" {
			text += " [" + about + "]"
		}
	}
	return d.Type + ": " + text
}

// CardError says that a card cannot be charged. It is an [*Error] too.
type CardError struct {
	Detail `json:"error"`
}

// Validate refuses what is not about a card: crest then makes an Error of it.
func (e *CardError) Validate() error {
	if e.Type != TypeCard {
		return errors.New("not about a card")
	}
	return nil
}

// Unwrap returns the same as an Error.
func (e *CardError) Unwrap() error { return &Error{e.Detail} }
