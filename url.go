package crest

import (
	"fmt"
	"net/url"
)

// target is a URL that stands in place of base and route.
type target struct {
	u        *url.URL
	query    url.Values
	complete bool // its query is the whole of the model's question, and wins over that of options
}

// has reports whether the URL brings a query parameter. A nil target, of a call without WithURL, brings none.
func (t *target) has(name string) bool { return t != nil && t.query.Has(name) }

// WithURL sends the call to this URL, such as a link from an answer or a presigned one, in place of base URL
// and route. On the client's own origin everything else holds, but that a query parameter of client or endpoint gives way to one of
// the URL, and that a key or a [Secret] of the path that the URL repeats is hidden as elsewhere. On another origin the request goes out bare:
// with the fields of its own model and the options of the call, but without credentials, cookies, [Secret]
// fields and the headers and query parameters of client and endpoint. Only http and https are taken, no
// credentials inside the URL, and no step from https down to http. Its query is sent as written, before the
// parameters of the model. A fragment stays on [Response.URL] and is never sent.
func WithURL(text string) CallOption {
	return callOption(func(s *settings) error {
		u, err := parseURL(text)
		if err != nil {
			return fmt.Errorf("WithURL: %w", err)
		}
		if u.Path == "" {
			u.Path = "/"
		}
		u.RawQuery = cleanQuery(u.RawQuery)
		s.url = &target{u: u, query: u.Query()}
		return nil
	})
}

// asWritten takes the URL of WithURL for a link of the server's to the same question's next part: the model's own path and
// query stay out of it, and options add what it does not name.
func asWritten() CallOption {
	return callOption(func(s *settings) error {
		if s.url != nil {
			s.url = &target{s.url.u, s.url.query, true}
		}
		return nil
	})
}
