package crest_test

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// R18: the recipe's guard, range by range.
func TestR18AddressGuard(t *testing.T) {
	for address, allowed := range map[string]bool{
		"192.0.2.1": true, "8.8.8.8": true, "172.32.0.1": true, "2606:4700::1": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "0.0.0.0": false, "0.1.2.3": false,
		"100.64.1.1": false, "224.0.0.1": false, "255.255.255.255": false, "240.0.0.1": false,
		"::1": false, "::": false, "fe80::1": false, "fd00::1": false, "fc00::1": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:8.8.8.8": true, "::127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "2002:7f00:1::": false, "2002:a00:1::1": false, "2001:0:1::1": false, "fec0::1": false,
	} {
		t.Run(address, func(t *testing.T) {
			err := guard(t.Context(), "tcp", net.JoinHostPort(address, "443"), nil)
			if allowed {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, fs.ErrPermission)
			}
		})
	}
}

// R18: a resolver whose second answer differs from its first, and a redirect, lead nowhere: each dial is looked at.
func TestR18GuardSeesEachDial(t *testing.T) {
	inner := serve(t, reply(204, ""))
	var dials atomic.Int32
	dialer := &net.Dialer{ControlContext: func(ctx context.Context, network, address string, conn syscall.RawConn) error {
		if dials.Add(1) == 1 && netip.MustParseAddrPort(address).Addr().IsLoopback() {
			return nil // the first one stands for an address outside
		}
		return guard(ctx, network, address, conn)
	}}
	outer := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inner, http.StatusFound) })
	rt := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(rt.CloseIdleConnections)
	c := newClient(t, outer, crest.WithTransport(rt), crest.WithRetry(crest.Retry{Max: 2}))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	failed := callError(t, err)
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorIs(t, err, crest.KindConnect)
	require.Len(t, failed.Attempts, 1, "not tried again")
	require.EqualValues(t, 2, dials.Load())
}
