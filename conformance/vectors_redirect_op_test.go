package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/crest-go/crest"
)

// redirectRules are the rules that an operation names.
func redirectRules(r *row) crest.Redirects {
	switch name := r.when.text("policy"); name {
	case "requests":
		return crest.RequestsRedirects()
	case "aiohttp":
		return crest.AiohttpRedirects()
	default:
		panic("no rules of the name " + name)
	}
}

// redirectMethod: the method of the second request.
func redirectMethod(r *row) (facts, error) {
	s := r.site(siteAnswer{status: r.in.number("status", 0), location: "/next"})
	p := &plan{method: r.in.text("method"), callOpts: []crest.CallOption{crest.WithRedirects(redirectRules(r))}}
	p.clientOpts = append(p.clientOpts, crest.WithTransport(s.transport(r)))
	if _, err := p.do(r, "http://example.com"); err != nil {
		return nil, err
	}
	return facts{"method": s.requests()[1].method}, nil
}

// shouldStripAuth: whether the second request is without Authorization.
func shouldStripAuth(r *row) (facts, error) {
	s := r.site(siteAnswer{status: http.StatusFound, location: r.in.text("new")})
	p := &plan{method: http.MethodGet, callOpts: []crest.CallOption{
		crest.WithRedirects(redirectRules(r)), crest.WithBearer(crest.NewSecret("secret")),
	}}
	p.clientOpts = append(p.clientOpts, crest.WithTransport(s.transport(r)), crest.WithPlainCredentials())
	if _, err := p.do(r, p.at(r.in.text("old"))); err != nil {
		return nil, err
	}
	if s.requests()[0].header.Get("Authorization") == "" {
		return nil, errors.New("the first request has no Authorization")
	}
	return facts{"strip": s.requests()[1].header.Get("Authorization") == ""}, nil
}

// followOne: a redirect of a request with a body.
func followOne(r *row) (facts, error) {
	s := r.site(siteAnswer{status: r.in.number("status", 0), location: r.in.text("location")})
	first := newObject(asObject(r.in.get("first")))
	p := &plan{method: first.text("method"), clientOpts: []crest.ClientOption{crest.WithTransport(s.transport(r))}}
	p.request.addNamed("form", first.fields("form"))
	if _, err := p.do(r, "http://example.com"); err != nil {
		return nil, err
	}
	second := s.requests()[1]
	f := headerFacts(second.header)
	f["body"] = any(second.body)
	if second.body == "" {
		f["body"] = nil
	}
	return f, nil
}

// manualFollow: the recipe for following by hand, with a part of each body read before the next request.
func manualFollow(r *row) (facts, error) {
	n := r.in.number("chain", 0)
	var answers []siteAnswer
	for i := range n {
		answers = append(answers, siteAnswer{status: http.StatusFound, location: fmt.Sprint("/", i), body: strings.Repeat("x", 1<<16)})
	}
	s := r.site(append(answers, siteAnswer{status: http.StatusOK, body: "the end of it"})...)
	c, err := r.client("http://example.com", crest.WithTransport(s.transport(r)), crest.WithRedirects(crest.Redirects{Max: -1}),
		crest.WithSuccess(http.StatusOK, http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther))
	if err != nil {
		return nil, err
	}
	var steps []map[string]bool
	var options []crest.CallOption
	for range n + 1 {
		resp, err := crest.Get[crest.Empty, io.ReadCloser]("/start").Do(context.Background(), c, crest.Empty{}, options...)
		if err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(resp.Model, make([]byte, r.when.number("read_bytes_before_next", 0))); err != nil {
			return nil, err
		}
		must(resp.Model.Close())
		steps = append(steps, map[string]bool{"is_redirect": resp.StatusCode/100 == 3})
		options = []crest.CallOption{crest.WithURL(resp.Location())}
	}
	return facts{"steps": steps}, nil
}

// rewind: a 307 whose body is sent again.
func rewind(r *row) (facts, error) {
	content := strings.NewReader(r.in.text("content"))
	must1(io.CopyN(io.Discard, content, int64(r.in.number("read_before", 0))))
	var stream io.Reader
	switch kind := r.in.text("stream"); kind {
	case "seekable":
		stream = content
	case "unseekable":
		stream = io.MultiReader(content)
	case "seek_fails":
		stream = &badSeeker{content, true}
	case "tell_fails":
		stream = &badSeeker{content, false}
	default:
		panic("no stream that is " + kind)
	}
	s := r.site(siteAnswer{status: http.StatusTemporaryRedirect, location: "/again"})
	p := &plan{method: http.MethodPost, clientOpts: []crest.ClientOption{crest.WithTransport(s.transport(r))}}
	body(&p.request, stream)
	_, err := p.do(r, "http://example.com")
	f := facts{"rewound_body": nil}
	if s.count() > 1 {
		f["rewound_body"] = s.requests()[1].body
	}
	return f, err
}

// badSeeker never goes back; it may tell where it stands.
type badSeeker struct {
	io.Reader
	tells bool
}

func (b *badSeeker) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekCurrent && offset == 0 && b.tells {
		return 0, nil
	}
	return 0, errors.New("this cannot seek")
}
