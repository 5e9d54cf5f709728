package crest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func TestLinks(t *testing.T) {
	const base = "https://api.example.com/v1/things/list"
	for name, tt := range map[string]struct {
		lines []string
		want  []crest.Link
	}{
		"none":          {nil, nil},
		"one":           {[]string{`<https://x.example/2>; rel="next"`}, []crest.Link{{URL: "https://x.example/2", Rel: "next"}}},
		"token":         {[]string{`<https://x.example/2>;rel=next`}, []crest.Link{{URL: "https://x.example/2", Rel: "next"}}},
		"relative":      {[]string{`<?page=2>; rel=next, </a>; rel=first, <b>; rel=last`}, []crest.Link{{URL: base + "?page=2", Rel: "next"}, {URL: "https://api.example.com/a", Rel: "first"}, {URL: "https://api.example.com/v1/things/b", Rel: "last"}}},
		"two lines":     {[]string{`<a>; rel=a`, `<b>; rel=b`}, []crest.Link{{URL: "https://api.example.com/v1/things/a", Rel: "a"}, {URL: "https://api.example.com/v1/things/b", Rel: "b"}}},
		"two types":     {[]string{`</a>; rel="Next  Last"`}, []crest.Link{{URL: "https://api.example.com/a", Rel: "next"}, {URL: "https://api.example.com/a", Rel: "last"}}},
		"comma inside":  {[]string{`<https://x.example/a,b;c>; rel="next"; title="a, b; c"`}, []crest.Link{{URL: "https://x.example/a,b;c", Rel: "next", Params: map[string]string{"title": "a, b; c"}}}},
		"escape":        {[]string{`</a>; rel=next; title="say \"hi\" \\"`}, []crest.Link{{URL: "https://api.example.com/a", Rel: "next", Params: map[string]string{"title": `say "hi" \`}}}},
		"star":          {[]string{`</a>; rel=next; title=plain; title*=UTF-8'de'n%c3%a4chste`}, []crest.Link{{URL: "https://api.example.com/a", Rel: "next", Params: map[string]string{"title": "nächste"}}}},
		"bad star":      {[]string{`</a>; rel=next; title=plain; title*=UTF-8'de'%zz`}, []crest.Link{{URL: "https://api.example.com/a", Rel: "next", Params: map[string]string{"title": "plain"}}}},
		"first rel":     {[]string{`</a>; rel=next; rel=last`}, []crest.Link{{URL: "https://api.example.com/a", Rel: "next"}}},
		"case":          {[]string{`</a>; REL="NEXT"; Type=text/html`}, []crest.Link{{URL: "https://api.example.com/a", Rel: "next", Params: map[string]string{"type": "text/html"}}}},
		"anchor":        {[]string{`</a>; rel=next; anchor="#top"`}, []crest.Link{{URL: "https://api.example.com/a", Rel: "next", Anchor: base + "#top"}}},
		"empty places":  {[]string{`,, </a>;; rel=next;, ,</b>; rel=last ,`}, []crest.Link{{URL: "https://api.example.com/a", Rel: "next"}, {URL: "https://api.example.com/b", Rel: "last"}}},
		"no rel":        {[]string{`</a>; title=x`}, []crest.Link{{URL: "https://api.example.com/a", Params: map[string]string{"title": "x"}}}},
		"no brackets":   {[]string{`/a; rel=next`}, nil},
		"not closed":    {[]string{`</a; rel=next`}, nil},
		"garbage":       {[]string{`;;;,,<>`, "\x00", `<`, `"`}, nil},
		"R16 long line": {[]string{strings.Repeat(`</a>; rel=next, `, 1000)}, nil},
		"R16 too long":  {[]string{`<` + strings.Repeat("../", 10_000) + `>; rel=next`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			for _, line := range tt.lines {
				headers = append(headers, "Link", line)
			}
			c := newClient(t, "https://api.example.com/v1", crest.WithTransport(fixed(200, "", headers...)))
			r, err := crest.Get[crest.Empty, crest.Empty]("/things/list").Do(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			got := r.Links()
			require.Len(t, got, len(tt.want), "%v", got)
			for i, want := range tt.want {
				if want.Params == nil {
					want.Params = map[string]string{}
				}
				require.Equal(t, want, got[i])
			}
		})
	}
}

func TestLocation(t *testing.T) {
	for name, tt := range map[string]struct{ location, want string }{
		"none":     {"", ""},
		"absolute": {"https://x.example/a", "https://x.example/a"},
		"relative": {"../b?c=1", "https://api.example.com/b?c=1"},
		"host":     {"//x.example/a", "https://x.example/a"},
		"no URL":   {"http://[::1", ""},
		"R16 long": {strings.Repeat("../", 400_000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "https://api.example.com", crest.WithTransport(fixed(201, "", "Location", tt.location)))
			r, err := crest.Get[crest.Empty, crest.Empty]("/a/x").Do(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			require.Equal(t, tt.want, r.Location())
		})
	}
}

// Row 35.
func TestRetryAfterRow35(t *testing.T) {
	const date = "Sat, 21 Nov 2026 10:00:00 GMT"
	for name, tt := range map[string]struct {
		values []string
		want   time.Duration
	}{
		"absent":         {nil, 0},
		"seconds":        {[]string{"120"}, 2 * time.Minute},
		"spaces":         {[]string{" 120 "}, 2 * time.Minute},
		"zero":           {[]string{"0"}, 0},
		"ten digits":     {[]string{"9999999999"}, 9223372036 * time.Second}, // clamped, never negative
		"negative":       {[]string{"-5"}, 0},
		"plus":           {[]string{"+5"}, 0},
		"fraction":       {[]string{"1.5"}, 1500 * time.Millisecond},
		"20 digits":      {[]string{strings.Repeat("9", 20)}, 0},
		"11 digits":      {[]string{"10000000000"}, 0},
		"list":           {[]string{"1, 2"}, 0},
		"empty":          {[]string{""}, 0},
		"twice":          {[]string{"1", "2"}, 0},
		"IMF-fixdate":    {[]string{"Sat, 21 Nov 2026 10:02:00 GMT"}, 2 * time.Minute},
		"RFC 850":        {[]string{"Saturday, 21-Nov-26 10:02:00 GMT"}, 2 * time.Minute},
		"asctime":        {[]string{"Sat Nov 21 10:02:00 2026"}, 2 * time.Minute},
		"past":           {[]string{"Sat, 21 Nov 2026 09:00:00 GMT"}, 0},
		"garbage":        {[]string{"soon"}, 0},
		"unicode digits": {[]string{"１２"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			headers := []string{"Date", date}
			for _, v := range tt.values {
				headers = append(headers, "Retry-After", v)
			}
			for _, status := range []int{429, 503} {
				c := newClient(t, "https://x.example", crest.WithTransport(fixed(status, "", headers...)))
				_, err := getThing.Call(t.Context(), c, crest.Empty{})
				var failed *crest.Error
				require.ErrorAs(t, err, &failed)
				require.Equal(t, tt.want, failed.RetryAfter)
			}
		})
	}
	t.Run("year 9999", func(t *testing.T) {
		c := newClient(t, "https://x.example", crest.WithTransport(fixed(503, "", "Date", date, "Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")))
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		var failed *crest.Error
		require.ErrorAs(t, err, &failed)
		require.Greater(t, failed.RetryAfter, 200*365*24*time.Hour)
	})
	t.Run("no Date: relative to the arrival", func(t *testing.T) {
		c := newClient(t, "https://x.example", crest.WithTransport(fixed(503, "", "Retry-After", time.Now().Add(time.Hour).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))))
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		var failed *crest.Error
		require.ErrorAs(t, err, &failed)
		require.InDelta(t, time.Hour, failed.RetryAfter, float64(time.Minute))
	})
}
