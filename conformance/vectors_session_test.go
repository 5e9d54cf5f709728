package conformance

import (
	"context"
	"net/http"
	"net/url"

	"github.com/crest-go/crest"
)

// sessions are exchanges of rows that say something of their client, in words.
var sessions = map[string]driver{
	"session": wrappedSession,
	"client":  closedSession,
}

// sessionOf is the driver of an exchange by its inputs, nil for none.
func sessionOf(in *object) driver {
	for key, drive := range sessions {
		if value := in.values[key]; value != nil && value != true && value != false {
			return drive
		}
	}
	return nil
}

// wrappedSession: a transport around another one that changes the host.
func wrappedSession(r *row) (facts, error) {
	if words := r.in.text("session"); words != "wraps another session and rewrites the URL host per request" {
		panic("no session that " + words)
	}
	s := r.site()
	inner := s.transport(r)
	rewriting := roundTripper(func(req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.URL.Host, req.Host = "other.example", "other.example"
		return inner.RoundTrip(req)
	})
	p := &plan{method: r.method(), clientOpts: []crest.ClientOption{crest.WithTransport(rewriting)}}
	resp, err := p.do(r, "http://example.com")
	if err != nil {
		return nil, err
	}
	return facts{"status": resp.StatusCode, "host_rewritten": must1(url.Parse(s.requests()[0].url)).Host == "other.example"}, nil
}

// sessionByName: a table of transports in the program.
func sessionByName(r *row) (facts, error) {
	transports := map[string]http.RoundTripper{"requests": r.site().transport(r), "httpx": r.site().transport(r), "aiohttp": r.site().transport(r)}
	p := &plan{method: http.MethodGet, clientOpts: []crest.ClientOption{crest.WithTransport(transports[r.in.text("name")])}}
	_, err := p.do(r, "http://example.com")
	return facts{"ok": err == nil}, err
}

// setToken: a credential that is set while the client runs.
func setToken(r *row) (facts, error) {
	s := r.site()
	token := crest.NewToken("")
	p := &plan{method: http.MethodGet, clientOpts: []crest.ClientOption{
		crest.WithTransport(s.transport(r)), crest.WithAuthorization("OAuth", token), crest.WithPlainCredentials(),
	}}
	prepared, err := p.prepare(r, "http://example.com")
	if err != nil {
		return nil, err
	}
	token.Set(r.in.text("token"))
	if _, err := prepared.Send(context.Background()); err != nil {
		return nil, err
	}
	f := headerFacts(s.requests()[0].header)
	return facts{"header": f["equals"]}, nil
}
