package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/crest-go/crest"
)

func throughProxy(ctx context.Context, t *tour) error {
	u, err := url.Parse(t.proxy.url)
	if err != nil {
		return err
	}
	u.User = url.UserPassword(proxyUser, proxyPassword)
	proxied := crest.WithProxy(http.ProxyURL(u))

	t.code("crest.New(url, WithProxy(http.ProxyURL(u)))                // http; u has user and password")
	plain, err := t.client(t.foreign, proxied)
	if err != nil {
		return err
	}
	defer plain.Close()
	t.ask(ctx, plain)
	t.reached(t.foreign, "GET "+t.foreign.url+"/report", []string{})

	t.code("crest.New(url, WithProxy(http.ProxyURL(u)), WithBearer(token), …)   // https")
	secure, err := t.client(t.secure, proxied, crest.WithBearer(crest.NewSecret(token)), t.trusting())
	if err != nil {
		return err
	}
	defer secure.Close()
	t.ask(ctx, secure)
	t.reached(t.secure, "CONNECT "+strings.TrimPrefix(t.secure.url, "https://"), []string{"Authorization"})
	return nil
}

// trusting is what lets a client accept the certificate that the server has signed itself.
func (t *tour) trusting() crest.ClientOption {
	return crest.WithTLS(&tls.Config{RootCAs: t.with.server.roots})
}

// ask reads the report.
func (t *tour) ask(ctx context.Context, c crest.Caller) {
	t.code("getReport.Call(ctx, c, crest.Empty{})")
	_, err := getReport.Call(ctx, c, crest.Empty{})
	t.succeed(err)
}

// reached expects that a site was asked once, by the proxy, and which credentials either of them got.
func (t *tour) reached(s *site, asked string, carried []string) {
	targets, toProxy := t.received("proxy", t.proxy)
	_, toServer := t.received("server", s)
	t.expect("the proxy was asked once for", strings.Join(targets, ", "), asked)
	t.expect("the proxy got", toProxy, [][]string{{"Proxy-Authorization"}})
	t.expect("the server got", toServer, [][]string{carried})
}

func pinned(ctx context.Context, t *tour) error {
	// Two pins are the least: the second one is of a key that is kept for the day on which the first is lost.
	reserve, err := newIdentity()
	if err != nil {
		return err
	}
	t.code("crest.New(url, WithTLS(…), WithPins(key, reserve), WithBearer(token))")
	right, err := t.pinning(t.with.server.pin, reserve.pin)
	if err != nil {
		return err
	}
	defer right.Close()
	t.ask(ctx, right)
	_, carried := t.received("API with TLS", t.secure)
	t.expect("the server got", carried, [][]string{{"Authorization"}})

	t.code("crest.New(url, WithTLS(…), WithPins(another, reserve), WithBearer(token))")
	wrong, err := t.pinning(t.with.stranger.pin, reserve.pin)
	if err != nil {
		return err
	}
	defer wrong.Close()
	t.code("getReport.Call(ctx, c, crest.Empty{})")
	_, err = getReport.Call(ctx, wrong, crest.Empty{})
	t.message(err)
	t.expect("errors.Is(err, crest.KindPin)", errors.Is(err, crest.KindPin), true)
	failed, _ := errors.AsType[*crest.CallError](err)
	t.expect("sent, as the error says", sent(failed), crest.SentNo.String())
	t.expect("requests that the server saw", len(t.secure.reset()), 0)
	return nil
}

// sent is what a failed call says about its request; nil is a call that did not fail.
func sent(e *crest.CallError) string {
	if e == nil {
		return crest.SentYes.String()
	}
	return e.Sent.String()
}

// pinning is a client of the API with TLS that demands one of two keys.
func (t *tour) pinning(pins ...string) (*crest.Client[*crest.Problem], error) {
	return t.client(t.secure, t.trusting(), crest.WithPins(pins...), crest.WithBearer(crest.NewSecret(token)))
}
