package stripe

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// stripe-mock knows Stripe's specification: it refuses parameters that are not in it, or not of its types, and versions that are another's.
// It keeps nothing, so what comes back is what was sent and, for the rest, always the same.

// wire keeps the last request.
type wire struct {
	header      http.Header
	query, form string
}

func (w *wire) tap() Option {
	return WithOptions(crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			w.header, w.query, w.form = r.Header.Clone(), plain(r.URL.RawQuery), ""
			if r.GetBody != nil {
				body, err := r.GetBody()
				if err != nil {
					return nil, err
				}
				text, err := io.ReadAll(body)
				if err != nil {
					return nil, err
				}
				w.form = plain(string(text))
			}
			return next.RoundTrip(r)
		})
	}))
}

// plain is a form for people to read.
func plain(form string) string {
	text, err := url.QueryUnescape(form)
	if err != nil {
		return err.Error()
	}
	return text
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTheLifeOfACustomer(t *testing.T) {
	var sent wire
	c, ctx := mocked(t, sent.tap()), t.Context()
	made, err := c.CreateCustomer(ctx, CustomerParams{Email: new("ann@example.com"), Name: new("Ann & Co"), Address: &Address{City: "Bern", Country: "CH"},
		Metadata: map[string]string{"order": "7", "a b": "c=d"}})
	require.NoError(t, err)
	require.Equal(t, "ann@example.com", made.Email)
	require.Equal(t, time.Unix(1234567890, 0), made.Created.Time())
	require.Equal(t, "email=ann@example.com&name=Ann & Co&address[city]=Bern&address[country]=CH&metadata[a b]=c=d&metadata[order]=7", sent.form)
	require.Equal(t, "application/x-www-form-urlencoded", sent.header.Get("Content-Type"))

	changed, err := c.UpdateCustomer(ctx, made.ID, CustomerParams{Description: new("since 1998"), Name: new(""), Metadata: map[string]string{"order": ""}})
	require.NoError(t, err)
	require.Equal(t, made.ID, changed.ID)
	require.Equal(t, "since 1998", changed.Description)
	require.Equal(t, "name=&description=since 1998&metadata[order]=", sent.form)

	_, err = c.UpdateCustomer(ctx, made.ID, CustomerParams{})
	require.NoError(t, err)
	require.Empty(t, sent.form)

	got, err := c.Customer(ctx, made.ID)
	require.NoError(t, err)
	require.Equal(t, made.ID, got.ID)
	require.NoError(t, c.DeleteCustomer(ctx, made.ID))
}

func TestCustomersOfStripeMock(t *testing.T) {
	var sent wire
	c := mocked(t, sent.tap())
	filter := CustomerFilter{Email: "ann@example.com", Created: Range{From: At(time.Unix(1_700_000_000, 0))}, PageSize: 3}
	customers := 0
	for customer, err := range c.Customers(t.Context(), filter) {
		require.NoError(t, err)
		require.NotEmpty(t, customer.ID)
		customers++
	}
	require.Equal(t, 1, customers)
	require.Equal(t, "email=ann@example.com&created[gte]=1700000000&limit=3", sent.query)
}

func TestAPayment(t *testing.T) {
	var sent wire
	c, ctx := mocked(t, sent.tap()), t.Context()
	made, err := c.CreatePaymentIntent(ctx, NewPaymentIntent{Amount: 1099, Currency: "usd", Customer: "cus_9", PaymentMethodTypes: []string{"card", "link"},
		Shipping: &Shipping{Name: "Ann", Address: Address{Line1: "Münzgasse 1"}}, Metadata: map[string]string{"order": "7"}, IdempotencyKey: "order-7"})
	require.NoError(t, err)
	require.Equal(t, int64(1099), made.Amount)
	require.Equal(t, Expandable[Customer]{ID: "cus_9"}, made.Customer)
	require.Contains(t, made.ClientSecret.Reveal(), "_secret_")
	require.NotContains(t, fmt.Sprintf("%+v", made), "_secret_")
	require.Equal(t, "amount=1099&currency=usd&customer=cus_9&payment_method_types[]=card&payment_method_types[]=link"+
		"&shipping[name]=Ann&shipping[address][line1]=Münzgasse 1&metadata[order]=7", sent.form)
	require.Equal(t, "order-7", sent.header.Get("Idempotency-Key"))
	require.Equal(t, APIVersion, sent.header.Get("Stripe-Version"))

	got, err := c.PaymentIntent(ctx, made.ID, "customer")
	require.NoError(t, err)
	require.Equal(t, "expand[]=customer", sent.query)
	require.NotNil(t, got.Customer.Object)
	require.Equal(t, got.Customer.ID, got.Customer.Object.ID)
	require.Equal(t, Timestamp(1234567890), got.Customer.Object.Created)

	confirmed, err := c.ConfirmPaymentIntent(ctx, made.ID, "pm_card_visa")
	require.NoError(t, err)
	require.Equal(t, made.ID, confirmed.ID)
	require.Equal(t, "payment_method=pm_card_visa", sent.form)
	require.Len(t, sent.header.Get("Idempotency-Key"), 36)
}

func TestRefusalsOfStripeMock(t *testing.T) {
	for name, tt := range map[string]struct {
		opt     Option
		status  int
		request string
		says    string
	}{
		"a parameter that is not in the specification": {WithOptions(crest.WithQuery("tip", "1")), 400, "req_123", "additional properties are not allowed"},
		"a version that is another's":                  {WithOptions(crest.WithHeader("Stripe-Version", "2020-08-27")), 400, "", "2020-08-27"},
		"a key that is none":                           {WithOptions(crest.WithBearer(crest.NewSecret("nobody"))), 401, "", "Please authenticate"},
		"a URL that is none":                           {WithBaseURL(MockURL() + "/v0"), 404, "req_123", "Unrecognized request URL"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := mocked(t, tt.opt).CreatePaymentIntent(t.Context(), NewPaymentIntent{Amount: 1, Currency: "usd"})
			no, ok := errors.AsType[*Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, TypeInvalidRequest, no.Type)
			require.ErrorContains(t, no, tt.says)
			answer, ok := errors.AsType[*crest.Error](err)
			require.True(t, ok)
			require.Equal(t, tt.status, answer.StatusCode)
			require.Equal(t, tt.request, answer.RequestID)
			require.Equal(t, 1, answer.Attempts)
		})
	}
}
