package realproxies

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// again tries again soon. before is called before each retry.
func again(before func()) crest.Option {
	return crest.WithRetry(crest.Retry{
		Max: 3, Backoff: func(int, error) time.Duration { return 10 * time.Millisecond },
		Before: func(int, *http.Request, error) { before() },
	})
}

// toxic starts an origin behind a toxiproxy with toxics, and a client of it.
func toxic(t *testing.T, toxics ...string) (*origin, *toxiproxy.Proxy, *crest.Client[*failure]) {
	t.Helper()
	o := startOrigin(t, nil)
	p := startToxiproxy(t, o)
	poison(t, p, toxics...)
	return o, p, newClient(t, "http://"+p.Listen)
}

// TestToxiproxyRetry mends the network between two attempts: what is idempotent does not fail, and a POST is not sent twice unless it
// was not sent at all.
func TestToxiproxyRetry(t *testing.T) {
	const reset = `{"type":"reset_peer","attributes":{"timeout":0}}`
	each(t, func(t *testing.T, name string, w way) {
		t.Run("reset", func(t *testing.T) {
			o, p, c := toxic(t, reset)
			err := inTime(t, w, c, again(func() {
				eventually(t, o.alone)
				p.Toxics.ResetToxics(context.Background())
			}))
			if name == "upload" || name == "chunks" {
				lost.is(t, err)
				failed, _ := errors.AsType[*crest.CallError](err)
				require.Len(t, failed.Attempts, 1)
				require.LessOrEqual(t, len(o.requests("/upload")), 1)
				return
			}
			require.NoError(t, err)
		})
		t.Run("refused", func(t *testing.T) {
			_, p, c := toxic(t)
			p.Stop()
			err := inTime(t, w, c, again(func() { _ = p.Start() }))
			if name == "chunks" { // a reader that was opened cannot be read again
				refused.is(t, err)
				return
			}
			require.NoError(t, err)
		})
	})
}

// TestToxiproxyResume lets a part of the file through each connection: a download goes on where it broke off, as often as it takes.
func TestToxiproxyResume(t *testing.T) {
	const limit = `{"type":"limit_data","attributes":{"bytes":100000}}`
	retry := again(func() {})
	for name, transfer := range map[string]crest.Transfer{
		"in one piece": {}, "in parts": {Parallel: 2, PartSize: 128 << 10}, "small parts": {Parallel: 4, PartSize: 50_000},
	} {
		t.Run("DownloadFile "+name, func(t *testing.T) {
			t.Parallel()
			_, _, c := toxic(t, limit)
			path := filepath.Join(t.TempDir(), "file")
			d, err := crest.DownloadFile(t.Context(), c, getFile, crest.Empty{}, path, retry, crest.WithTransfer(transfer))
			require.NoError(t, err)
			require.EqualValues(t, len(content), d.Size)
			require.NotZero(t, d.Resumed)
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(content, got))
		})
	}
	t.Run("Download", func(t *testing.T) {
		t.Parallel()
		_, _, c := toxic(t, limit)
		require.NoError(t, inTime(t, download, c, retry))
	})
	t.Run("not at all", func(t *testing.T) {
		t.Parallel()
		o, _, c := toxic(t, limit)
		truncated.is(t, inTime(t, download, c, retry, crest.WithTransfer(crest.Transfer{NoResume: true})))
		require.NotEmpty(t, o.requests("/file"))
	})
}

// TestToxiproxyReconnect lets three events through each connection: the stream goes on behind the last one.
func TestToxiproxyReconnect(t *testing.T) {
	t.Parallel()
	o, _, c := toxic(t, `{"type":"limit_data","attributes":{"bytes":60000}}`)
	require.NoError(t, inTime(t, reconnecting, c, again(func() {})))
	require.GreaterOrEqual(t, len(o.requests("/events")), 3)
}

// reconnecting is a stream that goes on, and its events come once each.
func reconnecting(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
	n := 0
	for e, err := range events.Events(ctx, c, crest.Empty{}, append(opts, crest.WithReconnect())...) {
		if err != nil {
			return err
		}
		if n++; atoi(e.ID) != n || e.Data != rex {
			return errWrong
		}
		if n == numEvents {
			return nil
		}
	}
	return errWrong
}
