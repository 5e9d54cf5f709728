package stripe

import (
	"errors"
	"slices"
	"time"

	"github.com/crest-go/crest"
)

// BaseURL is where the API is, unless [WithBaseURL] says otherwise.
const BaseURL = "https://api.stripe.com/v1"

// APIVersion is the version of the API that this SDK is written for. It is sent with each request.
const APIVersion = "2026-08-26.dahlia"

// Timeout is how long a call may take, with all its attempts.
const Timeout = 80 * time.Second

// attemptTimeout is how long one attempt may take: banks take their time.
const attemptTimeout = 30 * time.Second

// Client calls Stripe's API. It is made by [New], is immutable and safe for concurrent use. A nil or zero Client gives an error from each
// call. Close it when it is done.
type Client struct{ *crest.Client[*Error] }

// New returns a Client that identifies itself by key, a secret or a restricted one. All mistakes in the options are reported together.
func New(key crest.Secret, opts ...Option) (*Client, error) {
	if key.IsZero() {
		return nil, errors.New("stripe: the key is empty")
	}
	s := settings{baseURL: BaseURL, options: []crest.ClientOption{
		crest.WithBearer(key),
		crest.WithHeader("Stripe-Version", APIVersion),
		crest.WithHeader("User-Agent", "crest-example-stripe/1 crest/"+crest.Version),
		crest.WithIdempotencyKey(crest.IdempotencyKey{}),
		crest.WithTimeouts(crest.Timeouts{Total: Timeout, Attempt: attemptTimeout}),
		crest.WithRetry(crest.Retry{Statuses: []int{}, If: passes}),
		crest.WithErrors(refusals),
	}}
	for _, o := range opts {
		o(&s)
	}
	c, err := crest.New[*Error](s.baseURL, s.options...)
	if err != nil {
		return nil, err
	}
	return &Client{c}, nil
}

// passing are the statuses that pass by themselves: beside the usual ones 409, which says that another request with the same key, or on
// the same object, is under way.
var passing = []int{409, 429, 500, 502, 503, 504}

// passes says whether an answer is worth another attempt. Stripe knows best and often says so in a header; otherwise the status tells.
func passes(err error) bool {
	answer, ok := errors.AsType[*crest.Error](err)
	if !ok {
		return false
	}
	if again := answer.Header.Get("Stripe-Should-Retry"); again != "" {
		return again == "true"
	}
	return slices.Contains(passing, answer.StatusCode)
}

// Option changes what [New] makes. Of two that say the same the later one wins.
type Option func(*settings)

type settings struct {
	baseURL string
	options []crest.ClientOption
}

// WithBaseURL uses the API at this URL in place of [BaseURL], such as a stripe-mock's. Over plain http the key goes to this machine only.
func WithBaseURL(url string) Option { return func(s *settings) { s.baseURL = url } }

// WithOptions is for everything else: transports, proxies, a logger, a connected account (the header Stripe-Account). They win over what the Client would do by itself.
func WithOptions(opts ...crest.ClientOption) Option {
	return func(s *settings) { s.options = append(s.options, opts...) }
}
