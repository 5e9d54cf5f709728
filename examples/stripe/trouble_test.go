package stripe

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
)

// What stripe-mock never says is said by fakes that cresttest makes of the endpoints.

const fakeKey = "sk_test_a1b2c3"

func faked(t *testing.T, opts ...Option) (*cresttest.Server, *Client) {
	t.Helper()
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	c, err := New(crest.NewSecret(fakeKey), append([]Option{WithOptions(crest.WithTransport(srv.Transport()))}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return srv, c
}

// answer is a failure as Stripe sends it.
func answer(status int, body string, header ...string) cresttest.Fault {
	h := http.Header{"Content-Type": {"application/json"}, "Request-Id": {"req_7"}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return cresttest.Fault{Status: status, Header: h, Body: body}
}

func pay(_ context.Context, req NewPaymentIntent) (PaymentIntent, error) {
	return PaymentIntent{ID: "pi_1", Amount: req.Amount, Status: "succeeded", Customer: Expandable[Customer]{ID: req.Customer}}, nil
}

var lunch = NewPaymentIntent{Amount: 1099, Currency: "usd", Customer: "cus_1", Confirm: true}

const declined = `{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","message":"the bank says no",` +
	`"charge":"ch_1","payment_intent":{"id":"pi_1"}}}`

func TestADeclinedCard(t *testing.T) {
	srv, c := faked(t)
	cresttest.Handle(srv, createPayment, pay)
	srv.Fail(-1, answer(402, declined))
	_, err := c.CreatePaymentIntent(t.Context(), lunch)
	card, ok := errors.AsType[*CardError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, Detail{Type: TypeCard, Code: "card_declined", DeclineCode: "insufficient_funds", Message: "the bank says no"}, card.Detail)
	no, ok := errors.AsType[*Error](err)
	require.True(t, ok, "who looks at all refusals sees this one too")
	require.Equal(t, card.Detail, no.Detail)
	said, ok := errors.AsType[*crest.Error](err)
	require.True(t, ok)
	require.Equal(t, "req_7", said.RequestID)
	require.Equal(t, 1, said.Attempts)
	require.EqualError(t, err, "crest: POST /payment_intents: 402 Payment Required: card_error: the bank says no [card_declined] [insufficient_funds]")
}

func TestOtherRefusals(t *testing.T) {
	for name, tt := range map[string]struct {
		fault cresttest.Fault
		typ   string
	}{
		"a 402 that is not about a card":  {answer(402, `{"error":{"type":"invalid_request_error","message":"no funds"}}`), TypeInvalidRequest},
		"a parameter":                     {answer(400, `{"error":{"type":"invalid_request_error","param":"shipping[address]"}}`), TypeInvalidRequest},
		"a key that was used for another": {answer(400, `{"error":{"type":"idempotency_error"}}`), TypeIdempotency},
		"a gateway's page":                {cresttest.Fault{Status: 403, Body: "<html>no"}, ""},
		"JSON of somebody else":           {answer(403, `{"error":{}}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			srv, c := faked(t)
			cresttest.Handle(srv, createPayment, pay)
			srv.Fail(-1, tt.fault)
			_, err := c.CreatePaymentIntent(t.Context(), lunch)
			require.ErrorIs(t, err, crest.Status(tt.fault.Status))
			_, card := errors.AsType[*CardError](err)
			require.False(t, card)
			no, ok := errors.AsType[*Error](err)
			require.Equal(t, tt.typ != "", ok, "%v", err)
			if ok {
				require.Equal(t, tt.typ, no.Type)
			}
		})
	}
}

// However often a payment is sent, it has one key, by which Stripe knows it.
func TestAPaymentIsMadeOnce(t *testing.T) {
	for name, tt := range map[string]cresttest.Fault{
		"the answer is lost":                   {Cut: true},
		"too many requests":                    {Status: 429, RetryAfter: 2 * time.Second},
		"the same key is under way":            answer(409, `{"error":{"type":"idempotency_error"}}`),
		"Stripe is in trouble":                 answer(500, `{"error":{"type":"api_error"}}`),
		"Stripe says that it is worth a retry": answer(400, `{"error":{"type":"api_error"}}`, "Stripe-Should-Retry", "true"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, c := faked(t)
				cresttest.Handle(srv, createPayment, pay)
				srv.Fail(2, tt, createPayment)
				start := time.Now()
				made, err := c.CreatePaymentIntent(t.Context(), lunch)
				require.NoError(t, err)
				require.Equal(t, "cus_1", made.Customer.ID)
				require.GreaterOrEqual(t, time.Since(start), 2*tt.RetryAfter)
				calls := cresttest.Calls(srv, createPayment)
				require.Len(t, calls, 3)
				require.Len(t, calls[0].Header.Get("Idempotency-Key"), 36)
				for _, call := range calls {
					require.Equal(t, calls[0].Header.Get("Idempotency-Key"), call.Header.Get("Idempotency-Key"))
					require.Equal(t, "Bearer "+fakeKey, call.Header.Get("Authorization"))
				}
			})
		})
	}
}

func TestWhatStripeDoesNotWantAgainIsNotSentAgain(t *testing.T) {
	for _, status := range []int{429, 500} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			srv, c := faked(t)
			cresttest.Handle(srv, createPayment, pay)
			srv.Fail(1, answer(status, `{"error":{"type":"api_error"}}`, "Stripe-Should-Retry", "false"))
			_, err := c.CreatePaymentIntent(t.Context(), lunch)
			require.ErrorIs(t, err, crest.Status(status))
			require.Len(t, cresttest.Calls(srv, createPayment), 1)
		})
	}
}

func TestARateLimitThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := faked(t)
		cresttest.Handle(srv, getCustomer, func(_ context.Context, req customerRequest) (Customer, error) { return Customer{ID: req.ID}, nil })
		srv.Fail(-1, answer(429, `{"error":{"type":"invalid_request_error","code":"rate_limit"}}`))
		_, err := c.Customer(t.Context(), "cus_1")
		require.ErrorIs(t, err, crest.Status(429))
		no, ok := errors.AsType[*Error](err)
		require.True(t, ok)
		require.Equal(t, "rate_limit", no.Code)
		require.Len(t, cresttest.Calls(srv, getCustomer), 4)
	})
}

func TestCustomersWalksAllPages(t *testing.T) {
	srv, c := faked(t)
	cresttest.Handle(srv, listCustomers.Endpoint(), func(_ context.Context, req listCustomersRequest) (customerList, error) {
		last, _ := strconv.Atoi(req.After)
		return customerList{Data: []Customer{{ID: strconv.Itoa(last + 1)}, {ID: strconv.Itoa(last + 2)}}, More: last < 4}, nil
	})
	var ids []string
	for customer, err := range c.Customers(t.Context(), CustomerFilter{PageSize: 2}) {
		require.NoError(t, err)
		ids = append(ids, customer.ID)
	}
	require.Equal(t, []string{"1", "2", "3", "4", "5", "6"}, ids)
	var queries []string
	for _, call := range cresttest.Calls(srv, listCustomers.Endpoint()) {
		queries = append(queries, call.URL.RawQuery)
	}
	require.Equal(t, []string{"limit=2", "limit=2&starting_after=2", "limit=2&starting_after=4"}, queries)
}

func TestWhatBreaksItsRulesIsNotSent(t *testing.T) {
	_, c := faked(t)
	for name, payment := range map[string]NewPaymentIntent{
		"no money":       {Currency: "usd"},
		"no currency":    {Amount: 1},
		"no such nation": {Amount: 1, Currency: "usd", Shipping: &Shipping{Name: "Ann", Address: Address{Country: "Bern"}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.CreatePaymentIntent(t.Context(), payment)
			require.ErrorIs(t, err, crest.ErrRequest)
			require.ErrorIs(t, err, crest.KindValidation)
		})
	}
	_, err := c.Customer(t.Context(), "")
	require.ErrorIs(t, err, crest.KindValidation)
}

func TestAnAccountThatIsConnected(t *testing.T) {
	srv, c := faked(t, WithOptions(crest.WithHeader("Stripe-Account", "acct_1")))
	cresttest.Handle(srv, createPayment, pay)
	_, err := c.CreatePaymentIntent(t.Context(), lunch)
	require.NoError(t, err)
	call := cresttest.Calls(srv, createPayment)[0]
	require.Equal(t, "acct_1", call.Header.Get("Stripe-Account"))
	require.Equal(t, lunch.Amount, call.Req.Amount)
}

func TestNewTellsMistakes(t *testing.T) {
	_, err := New(crest.Secret{})
	require.EqualError(t, err, "stripe: the key is empty")
	_, err = New(crest.NewSecret(fakeKey), WithBaseURL("api.stripe.com"), WithOptions(crest.WithLogger(nil)))
	require.ErrorContains(t, err, "the URL has no scheme")
	require.ErrorContains(t, err, "the logger is nil")
	require.NotContains(t, err.Error(), fakeKey)
	_, err = new(Client).Customer(t.Context(), "cus_1")
	require.ErrorIs(t, err, crest.ErrRequest)
}
