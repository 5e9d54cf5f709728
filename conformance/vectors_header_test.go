package conformance

import (
	"context"
	"strings"

	"github.com/crest-go/crest"
)

// contentTypeOf is what Response.ContentType makes of a header; null is none.
func (r *row) contentTypeOf(header any) (mediaType, charset string, err error) {
	var lines []string
	if text, ok := header.(string); ok {
		lines = []string{"Content-Type: " + text}
	}
	resp, err := r.answered(reply{header: lines}, noModel)
	if err != nil {
		return "", "", err
	}
	mediaType, charset = resp.ContentType()
	return mediaType, charset, nil
}

// contentType: media type and charset of an answer.
func contentType(r *row) (facts, error) {
	mediaType, charset, err := r.contentTypeOf(r.in.get("header"))
	return facts{"content_type": mediaType, "charset": orNil(charset)}, err
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// parameters are those that crest reads.
func parameters(charset string) map[string]string {
	if charset == "" {
		return map[string]string{}
	}
	return map[string]string{"charset": charset}
}

// parseContentType: the same as type and parameters.
func parseContentType(r *row) (facts, error) {
	mediaType, charset, err := r.contentTypeOf(r.in.get("in"))
	return facts{"value": []any{mediaType, parameters(charset)}}, err
}

// parseMimetype: the same, taken apart into type, subtype, suffix and parameters. An empty header names no type, for which
// crest gives the one that RFC 9110 says such an answer has.
func parseMimetype(r *row) (facts, error) {
	header := r.in.get("in")
	mediaType, charset, err := r.contentTypeOf(header)
	if header == "" && mediaType == "application/octet-stream" {
		mediaType = ""
	}
	main, sub, _ := strings.Cut(mediaType, "/")
	sub, suffix, _ := strings.Cut(sub, "+")
	return facts{"value": []any{main, sub, suffix, parameters(charset)}}, err
}

// contentTypeMatches: does a model in JSON take an answer of this type?
func contentTypeMatches(r *row) (facts, error) {
	if expected := r.in.text("expected"); expected != "application/json" {
		panic("no model expects " + expected)
	}
	_, err := r.answered(reply{header: typed(r.in.text("got")), body: "{}"}, anyModel)
	return facts{"match": holds(err == nil, "%v", err)}, nil
}

// linksOf are the links of an answer from url with these Link headers.
func (r *row) linksOf(url string, headers []string) ([]crest.Link, error) {
	a := reply{}
	for _, h := range headers {
		a.header = append(a.header, "Link: "+h)
	}
	s := r.serve(a.bytes())
	c, err := r.client(strings.TrimSuffix(url, "/"), crest.WithTransport(r.transportTo(s.listener.Addr().String())))
	if err != nil {
		return nil, err
	}
	resp, err := crest.Get[crest.Empty, crest.Empty]("/").Do(context.Background(), c, crest.Empty{})
	if err != nil {
		return nil, err
	}
	return resp.Links(), nil
}

// links: the target for each relation.
func links(r *row) (facts, error) {
	targets := map[string]string{}
	all, err := r.linksOf(r.in.text("url"), r.in.texts("link"))
	for _, l := range all {
		targets[l.Rel] = l.URL
	}
	return facts{"value": targets}, err
}

// parseLinkHeader: each link with its parameters.
func parseLinkHeader(r *row) (facts, error) {
	list := []map[string]string{}
	all, err := r.linksOf("http://api.test", []string{r.in.text("in")})
	for _, l := range all {
		entry := map[string]string{"url": l.URL}
		if l.Rel != "" {
			entry["rel"] = l.Rel
		}
		for name, value := range l.Params {
			entry[name] = value
		}
		list = append(list, entry)
	}
	return facts{"value": list}, err
}
