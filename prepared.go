package crest

import (
	"context"
	"maps"
	"net/http"
	"net/url"
)

// Prepared is a call that was merged, validated and encoded, and not sent yet. Get it from [Endpoint.Prepare].
// It may be sent more than once if its body can be read again: everything but an io.Reader that cannot seek.
// It is not safe for concurrent use. The zero value is an empty request whose Send is an error.
type Prepared[Res any] struct{ call *call }

// out is the encoded request, an empty one for the zero value.
func (p *Prepared[Res]) out() *outgoing {
	if p == nil || p.call == nil {
		return &outgoing{url: &url.URL{}, body: payload{open: noBody}}
	}
	return p.call.out
}

// Method returns the HTTP method.
func (p *Prepared[Res]) Method() string { return p.out().method }

// URL returns a copy of the URL. Query parameters that are credentials are not in it,
// and a [Secret] in the path stands as [redacted].
func (p *Prepared[Res]) URL() *url.URL {
	u := *p.out().url
	return &u
}

// Host returns the Host header: the URL's, unless WithHeader set it.
func (p *Prepared[Res]) Host() string { return p.out().host }

// Header returns a copy of the headers, without credentials.
func (p *Prepared[Res]) Header() http.Header { return visible(p.out().header) }

// Body returns the encoded body as it is sent ([WithCompression] included), nil when there is none. A body that is read as it is sent (io.Reader, a factory) is not
// touched: the result is nil and known is false.
func (p *Prepared[Res]) Body() (body []byte, known bool) {
	b := &p.out().body
	if b.streamed {
		return nil, false
	}
	return b.coding.whole(b.bytes), true
}

// Send sends the call and returns what [Endpoint.Do] would.
func (p *Prepared[Res]) Send(ctx context.Context) (*Response[Res], error) {
	if p == nil || p.call == nil {
		return nil, failf(ErrRequest, "", "the Prepared is zero: get one from Endpoint.Prepare")
	}
	if ctx == nil {
		return nil, p.call.failed(ctx, failf(ErrRequest, "", "the context is nil: use context.Background()"))
	}
	again := p.call.again() // attempts are counted from zero each time
	if p.call.core.closed.Load() {
		return nil, again.failed(ctx, p.call.core.refusesClosed(ctx, again))
	}
	if err := ended(ctx); err != nil {
		return nil, again.refused(ctx, err)
	}
	var res Res
	a, err := sendInto(ctx, again, &res)
	if err != nil {
		return nil, err
	}
	return newResponse(a, res), nil
}

// visible is a copy of h without the entries that only suppress a header.
func visible(h http.Header) http.Header {
	out := h.Clone()
	maps.DeleteFunc(out, func(_ string, values []string) bool { return len(values) == 0 })
	return out
}
