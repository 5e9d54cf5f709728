package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/crest-go/crest"
)

// The areas of crest's own transport, and the operations that they have.
func init() {
	vectorAreas = append(vectorAreas, "proxy", "env", "tls", "connector", "mount")
	for name, d := range map[string]driver{
		"prepend_scheme": prependScheme, "bypass_proxy": bypassProxy, "env_proxy": envProxy, "proxies_from_env": envProxy,
		"proxy_authorization": proxyAuthorization, "rebuild_proxies": rebuildProxies, "select_proxy": selectProxy,
		"new_fingerprint": newFingerprint, "exchange_tls": exchangeTLS, "merge_environment_settings": mergeEnvironment,
		"new_connector": newConnector, "acquire_twice_same_host": acquireTwice,
		"mount_order": mountOrder, "get_transport": getTransport,
	} {
		drivers[name] = d
	}
	errorWords["proxy"] = inStep(crest.ErrTransport, crest.KindProxy)
	errorWords["invalid_proxy_url"] = errorWords["proxy"]
	errorWords["tls"] = inStep(crest.ErrTransport, crest.KindTLS, crest.KindPin)
	other := drivers["exchange"]
	drivers["exchange"] = func(r *row) (facts, error) {
		env, _ := r.in.values["env"].(map[string]any)
		switch {
		case r.in.values["steps"] != nil && r.in.values["server"] == "self-signed":
			return tlsSteps(r)
		case r.in.values["proxies"] != nil, env["http_proxy"] != nil:
			return proxyExchange(r)
		}
		return other(r)
	}
}

// newConnector: a pool by its settings; without any, by crest's own.
func newConnector(r *row) (facts, error) {
	pool := crest.Pool{CloseAfterUse: r.in.flag("force_close"), IdleTimeout: time.Duration(r.in.number("keepalive_seconds", 0)) * time.Second}
	if len(asObject(r.in.get("options"))) > 0 {
		panic("the driver knows no options by these names")
	}
	_, err := r.client("https://api.test", crest.WithPool(pool))
	return facts{"limit": pool.MaxConns, "limit_per_host": pool.MaxConnsPerHost, "force_close": pool.CloseAfterUse}, err
}

// acquireTwice: two calls to one host whose bodies stay open.
func acquireTwice(r *row) (facts, error) {
	s := r.serve(reply{body: "hello"}.bytes())
	c, err := r.client(s.url(), crest.WithPool(crest.Pool{MaxConns: r.in.number("limit", 0), MaxConnsPerHost: r.in.number("limit_per_host", 0)}))
	if err != nil {
		return nil, err
	}
	get := must1(crest.NewEndpointOf("GET", "/", noModel, reflect.TypeFor[io.ReadCloser]()))
	call := func() (io.ReadCloser, error) {
		v, err := get.Call(context.Background(), c, crest.Empty{})
		body, _ := v.(io.ReadCloser)
		return body, err
	}
	first := must1(call())
	second := make(chan error, 1)
	go func() {
		body, err := call()
		if err == nil {
			err = body.Close()
		}
		second <- err
	}()
	blocked := false
	select {
	case err = <-second:
	case <-time.After(time.Second): // long enough for a call over loopback that nothing holds back, on a busy machine too
		blocked = true
	}
	must(first.Close())
	if blocked {
		err = <-second
	}
	return facts{"second_blocks": blocked, "after_release": holdsText("second proceeds", err)}, err
}

// holdsText is a check of an outcome in words.
func holdsText(words string, err error) check {
	return func(want any) error {
		if want != words {
			panic(fmt.Sprintf("no such outcome: %v", want))
		}
		return err
	}
}

// byPrefix is a recipe: transports by the longest prefix of a URL, which ends at a boundary.
type byPrefix []string

func (p *byPrefix) mount(prefix string) {
	prefix = strings.ToLower(prefix)
	*p = append(slices.DeleteFunc(*p, func(other string) bool { return other == prefix }), prefix)
	slices.SortStableFunc(*p, func(a, b string) int { return len(b) - len(a) })
}

func (p byPrefix) find(u *url.URL) (string, error) {
	text := strings.ToLower(u.Scheme + "://" + u.Host + u.EscapedPath())
	for _, prefix := range p {
		rest, ok := strings.CutPrefix(text, prefix)
		if ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(prefix, "/")) {
			return prefix, nil
		}
	}
	return "", errors.New("no transport is mounted for " + u.Host)
}

func mounted(r *row) *byPrefix {
	table := &byPrefix{}
	preset := r.in.texts("preset")
	if preset == nil {
		preset = []string{"https://", "http://"}
	}
	for _, prefix := range append(preset, r.in.texts("mount")...) {
		table.mount(prefix)
	}
	return table
}

func mountOrder(r *row) (facts, error) { return facts{"order": []string(*mounted(r))}, nil }

// getTransport sends through crest: the prefix is that of the transport that was asked.
func getTransport(r *row) (facts, error) {
	table, found := mounted(r), ""
	p := &plan{method: "GET", clientOpts: []crest.ClientOption{crest.WithTransport(roundTripper(func(req *http.Request) (resp *http.Response, err error) {
		found, err = table.find(req.URL)
		return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: req}, err
	}))}}
	_, err := p.do(r, p.at(r.in.text("url")))
	return facts{"prefix": found}, err
}
