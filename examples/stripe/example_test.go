package stripe_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/examples/stripe"
)

var ctx = context.Background()

// open makes a client of a stripe-mock. A program of yours has stripe.New(key).
func open() *stripe.Client {
	c, err := stripe.New(crest.NewSecret("sk_test_123"), stripe.WithBaseURL(stripe.MockURL()+"/v1"))
	if err != nil {
		panic(err)
	}
	return c
}

func Example() {
	c := open() // stripe.New(crest.NewSecret(os.Getenv("STRIPE_KEY")))
	defer c.Close()

	payment, err := c.CreatePaymentIntent(ctx, stripe.NewPaymentIntent{
		Amount: 1099, Currency: "usd", Customer: "cus_123", Metadata: map[string]string{"order": "7"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.Amount, payment.Currency, payment.Status, payment.ClientSecret)
	// Output: 1099 usd requires_payment_method [redacted]
}

func ExampleClient_Customers() {
	c := open()
	defer c.Close()

	for customer, err := range c.Customers(ctx, stripe.CustomerFilter{PageSize: 100}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(customer.Created.Time().Year())
	}
	// Output: 2009
}

func ExampleClient_UpdateCustomer() {
	c := open()
	defer c.Close()

	customer, err := c.UpdateCustomer(ctx, "cus_123", stripe.CustomerParams{
		Description: new("since 1998"), Name: new(""), Metadata: map[string]string{"order": ""}, // the name and the entry are taken away
	})
	fmt.Println(customer.ID, customer.Description, err)
	// Output: cus_123 since 1998 <nil>
}

func ExampleError() {
	c := open()
	defer c.Close()

	_, err := c.ConfirmPaymentIntent(ctx, "pi_123/elsewhere", "")
	if card, ok := errors.AsType[*stripe.CardError](err); ok {
		fmt.Println("another card, please:", card.DeclineCode)
	} else if no, ok := errors.AsType[*stripe.Error](err); ok {
		fmt.Println(no.Type, errors.Is(err, crest.Status(404)))
	}
	// Output: invalid_request_error true
}
