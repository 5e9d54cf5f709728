package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/crest-go/crest"
)

// prepare: a request that is merged and encoded, and looked at before it is sent.
func prepare(r *row) (facts, error) {
	if r.in.values["through"] != nil {
		return prepareFromURL(r)
	}
	p := &plan{method: r.when.text("method")}
	p.request.addAll("query", asObject(r.in.get("params_struct")))
	p.request.addAll("json", asObject(r.in.get("json_struct")))
	if p.method == "" {
		p.method = "POST"
	}
	if r.connection() {
		return sentClosing(r)
	}
	target := preparedURL(r)
	p.callOpts = query(p.callOpts, r.in.fields("params"))
	p.callOpts = headers(p.callOpts, r.in.fields("headers"))
	p.callOpts = cookies(p.callOpts, r.in.fields("cookies"))
	for _, name := range r.in.texts("skip") {
		p.callOpts = append(p.callOpts, crest.WithoutHeader(name))
	}
	prepared, err := p.prepare(r, p.at(target))
	if err != nil {
		return nil, err
	}
	return preparedFacts(prepared), nil
}

// connection reads settings of the connection, and reports whether it is closed after each use.
func (r *row) connection() (closing bool) {
	if version := r.in.text("version"); version != "" && version != "1.1" {
		panic("HTTP/" + version + " cannot be sent")
	}
	return r.in.flag("force_close")
}

// sentClosing sends the request: net/http writes the header that says so.
func sentClosing(r *row) (facts, error) {
	s := r.serve(reply{}.bytes())
	p := &plan{method: r.method(), clientOpts: []crest.ClientOption{crest.WithPool(crest.Pool{CloseAfterUse: true})}}
	if _, err := p.do(r, s.url()); err != nil {
		return nil, err
	}
	return facts{"connection_header": headerOrNil(s.last().header(), "Connection")}, nil
}

// preparedURL is the URL of the row with its raw query; a row about models has none.
func preparedURL(r *row) string {
	target := r.in.text("url")
	if target == "" {
		target = "http://api.test/"
	}
	if raw := r.in.text("raw_query"); raw != "" {
		target += "?" + raw
	}
	return target
}

func preparedFacts(p *crest.Prepared[any]) facts {
	h := p.Header()
	content, _ := p.Body()
	wireURL := p.URL()
	wireURL.Fragment = ""
	f := headerFacts(h)
	f["url"] = sameURL(p.URL().String())
	f["wire_url"] = sameURL(wireURL.String())
	f["query"] = sameQuery(p.URL().RawQuery)
	f["host_header"] = p.Host()
	f["connection_header"] = headerOrNil(h, "Connection")
	f["cookie_header"] = headerOrNil(h, "Cookie")
	f["set"] = samePairs(h.Get("Cookie"))
	f["body"] = string(content)
	f["content_type"] = headerOrNil(h, "Content-Type")
	return f
}

// samePairs is a check of the pairs of a Cookie header in any order. A quoted value may hold semicolons.
func samePairs(header string) check {
	return func(want any) error {
		rest := header
		for _, pair := range asTexts(want) {
			at := strings.Index(rest, pair)
			if at < 0 {
				return fmt.Errorf("%q is not in %q", pair, header)
			}
			rest = rest[:at] + rest[at+len(pair):]
		}
		if rest = strings.Trim(rest, "; "); rest != "" {
			return fmt.Errorf("beside what is expected there is %q", rest)
		}
		return nil
	}
}

// prepareMethod: the method of a declaration.
func prepareMethod(r *row) (f facts, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &declared{fmt.Errorf("%v", p)}
		}
	}()
	e := crest.NewEndpoint[crest.Empty, crest.Empty](r.in.text("method"), "/")
	method, _, _ := strings.Cut(e.String(), " ")
	return facts{"value": method}, nil
}

// validateHeader: a header of a call. The error names the field and never shows its value.
func validateHeader(r *row) (facts, error) {
	p := &plan{method: "GET"}
	name, value := r.in.text("name"), r.in.text("value")
	p.callOpts = append(p.callOpts, crest.WithHeader(name, value))
	_, err := p.prepare(r, "http://api.test")
	if err != nil && !strings.Contains(err.Error(), "header "+name+" ") && !strings.Contains(err.Error(), fmt.Sprintf("%q", name)) {
		return nil, fmt.Errorf("the error does not name the field: %s", err.Error())
	}
	return nil, err
}

// mergedHeaders: headers of client and call, as they stand on the wire.
func mergedHeaders(r *row) (facts, error) {
	p := &plan{method: "GET"}
	p.clientOpts = headers(p.clientOpts, slices.Concat(r.in.fields("client_headers"), r.in.fields("client")))
	p.callOpts = headers(p.callOpts, slices.Concat(r.in.fields("request_headers"), r.in.fields("request")))
	s := r.serve(reply{}.bytes())
	if _, err := p.do(r, s.url()); err != nil {
		return nil, err
	}
	h := s.last().header()
	f := headerFacts(h)
	f["value"] = check(func(want any) error {
		for _, field := range gather(asList(want)) {
			if got := h.Values(field.name); !slices.Equal(got, field.values) {
				return fmt.Errorf("%s is %q instead of %q", field.name, got, field.values)
			}
		}
		return nil
	})
	return f, nil
}

// mergedQuery: query parameters of client and call.
func mergedQuery(r *row) (facts, error) {
	p := &plan{method: "GET"}
	p.clientOpts = query(p.clientOpts, r.in.fields("client_params"))
	p.callOpts = query(p.callOpts, r.in.fields("request_params"))
	prepared, err := p.prepare(r, "http://api.test")
	if err != nil {
		return nil, err
	}
	return facts{"query": sameQuery(prepared.URL().RawQuery)}, nil
}

// mergeSetting: the same settings, once as headers, once as query parameters, once as cookies.
func mergeSetting(r *row) (facts, error) {
	outer := slices.Concat(r.in.fields("client"), r.in.fields("class"))
	inner := slices.Concat(r.in.fields("request"), r.in.fields("instance"))
	p := &plan{method: "GET"}
	p.clientOpts = cookies(query(headers(p.clientOpts, outer), outer), outer)
	p.callOpts = cookies(query(headers(p.callOpts, inner), inner), inner)
	prepared, err := p.prepare(r, "http://api.test")
	if err != nil {
		return nil, err
	}
	asHeaders, asCookies := map[string]string{}, map[string]string{}
	for _, f := range slices.Concat(outer, inner) {
		if v := prepared.Header().Get(f.name); v != "" {
			asHeaders[f.name] = v
		}
	}
	for pair := range strings.SplitSeq(prepared.Header().Get("Cookie"), "; ") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			asCookies[name] = value
		}
	}
	return facts{"value": check(func(want any) error {
		for _, got := range []any{asHeaders, asCookies} {
			if err := compare(want, got); err != nil {
				return err
			}
		}
		return sameQuery(prepared.URL().RawQuery)(want)
	})}, nil
}

// joinURL: base and route, or a complete URL.
func joinURL(r *row) (facts, error) {
	base, path, prefix := r.in.text("base"), r.in.text("path"), r.in.text("base_path")
	if r.in.has("use_base") && !r.in.flag("use_base") {
		prefix = ""
	}
	p := &plan{method: "GET", route: "/" + path}
	switch through := r.in.text("through"); {
	case through == "WithURL":
		p.route = "/"
		p.callOpts = append(p.callOpts, crest.WithURL(path))
	case through != "":
		panic("no way to call through " + through)
	case prefix != "":
		p.route = "/" + prefix + "/" + path
	}
	prepared, err := p.prepare(r, base)
	if err != nil {
		return nil, err
	}
	return facts{"url": sameURL(prepared.URL().String())}, nil
}

// requote: the cleaning that a URL from outside goes through.
func requote(r *row) (facts, error) {
	p := &plan{method: "GET"}
	prepared, err := p.prepare(r, p.at(r.in.text("in")))
	if err != nil {
		return nil, err
	}
	return facts{"value": prepared.URL().String()}, nil
}

// requestTarget: the middle of the request line, as it stands on the wire.
func requestTarget(r *row) (facts, error) {
	if r.in.flag("proxied") {
		panic("a request through a proxy needs the proxy's setting")
	}
	s := r.serve(reply{}.bytes())
	p := &plan{method: "GET"}
	p.clientOpts = append(p.clientOpts, crest.WithTransport(r.transportTo(s.listener.Addr().String())))
	prepared, err := p.prepare(r, p.at(r.in.text("url")))
	if err != nil {
		return nil, err
	}
	if _, err := prepared.Send(context.Background()); err != nil {
		return nil, err
	}
	return facts{"target": s.last().target()}, nil
}
