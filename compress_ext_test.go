package crest_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func zlibbed(text string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func deflated(text string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

// damaged flips one byte, counted from the end.
func damaged(text string, fromEnd int) string {
	b := []byte(text)
	b[len(b)-fromEnd] ^= 0xff
	return string(b)
}

// Rows 30 and 31: three ways of reading the same answer.
func TestR28Decompression(t *testing.T) {
	long := `{"id":7,"name":"` + strings.Repeat("Rex ", 5000) + `"}`
	for name, tt := range map[string]struct {
		coding, body, want string
		kind               crest.Kind
	}{
		"gzip":              {"gzip", gzipped(thingJSON), thingJSON, ""},
		"x-gzip, case":      {"X-GZip", gzipped(thingJSON), thingJSON, ""},
		"identity":          {"identity", thingJSON, thingJSON, ""},
		"identity, gzip":    {"identity, gzip", gzipped(thingJSON), thingJSON, ""},
		"deflate, zlib":     {"deflate", zlibbed(thingJSON), thingJSON, ""},
		"deflate, raw":      {"deflate", deflated(thingJSON), thingJSON, ""},
		"large":             {"gzip", gzipped(long), long, ""},
		"members":           {"gzip", gzipped(thingJSON[:5]) + gzipped(thingJSON[5:]), thingJSON, ""},
		"bad header":        {"gzip", thingJSON, "", crest.KindEncoding},
		"bad checksum":      {"gzip", damaged(gzipped(long), 8), "", crest.KindEncoding},
		"bad bytes":         {"gzip", damaged(gzipped(long), 40), "", crest.KindEncoding},
		"bad zlib checksum": {"deflate", damaged(zlibbed(long), 1), "", crest.KindEncoding},
		"bad deflate":       {"deflate", "\xff\xff\xff", "", crest.KindEncoding},
		"cut in the header": {"gzip", gzipped(long)[:5], "", crest.KindTruncated},
		"cut in the middle": {"gzip", gzipped(long)[:60], "", crest.KindTruncated},
		"cut in the end":    {"gzip", gzipped(long)[:len(gzipped(long))-3], "", crest.KindTruncated},
		"cut deflate":       {"deflate", deflated(long)[:30], "", crest.KindTruncated},
		"brotli":            {"br", "\x0b\x02\x80", "", crest.KindEncoding},
		"chained":           {"gzip, gzip", gzipped(gzipped(thingJSON)), "", crest.KindEncoding},
		"chained, mixed":    {"deflate, gzip", gzipped(zlibbed(thingJSON)), "", crest.KindEncoding},
		"unknown":           {"rot13", thingJSON, "", crest.KindEncoding},
		"R21 hostile name":  {"\x80" + strings.Repeat("z", 5000), thingJSON, "", crest.KindEncoding},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, serve(t, reply(200, tt.body, "Content-Type", "application/json", "Content-Encoding", tt.coding)))
			raw, err := crest.Get[crest.Empty, []byte]("/x").Call(t.Context(), c, crest.Empty{})
			check := func(got string, err error) {
				if tt.kind == "" {
					require.NoError(t, err)
					require.Equal(t, tt.want, got)
					return
				}
				fails(t, err, crest.ErrResponse, tt.kind, crest.SentYes)
				require.Less(t, len(err.Error()), 600)
			}
			check(string(raw), err)
			_, err = getThing.Call(t.Context(), c, crest.Empty{})
			check(tt.want, err)
			body, err := crest.Get[crest.Empty, io.ReadCloser]("/x").Call(t.Context(), c, crest.Empty{})
			if err != nil {
				check("", err)
				return
			}
			all, err := io.ReadAll(body)
			require.NoError(t, body.Close())
			check(string(all), err)
		})
	}
}

func TestR28DecompressionOfFailures(t *testing.T) {
	for name, tt := range map[string]struct {
		coding, body string
		model        bool
	}{
		"gzip":    {"gzip", gzipped(`{"code":"x","message":"no"}`), true},
		"unknown": {"br", "\x0b\x02", false},
		"damaged": {"gzip", damaged(gzipped(`{"code":"x","message":"no"}`), 8), true}, // all of it is there, and the reason as well
		"cut":     {"gzip", gzipped(`{"code":"x","message":"no"}`)[:12], false},
		"chained": {"gzip, gzip", gzipped(gzipped(`{}`)), false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, serve(t, reply(502, tt.body, "Content-Type", "application/json", "Content-Encoding", tt.coding)))
			_, err := getThing.Call(t.Context(), c, crest.Empty{})
			fails(t, err, crest.ErrStatus, "", crest.SentYes)
			require.ErrorIs(t, err, crest.Status(502))
			require.Equal(t, name == "damaged", errors.Is(err, gzip.ErrChecksum))
			model, ok := c.AsError(err)
			require.Equal(t, tt.model, ok)
			if ok {
				require.Equal(t, "no", model.Message)
			}
		})
	}
}

// A bomb ends early on every path, and the heap stays small.
func TestR28Bomb(t *testing.T) {
	bomb := gzipped(strings.Repeat("\x00", 64<<20)) // 64 KiB on the wire, 64 MiB decoded
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		status := 200
		if r.URL.Path == "/error" {
			status = 500
		}
		reply(status, bomb, "Content-Type", "application/json", "Content-Encoding", "gzip")(w, r)
	}))
	for name, tt := range map[string]struct {
		call func() error
		step crest.Step
		kind crest.Kind
	}{
		"model": {func() error {
			_, err := crest.Get[crest.Empty, thing]("/x").Call(t.Context(), c, crest.Empty{})
			return err
		}, crest.ErrResponse, crest.KindTooLarge},
		"ratio": {func() error {
			_, err := crest.Get[crest.Empty, []byte]("/x").Call(t.Context(), c, crest.Empty{}, crest.WithBounds(crest.Bounds{Body: crest.NoBound}))
			return err
		}, crest.ErrResponse, crest.KindTooLarge},
		"error": {func() error {
			_, err := crest.Get[crest.Empty, thing]("/error").Call(t.Context(), c, crest.Empty{})
			return err
		}, crest.ErrStatus, ""},
		"Empty": {func() error { _, err := ping.Call(t.Context(), c, crest.Empty{}); return err }, "", ""},
		"live": {func() error {
			body, err := crest.Get[crest.Empty, io.ReadCloser]("/x").Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			defer body.Close()
			n, err := io.Copy(io.Discard, body)
			require.Less(t, n, int64(20<<20))
			return err
		}, crest.ErrResponse, crest.KindTooLarge},
		"closed unread": {func() error {
			body, err := crest.Get[crest.Empty, io.ReadCloser]("/x").Call(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			return body.Close()
		}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := allocated()
			err := tt.call()
			require.Less(t, allocated()-before, uint64(45<<20), "bytes allocated in all, the growing buffer's generations included")
			if tt.step == "" {
				require.NoError(t, err)
				return
			}
			fails(t, err, tt.step, tt.kind, crest.SentYes)
		})
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// An empty body under a coding is an empty body.
func TestEmptyBodyUnderACoding(t *testing.T) {
	for _, status := range []int{200, 204} {
		c := newClient(t, serve(t, reply(status, "", "Content-Encoding", "gzip")))
		got, err := crest.Get[crest.Empty, []byte]("/x").Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Empty(t, got)
	}
}
