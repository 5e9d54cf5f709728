package crestdebug_test

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/net/html"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/crestdebug"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hostile is what a server can have a page show.
const hostile = `<script>alert("x")</script>'"&<img src=x onerror=alert(1)>`

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// full has something of everything.
func full() crest.Stats {
	seconds := make([]int64, 60)
	for i := range seconds {
		seconds[i] = int64(i % 7)
	}
	latency := crest.Latency{Calls: 90, Sum: 9 * time.Second, Max: 3 * time.Second, Buckets: []crest.LatencyBucket{
		{From: 0, To: 100 * time.Microsecond, Calls: 10}, {From: 12800 * time.Microsecond, To: 18102 * time.Microsecond, Calls: 60},
		{From: 2317 * time.Millisecond, To: 3276800 * time.Microsecond, Calls: 20},
	}}
	return crest.Stats{
		On: true, Origin: "https://api.example.com", Since: now.Add(-time.Hour), At: now, Closed: true, OpenTotal: 300,
		Endpoints: []crest.EndpointStats{
			{Endpoint: "GET /quiet", Calls: 1234567, Seconds: make([]int64, 60), Attempts: 1234567, Statuses: map[int]int64{200: 1234567}},
			{
				Endpoint: "GET /" + hostile, Calls: 90, Failed: 9, UnderWay: 4, Waiting: 3, Attempts: 99, Retries: 9, Open: 300, Broken: 2,
				Statuses: map[int]int64{200: 80, 304: 1, 404: 5, 503: 7, 0: 2, -1: 4}, Failures: map[string]int64{"transport/" + hostile: 2, "status": 7},
				Latency: latency, SlotWait: 3 * time.Second, Seconds: seconds,
			},
			{Endpoint: "PUT /never", UnderWay: 1, Seconds: make([]int64, 60)},
		},
		Limiters: []crest.LimiterStats{
			{Type: "*crest.RateLimiter", N: 100, Per: time.Second, Free: 25, Waiting: 3, Paused: now.Add(20 * time.Second), Learned: []crest.QuotaStats{
				{Policy: hostile, Limit: 50, Window: time.Hour, Left: 7, Reset: now.Add(30 * time.Second)}, {Left: 4, Reset: now.Add(time.Minute)},
			}},
			{Endpoints: []string{"GET /a", "GET /b", "GET /c", "GET /d", "GET /e"}, Type: "*rate.Limiter"},
		},
		Open: []crest.OpenBody{
			{Endpoint: "GET /events", Since: now.Add(-90 * time.Second), Received: 1536},
			{Endpoint: "GET /socket", Since: now.Add(-5 * time.Second), Connection: true, Received: 5, Sent: 3 << 20},
		},
		Errors: []crest.RecentError{{At: now.Add(-12 * time.Second), Endpoint: "GET /x", RequestID: hostile, Text: "crest: GET /x: 500: " + hostile}},
	}
}

// get is the answer to a request for the page.
func get(t *testing.T, h http.Handler, method, target string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w.Result()
}

// parsed is the page as a browser reads it.
func parsed(t *testing.T, resp *http.Response) *html.Node {
	t.Helper()
	require.Equal(t, 200, resp.StatusCode)
	doc, err := html.Parse(resp.Body)
	require.NoError(t, err)
	return doc
}

// find returns the elements of a name and, unless it is empty, a class.
func find(n *html.Node, name, class string) (list []*html.Node) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == name && (class == "" || strings.Contains(" "+attribute(d, "class")+" ", " "+class+" ")) {
			list = append(list, d)
		}
	}
	return list
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// text is what stands in the elements, with one blank between words.
func text(list ...*html.Node) string {
	var b strings.Builder
	for _, n := range list {
		for d := range n.Descendants() {
			if d.Type == html.TextNode && d.Parent.Data != "style" && d.Parent.Data != "title" {
				b.WriteString(d.Data + " ")
			}
		}
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(b.String(), "\u202f", " ")), " ")
}

func TestPage(t *testing.T) {
	doc := parsed(t, get(t, crestdebug.Showing(nil, crestdebug.Shown{Name: "pets", Stats: full()}), "GET", "/debug"))
	require.Equal(t, "pets closed", text(find(doc, "h1", "")...))
	require.Contains(t, text(doc), "https://api.example.com · since 1 h")

	rows := find(find(doc, "table", "operations")[0], "tr", "")[1:]
	require.Len(t, rows, 3)
	require.Equal(t, "GET /"+hostile+" 90 9 (10 %) failed 2.9 /s 4 under way 3 waiting for a slot 300 open 2 broke off"+
		" others 4 no answer 2 200 80 304 1 404 5 503 7 99 attempts, 9 retries status 7 transport/"+hostile+" 2"+
		" 100 µs 1 ms 10 ms 100 ms 1 s p50 16 ms p90 2.7 s p99 3 s mean 100 ms max 3 s 3 s in all waited for slots", text(rows[0]), "the busiest first")
	require.Equal(t, "GET /quiet 1 234 567 0 /s – 200 1 234 567 –", text(rows[1]))
	require.Equal(t, "PUT /never 0 0 /s 1 under way – –", text(rows[2]))
	require.Len(t, find(rows[0], "rect", ""), 3, "a bar for each bucket")
	require.Len(t, find(rows[0], "path", ""), 1)

	limits := find(find(doc, "table", "limiters")[0], "tr", "")[1:]
	require.Equal(t, "the client 100 per 1 s 25 of 100 3 for 20 s "+hostile+": 50 per 1 h · 7 left for 30 s 4 left for 1 min", text(limits[0]))
	require.Equal(t, "GET /a, GET /b, GET /c and 2 more *rate.Limiter, which does not tell", text(limits[1]))
	open := find(find(doc, "table", "open")[0], "tr", "")[1:]
	require.Equal(t, "GET /events body 1.5 min 1.5 KiB received", text(open[0]))
	require.Equal(t, "GET /socket connection 5 s 5 B received, 3 MiB sent", text(open[1]))
	require.Contains(t, text(doc), "and 298 more")
	require.Equal(t, "12 s ago crest: GET /x: 500: "+hostile+" request id "+hostile, text(find(doc, "ol", "errors")...))
	require.Empty(t, find(doc, "script", ""))
	require.Empty(t, find(doc, "img", ""))
}

// A page of nothing but what is there says so.
func TestPageOfLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sdk struct{ *crest.Client[*crest.Problem] }
		counting, err := crest.New[*crest.Problem]("https://api.example.com/v1", crest.WithStats())
		require.NoError(t, err)
		const off = "This client counts nothing. Make it with the option crest.WithStats() ."
		for want, sources := range map[string][]crest.Caller{
			"No client was given to this page.": nil,
			"a client " + off:                   {&sdk},
			"pets " + off:                       {crestdebug.Named("pets", &sdk)},
			"https://api.example.com since 0 s calls 0 last minute 0 /s failed 0 retries 0 under way 0 waiting for slots 0 bodies open 0 Operations None was called yet.": {counting},
		} {
			require.Contains(t, text(parsed(t, get(t, crestdebug.Handler(sources...), "GET", "/"))), want)
		}
	})
	both := parsed(t, get(t, crestdebug.Showing(nil, crestdebug.Shown{Stats: full()}, crestdebug.Shown{Name: "b", Stats: full()}), "GET", "/"))
	require.Len(t, find(both, "section", "client"), 2)
}

// What is nil is found when the program starts, not when somebody looks.
func TestHandlerMistakes(t *testing.T) {
	var client *crest.Client[*crest.Problem]
	type sdk struct{ *crest.Client[*crest.Problem] }
	for name, source := range map[string]crest.Caller{
		"interface": nil, "client": client, "SDK": (*sdk)(nil), "named": crestdebug.Named("x", client), "named nothing": crestdebug.Named("x", nil),
	} {
		require.PanicsWithValue(t, "crestdebug: Handler: client 2 of 2 is nil: make it before its page", func() { crestdebug.Handler(new(crest.Client[*crest.Problem]), source) }, name)
	}
}

// The page loads nothing, runs nothing and is not kept: the policy allows its own style alone.
func TestPageHeaders(t *testing.T) {
	h := crestdebug.Showing(nil, crestdebug.Shown{Stats: full()})
	resp := get(t, h, "GET", "/")
	doc := parsed(t, resp)
	style := find(doc, "style", "")
	require.Len(t, style, 1)
	sum := sha256.Sum256([]byte(style[0].FirstChild.Data))
	require.Equal(t, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		resp.Header.Get("Content-Security-Policy"))
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			require.NotContains(t, []string{"style", "src", "onerror", "onload"}, a.Key)
			require.True(t, a.Key != "href" || strings.HasPrefix(a.Val, "?refresh="), a.Val)
		}
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8", "Referrer-Policy": "no-referrer",
	} {
		require.Equal(t, want, resp.Header.Get(name))
	}
	head := get(t, h, "HEAD", "/")
	body, err := io.ReadAll(head.Body)
	require.NoError(t, err)
	require.Empty(t, body)
	require.Equal(t, resp.Header, head.Header)
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		refused := get(t, h, method, "/")
		require.Equal(t, 405, refused.StatusCode)
		require.Equal(t, "GET, HEAD", refused.Header.Get("Allow"))
		require.Equal(t, "no-store", refused.Header.Get("Cache-Control"))
	}
}

func TestPageRefresh(t *testing.T) {
	for query, want := range map[string]string{"": "3", "?refresh=10": "10", "?refresh=0": "", "?refresh=-1": "", "?refresh=x": "3", "?refresh=99999": "3600", "?refresh=1;url=//a.example": "3"} {
		doc := parsed(t, get(t, crestdebug.Showing(nil, crestdebug.Shown{Stats: full()}), "GET", "/x"+query))
		got := ""
		for _, m := range find(doc, "meta", "") {
			if attribute(m, "http-equiv") == "refresh" {
				got = attribute(m, "content")
			}
		}
		require.Equal(t, want, got, query)
		link := "?refresh=0"
		if want == "" {
			link = "?refresh=3"
		}
		require.Equal(t, link, attribute(find(doc, "a", "")[0], "href"), query)
	}
}
