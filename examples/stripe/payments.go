package stripe

import (
	"context"

	"github.com/crest-go/crest"
)

var (
	createPayment  = crest.Post[NewPaymentIntent, PaymentIntent]("/payment_intents")
	getPayment     = crest.Get[paymentRequest, PaymentIntent]("/payment_intents/{id}")
	confirmPayment = crest.Post[confirmRequest, PaymentIntent]("/payment_intents/{id}/confirm")
)

// PaymentIntent is a payment on its way, from the wish to the money.
type PaymentIntent struct {
	ID           string               `json:"id" validate:"required"`
	Amount       int64                `json:"amount"` // in the currency's smallest unit, such as cents
	Currency     string               `json:"currency"`
	Status       string               `json:"status"` // "requires_payment_method", "succeeded"
	Customer     Expandable[Customer] `json:"customer"`
	Description  string               `json:"description"`
	Metadata     map[string]string    `json:"metadata"`
	Created      Timestamp            `json:"created"`
	ClientSecret crest.Secret         `json:"client_secret"` // for the payer's browser, and for nobody's log
}

// NewPaymentIntent is a payment that is to be.
type NewPaymentIntent struct {
	Amount             int64             `form:"amount" validate:"gt=0"` // in the currency's smallest unit
	Currency           string            `form:"currency" validate:"len=3,lowercase"`
	Customer           string            `form:"customer,omitzero"` // an ID
	Description        string            `form:"description,omitzero"`
	PaymentMethod      string            `form:"payment_method,omitzero"`
	PaymentMethodTypes []string          `form:"payment_method_types[]"` // none: those of the account's settings
	Confirm            bool              `form:"confirm,omitzero"`       // charge at once
	Shipping           *Shipping         `form:"shipping,style=deepObject,omitzero"`
	Metadata           map[string]string `form:"metadata,style=deepObject"`
	Expand             []string          `form:"expand[]"` // "customer"
	// IdempotencyKey is by what Stripe knows that a payment is no second one. "" is a random key of the call.
	IdempotencyKey string `header:"Idempotency-Key,omitzero" validate:"max=255"`
}

// Shipping says where to.
type Shipping struct {
	Name    string  `json:"name" validate:"required"`
	Address Address `json:"address"`
}

type paymentRequest struct {
	ID     string   `path:"id" validate:"required"`
	Expand []string `query:"expand[]"`
}

type confirmRequest struct {
	ID            string `path:"id" validate:"required"`
	PaymentMethod string `form:"payment_method,omitzero"`
}

// CreatePaymentIntent makes a payment. A card that is charged at once, by Confirm, may be a [*CardError].
func (c *Client) CreatePaymentIntent(ctx context.Context, payment NewPaymentIntent) (PaymentIntent, error) {
	return createPayment.Call(ctx, c, payment)
}

// PaymentIntent returns the payment with this ID. What expand names is an object in place of its ID: "customer".
func (c *Client) PaymentIntent(ctx context.Context, id string, expand ...string) (PaymentIntent, error) {
	return getPayment.Call(ctx, c, paymentRequest{id, expand})
}

// ConfirmPaymentIntent charges a payment. A method of "" is the payment's own. A card that cannot be charged is a [*CardError].
func (c *Client) ConfirmPaymentIntent(ctx context.Context, id, method string) (PaymentIntent, error) {
	return confirmPayment.Call(ctx, c, confirmRequest{id, method})
}
