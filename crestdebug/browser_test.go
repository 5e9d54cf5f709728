package crestdebug_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/crestdebug"
)

// traffic is a client that has made calls, over a transport in memory.
func traffic(t *testing.T) *crest.Client[*crest.Problem] {
	t.Helper()
	n := 0
	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithStats(), crest.WithRateLimit(100, time.Hour), crest.WithRetry(crest.Retry{Max: -1}),
		crest.WithTransport(roundTrip(func(req *http.Request) (*http.Response, error) {
			n++
			status, body := http.StatusOK, `"`+strings.Repeat("x", n)+`"`
			if n%4 == 0 {
				status, body = http.StatusNotFound, `{"title":"<script>document.title='broken'</script>"}`
			}
			w := httptest.NewRecorder()
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.WriteString(body)
			resp := w.Result()
			resp.Request = req
			return resp, nil
		})))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	list := crest.Get[crest.Empty, any]("/pets")
	for range 20 {
		_, _ = list.Call(t.Context(), c, crest.Empty{})
	}
	return c
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// TestBrowser reads the page as Go parses it, and as Chromium does where it is installed (Debian's package chromium).
func TestBrowser(t *testing.T) {
	server := httptest.NewServer(crestdebug.Showing([]crest.Caller{traffic(t)}, crestdebug.Shown{Name: "everything", Stats: full()}))
	t.Cleanup(server.Close)
	address := server.URL + "/?refresh=0"
	readers := map[string]func(t *testing.T) *html.Node{"a reader in Go": func(t *testing.T) *html.Node {
		resp, err := server.Client().Get(address)
		require.NoError(t, err)
		defer resp.Body.Close()
		return parsed(t, resp)
	}}
	if _, err := exec.LookPath("chromium"); err == nil {
		readers["chromium"] = func(t *testing.T) *html.Node {
			doc, err := html.Parse(bytes.NewReader(chromium(t, "--dump-dom", address)))
			require.NoError(t, err)
			return doc
		}
		t.Run("drawn", func(t *testing.T) { drawn(t, address) })
	}
	for name, read := range readers {
		t.Run(name, func(t *testing.T) {
			doc := read(t)
			require.Contains(t, text(find(doc, "body", "")...), "https://api.example.com since ")
			tables := find(doc, "table", "operations")
			require.Len(t, tables, 2)
			row := text(find(tables[0], "tr", "")[1])
			require.Contains(t, row, "GET /pets 20 5 (25 %) failed")
			require.Contains(t, row, "200 15 404 5")
			require.Len(t, find(doc, "li", ""), 6)
			require.Contains(t, text(find(doc, "li", "")[0]), "404 Not Found: <script>document.title='broken'</script>")
			require.Equal(t, "crest: https://api.example.com, everything", find(doc, "title", "")[0].FirstChild.Data)
			require.Empty(t, find(doc, "script", ""))
			require.Empty(t, find(doc, "img", ""))
		})
	}
}

// drawn looks at what Chromium draws: the page's own colours are there, so its policy lets its style be applied.
func drawn(t *testing.T, address string) {
	bar := map[string]color.RGBA{"light": {0x4a, 0x7f, 0xc1, 255}, "dark": {0x5b, 0x93, 0xd6, 255}}
	back := map[string]color.RGBA{"light": {255, 255, 255, 255}, "dark": {0x14, 0x17, 0x1b, 255}}
	for _, tt := range []struct{ name, scheme, size, setting string }{
		{"wide", "light", "1300,900", "preferredColorScheme=1"}, {"narrow", "light", "400,900", "preferredColorScheme=1"}, {"dark", "dark", "1300,900", "preferredColorScheme=0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "page.png")
			chromium(t, "--screenshot="+path, "--hide-scrollbars", "--window-size="+tt.size, "--blink-settings="+tt.setting, address)
			file, err := os.Open(path)
			require.NoError(t, err)
			defer file.Close()
			drawing, err := png.Decode(file)
			require.NoError(t, err)
			colours := coloursOf(drawing)
			require.Greater(t, len(colours), 20)
			require.Greater(t, colours[bar[tt.scheme]], 100, "bars of histograms")
			require.Greater(t, colours[back[tt.scheme]], drawing.Bounds().Dx()*drawing.Bounds().Dy()/2, "the background")
		})
	}
}

// coloursOf counts the pixels of each colour.
func coloursOf(m image.Image) map[color.RGBA]int {
	counts := map[color.RGBA]int{}
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			counts[color.RGBAModel.Convert(m.At(x, y)).(color.RGBA)]++
		}
	}
	return counts
}

// chromium runs it and returns what it writes. It is started once more if it hangs: that is not what is tested.
func chromium(t *testing.T, args ...string) []byte {
	t.Helper()
	out, err := startChromium(t, args)
	if errors.Is(err, context.DeadlineExceeded) {
		out, err = startChromium(t, args)
	}
	require.NoError(t, err)
	return out
}

func startChromium(t *testing.T, args []string) ([]byte, error) {
	profile, err := os.MkdirTemp("", "crestdebug")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(profile) }) // not t.TempDir: the browser's last process may still write there
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chromium", append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-breakpad", "--disable-dev-shm-usage", "--force-color-profile=srgb", "--user-data-dir=" + profile,
	}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+profile)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.Output()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return out, err
}
