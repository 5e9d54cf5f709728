// Package stripe is an SDK of a part of Stripe's API: customers and payment intents. It shows how crest speaks with an API that takes
// forms with names in brackets, answers JSON, and knows repeated requests by a key. It is for copying, and is not Stripe's: whoever
// wants all of the API takes the SDK that Stripe makes.
//
//	c, err := stripe.New(crest.NewSecret(os.Getenv("STRIPE_KEY")))
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//
//	payment, err := c.CreatePaymentIntent(ctx, stripe.NewPaymentIntent{Amount: 1099, Currency: "usd", Customer: "cus_123"})
//
// A [Client] is safe for concurrent use; a program needs one.
//
// # Errors
//
//	if card, ok := errors.AsType[*stripe.CardError](err); ok {
//		fmt.Println(card.Code, card.DeclineCode) // the payer has to take another card
//	}
//	if no, ok := errors.AsType[*stripe.Error](err); ok {
//		fmt.Println(no.Type, no.Code, no.Param)
//	}
//
// Every refusal is an [*Error] that says what Stripe said; a declined card is a [*CardError] besides. All of them are a [*crest.Error],
// with the status and the request's id, which Stripe's support asks for: errors.Is(err, crest.Status(404)) is true where there is no
// such object. What went wrong before or after Stripe's answer is told by crest's errors.
//
// # Retries
//
// Each POST carries an idempotency key, made once per call, so that a lost answer does not charge twice and the call is tried again as a
// GET is. To go on with a call after the program has ended, give it a key of your own: [NewPaymentIntent] has a field for it.
package stripe
