package bookshop

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/crest-go/crest"
)

// Version is the version of this SDK, as it stands in the User-Agent header.
const Version = "1.0.0"

// BaseURL is where the API is, unless [WithBaseURL] says otherwise.
const BaseURL = "https://api.bookshop.example/v1"

// What the API asks of its users, and what a Client gives it.
const (
	// RequestsPerSecond is how many requests a Client sends in any second, the most that the API takes.
	RequestsPerSecond = 50
	// Timeout is how long a call may take, with all its attempts. Those that stream are not bound by it once they have begun.
	Timeout = 30 * time.Second
	// UploadTimeout is how long [Client.SetCover] may take.
	UploadTimeout = 10 * time.Minute
	// attemptTimeout is how long one attempt may take, so that a hanging one leaves time for another.
	attemptTimeout = 10 * time.Second
)

// Client calls the Bookshop API. It is made by [New], is immutable and safe for concurrent use. A nil or zero Client gives an error from
// each call. Close it when it is done.
type Client struct{ *crest.Client[*crest.Problem] }

// New returns a Client that identifies itself by token. All mistakes in the options are reported together.
func New(token string, opts ...Option) (*Client, error) {
	if token == "" {
		return nil, errors.New("bookshop: the token is empty")
	}
	s := settings{baseURL: BaseURL, options: []crest.ClientOption{
		crest.WithBearer(crest.NewSecret(token)),
		crest.WithHeader("User-Agent", "bookshop-go/"+Version+" crest/"+crest.Version),
		crest.WithRateLimit(RequestsPerSecond, time.Second),
		crest.WithTimeouts(crest.Timeouts{Total: Timeout, Attempt: attemptTimeout}),
		crest.WithErrors(busy),
	}}
	for _, o := range opts {
		o(&s)
	}
	c, err := crest.New[*crest.Problem](s.baseURL, s.options...)
	if err != nil {
		return nil, err
	}
	return &Client{c}, nil
}

// Option changes what [New] makes. Of two that say the same the later one wins.
type Option func(*settings)

type settings struct {
	baseURL string
	options []crest.ClientOption
}

// WithBaseURL uses the API at this URL in place of [BaseURL], such as one for trials. Over plain http the token goes to this
// machine only.
func WithBaseURL(url string) Option { return func(s *settings) { s.baseURL = url } }

// WithLogger writes what happens to the calls to logger: one record for each at Info, one for each attempt at Debug, and never the token.
func WithLogger(logger *slog.Logger) Option { return WithOptions(crest.WithLogger(logger)) }

// WithTransport sends through rt, such as a fake in a test.
func WithTransport(rt http.RoundTripper) Option { return WithOptions(crest.WithTransport(rt)) }

// WithOptions is for everything else: proxies, middleware, other timeouts, a token that changes. They win over what the Client would
// do by itself.
func WithOptions(opts ...crest.ClientOption) Option {
	return func(s *settings) { s.options = append(s.options, opts...) }
}
