package crest_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/crest-go/crest"
)

// addressRanges are addresses of every range, and whether they may be reached.
var addressRanges = map[string]bool{
	"8.8.8.8": true, "172.32.0.1": true, "100.63.255.255": true, "100.128.0.0": true, "198.20.0.1": true, "223.255.255.255": true, "1.0.0.0": true,
	"2606:4700::1": true, "2a00::1": true, "2001:200::1": true, "2003::1": true,

	"127.0.0.1": false, "127.255.255.255": false, "10.1.2.3": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false,
	"169.254.169.254": false, "0.0.0.0": false, "0.1.2.3": false, "100.64.0.0": false, "100.127.255.255": false, "192.0.0.170": false, "192.0.2.1": false,
	"192.88.99.1": false, "198.18.0.1": false, "198.19.255.255": false, "198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false, "239.255.255.255": false,
	"240.0.0.1": false, "255.255.255.255": false,

	"::1": false, "::": false, "fe80::1": false, "fd00::1": false, "fc00::1": false, "fec0::1": false, "ff02::1": false, "ff0e::1": false, "100::1": false,
	"2001:db8::1": false, "3fff::1": false, "5f00::1": false,
	// an IPv4 address in an IPv6 one: mapped, compatible, translated, NAT64, 6to4, Teredo
	"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:8.8.8.8": true, "::127.0.0.1": false, "::ffff:0:127.0.0.1": false,
	"64:ff9b::127.0.0.1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::10.0.0.1": false, "2002:7f00:1::": false, "2002:a00:1::1": false, "2001:0:1::1": false,
}

// R18: the recipe's guard, range by range.
func TestR18AddressGuard(t *testing.T) {
	for address, allowed := range addressRanges {
		t.Run(address, func(t *testing.T) {
			err := guard(t.Context(), "tcp", net.JoinHostPort(address, "443"), nil)
			if allowed {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, fs.ErrPermission)
			}
		})
	}
	for _, address := range []string{"[fe80::1%eth0]:443", "[2606:4700::1%eth0]:443"} {
		require.ErrorIs(t, guard(t.Context(), "tcp", address, nil), fs.ErrPermission, "a zone is of a link")
	}
	for _, address := range []string{"", "/run/service.sock", "localhost:80", "8.8.8.8"} {
		require.Error(t, guard(t.Context(), "unix", address, nil), "what is no address cannot be allowed")
	}
}

// nameServer is a resolver with these answers, one after the other and the last for ever. It counts what it was asked for.
type nameServer struct {
	names map[string][]string

	mu    sync.Mutex
	asked map[string]int
}

func (s *nameServer) resolver() *net.Resolver {
	s.asked = map[string]int{}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go s.serve(server)
		return client, nil
	}}
}

// serve speaks DNS as over TCP (RFC 1035, section 4.2.2).
func (s *nameServer) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		var m dnsmessage.Message
		if _, err := io.ReadFull(conn, query); err != nil || m.Unpack(query) != nil {
			return
		}
		s.answer(&m)
		answer, err := m.AppendPack(make([]byte, 2))
		if err != nil {
			return
		}
		binary.BigEndian.PutUint16(answer, uint16(len(answer)-2))
		if _, err = conn.Write(answer); err != nil {
			return
		}
	}
}

func (s *nameServer) answer(m *dnsmessage.Message) {
	asked := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	addr, err := netip.ParseAddr(s.next(strings.TrimSuffix(asked.Name.String(), "."), asked.Type))
	header := dnsmessage.ResourceHeader{Name: asked.Name, Class: asked.Class, Type: asked.Type}
	switch {
	case err != nil:
		m.RCode = dnsmessage.RCodeNameError
	case asked.Type == dnsmessage.TypeA && addr.Is4():
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}}}
	case asked.Type == dnsmessage.TypeAAAA && addr.Is6():
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}}}
	}
}

func (s *nameServer) next(name string, kind dnsmessage.Type) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	answers := s.names[name]
	if len(answers) == 0 {
		return ""
	}
	key := fmt.Sprint(name, kind)
	n := min(s.asked[key], len(answers)-1)
	s.asked[key]++
	return answers[n]
}

// guardedClient dials as the recipe does, with names of its own. The dials for which let is true are not looked at.
func guardedClient(t *testing.T, base string, names map[string][]string, let func(address string) bool) (*crest.Client[*failure], *net.Resolver) {
	t.Helper()
	resolver := (&nameServer{names: names}).resolver()
	dialer := &net.Dialer{Resolver: resolver, ControlContext: func(ctx context.Context, network, address string, conn syscall.RawConn) error {
		if let != nil && let(address) {
			return nil
		}
		return guard(ctx, network, address, conn)
	}}
	rt := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(rt.CloseIdleConnections)
	return newClient(t, base, crest.WithTransport(rt), crest.WithRetry(crest.Retry{Max: 2, Backoff: noWait})), resolver
}

// guardRefuses checks an error that says that an address was not dialled.
func guardRefuses(t *testing.T, err error) {
	t.Helper()
	failed := callError(t, err)
	require.ErrorIs(t, err, crest.KindConnect)
	require.ErrorIs(t, err, fs.ErrPermission)
	require.Len(t, failed.Attempts, 1, "not tried again")
}

// R18: names that resolve to each range.
func TestR18NamesOfEachRange(t *testing.T) {
	for address, allowed := range addressRanges {
		if allowed {
			continue // it would be dialled
		}
		t.Run(address, func(t *testing.T) {
			c, _ := guardedClient(t, "http://inside.example", map[string][]string{"inside.example": {address}}, nil)
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			if errors.Is(err, syscall.EAFNOSUPPORT) { // a machine without IPv6 refuses by itself
				return
			}
			guardRefuses(t, err)
		})
	}
}

// R18: what was looked up before counts for nothing. The name is harmless when it is checked, and not when it is dialled.
func TestR18SecondAnswer(t *testing.T) {
	c, resolver := guardedClient(t, "http://rebinding.example", map[string][]string{"rebinding.example": {"8.8.8.8", "127.0.0.1"}}, nil)
	checked, err := resolver.LookupNetIP(t.Context(), "ip4", "rebinding.example")
	require.NoError(t, err)
	require.NoError(t, guard(t.Context(), "tcp", netip.AddrPortFrom(checked[0], 80).String(), nil))
	_, err = ping.Call(t.Context(), c, crest.Empty{})
	guardRefuses(t, err)
	require.ErrorContains(t, err, "127.0.0.1")
}

// R18: a redirect leads to no other address than a call does, however it is spelled.
func TestR18Redirects(t *testing.T) {
	inner := hostOf(t, serve(t, reply(204, "")))
	names := map[string][]string{"inside.example": {"127.0.0.1"}, "outside.example": {"127.0.0.1"}, "localhost": {"127.0.0.1"}}
	hosts := []string{"127.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::1]", "0.0.0.0", "[::]", "LOCALHOST", "inside.example."}
	for name := range names {
		hosts = append(hosts, name)
	}
	for _, host := range hosts {
		t.Run(host, func(t *testing.T) {
			outer := hostOf(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://"+host+":"+inner.Port()+"/", http.StatusFound)
			}))
			let := func(address string) bool { return strings.HasSuffix(address, ":"+outer.Port()) } // it stands for one outside
			c, _ := guardedClient(t, "http://outside.example:"+outer.Port(), names, let)
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			require.Len(t, callError(t, err).History, 1)
			if errors.Is(err, syscall.EAFNOSUPPORT) {
				return
			}
			require.ErrorIs(t, err, fs.ErrPermission)
			require.ErrorIs(t, err, crest.KindConnect)
		})
	}
}

// R18: numbers that only some resolvers take for an address never get as far as one.
func TestR18NumericHosts(t *testing.T) {
	for _, host := range []string{"2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "017700000001", "0", "127.0.0.1.", "0x7F.0.0.1."} {
		t.Run(host, func(t *testing.T) {
			nobody := func(string) bool { t.Error("it was dialled"); return false }
			_, err := crest.New[*failure]("http://" + host)
			c, _ := guardedClient(t, "http://outside.example", map[string][]string{host: {"127.0.0.1"}}, nobody)
			_, called := ping.Call(t.Context(), c, crest.Empty{}, crest.WithURL("http://"+host))
			_, redirected := follow(t, each(moved(302, "https://"+host+"/"), ended(200)))
			for _, err := range []error{err, called, redirected} {
				require.ErrorContains(t, err, "is a number but no IP address")
			}
		})
	}
}

// R18: each connection is looked at, that of a later attempt as well.
func TestR18EachAttempt(t *testing.T) {
	var dials atomic.Int32
	base := serve(t, reply(503, "", "Connection", "close"))
	c, _ := guardedClient(t, base, nil, func(string) bool { return dials.Add(1) == 1 })
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.ErrorIs(t, err, fs.ErrPermission)
	require.Len(t, callError(t, err).Attempts, 2)
	require.EqualValues(t, 2, dials.Load())
}

// R18: a proxy is dialled in place of the target, and so it is what the guard sees: one inside is refused, and one outside decides by
// itself where it goes. That is why the recipe has none, whatever the environment says.
func TestR18Proxies(t *testing.T) {
	var proxied atomic.Int32
	proxy := hostOf(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		proxied.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	for name, tt := range map[string]struct {
		proxy *url.URL
		let   bool
		fails bool
		kind  crest.Kind
	}{
		"none":    {nil, false, true, crest.KindConnect},
		"inside":  {proxy, false, true, crest.KindProxy},
		"outside": {proxy, true, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			noProxies(t)
			t.Setenv("HTTP_PROXY", proxy.String())
			before := proxied.Load()
			dialer := &net.Dialer{ControlContext: func(ctx context.Context, network, address string, conn syscall.RawConn) error {
				if tt.let {
					return nil
				}
				return guard(ctx, network, address, conn)
			}}
			rt := &http.Transport{DialContext: dialer.DialContext}
			if tt.proxy != nil {
				rt.Proxy = http.ProxyURL(tt.proxy)
			}
			t.Cleanup(rt.CloseIdleConnections)
			_, err := ping.Call(t.Context(), newClient(t, "http://10.0.0.1", crest.WithTransport(rt)), crest.Empty{})
			if !tt.fails {
				require.NoError(t, err)
				require.Equal(t, before+1, proxied.Load(), "the guard has seen nothing of 10.0.0.1")
				return
			}
			require.ErrorIs(t, err, fs.ErrPermission)
			require.ErrorIs(t, err, tt.kind)
			require.Equal(t, before, proxied.Load())
		})
	}
}
