package crest_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"syscall"

	"github.com/crest-go/crest"
)

// recipe: proxy-table

// proxyTable chooses proxies: by scheme and host, by scheme, by host alone ("all://host"), and "all" for the rest.
type proxyTable map[string]*url.URL

func (table proxyTable) choose(req *http.Request) (*url.URL, error) {
	scheme, host := req.URL.Scheme, req.URL.Hostname()
	for _, key := range []string{scheme + "://" + host, scheme, "all://" + host, "all"} {
		if proxy, ok := table[key]; ok {
			return proxy, nil // nil for none
		}
	}
	return nil, nil
}

// end of recipe

func Example_proxyTable() {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("the proxy is asked for", r.RequestURI)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer proxy.Close()
	intranet := &url.URL{Scheme: "http", Host: proxy.Listener.Addr().String()}
	// recipe: proxy-table-use
	table := proxyTable{"http": intranet, "http://localhost": nil}
	c, err := crest.New[*crest.Problem]("http://api.example.com", crest.WithProxy(table.choose))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	_, err = crest.Get[crest.Empty, crest.Empty]("/pets").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	// Output:
	// the proxy is asked for http://api.example.com/pets
	// <nil>
}

func Example_singleCall() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { fmt.Println("Connection: close is", r.Close) }))
	defer server.Close()
	// recipe: single-call
	fetch := func(ctx context.Context, base string) (string, error) {
		c, err := crest.New[*crest.Problem](base, crest.WithPool(crest.Pool{CloseAfterUse: true}))
		if err != nil {
			return "", err
		}
		defer c.Close()
		return crest.Get[crest.Empty, string]("/").Call(ctx, c, crest.Empty{}, crest.WithAccept("*/*"))
	}
	// end of recipe
	_, err := fetch(context.Background(), server.URL)
	fmt.Println(err)
	// Output:
	// Connection: close is true
	// <nil>
}

// recipe: guard

// inside are the addresses that are not for everyone (RFC 6890 and its registry), beside those that netip knows by name. Of IPv4: this network,
// carriers' NAT, protocol assignments, examples, 6to4 relays, benchmarks, multicast, reserved. Of IPv6, those that lie in outside.
var inside = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("224.0.0.0/3"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2002::/16"), // Teredo and 6to4, which have an IPv4 address in them
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("3fff::/20"), // examples
}

// outside is where the IPv6 addresses for everyone are. Elsewhere are unique local and link-local ones, and most ways to write an IPv4 address as
// one: NAT64, its local kind, IPv4-translated and IPv4-compatible. (In a network that reaches IPv4 by NAT64 alone, 64:ff9b::/96
// has to be allowed for what its last 32 bits are allowed.)
var outside = netip.MustParsePrefix("2000::/3")

// guard is the ControlContext of a net.Dialer. It sees each address after it was looked up, at the moment of the dial, so no
// second answer of the resolver can differ from the first. Its error is fs.ErrPermission, which crest does not try again.
func guard(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := at.Addr().Unmap()
	allowed := ip.IsGlobalUnicast() && !ip.IsPrivate() && ip.Zone() == "" && (ip.Is4() || outside.Contains(ip))
	for _, prefix := range inside {
		allowed = allowed && !prefix.Contains(ip)
	}
	if !allowed {
		return fmt.Errorf("the address %s is not one that may be reached: %w", ip, fs.ErrPermission)
	}
	return nil
}

// end of recipe

func Example_addressGuard() {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	// recipe: guard-use
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{ControlContext: guard}).DialContext
	transport.Proxy = nil // a proxy would be dialled in place of what is checked here
	defer transport.CloseIdleConnections()
	c, err := crest.New[*crest.Problem](server.URL, crest.WithTransport(transport))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = crest.Get[crest.Empty, crest.Empty]("/").Call(context.Background(), c, crest.Empty{})
	failed, _ := errors.AsType[*crest.CallError](err)
	fmt.Println(errors.Is(err, crest.KindConnect), errors.Is(err, fs.ErrPermission), failed.Sent, len(failed.Attempts))
	// Output: true true no 1
}
