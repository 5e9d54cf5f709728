package har_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/har"
)

// shape is what the format wants of the members of an object: a name with a ? is optional. A check gets the value.
type shape map[string]check

// check returns what is wrong with a value.
type check func(v any) []string

// mistakes are those that an archive has by HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), written from there.
func mistakes(text []byte) []string {
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	var v any
	if err := in.Decode(&v); err != nil {
		return []string{err.Error()}
	}
	return object(shape{"log": object(shape{
		"version": oneOf("1.2"), "creator": object(shape{"name": filled, "version": filled, "comment?": text_}),
		"browser?": anything, "pages?": anything, "entries": list(entryOf), "comment?": text_,
	})})(v)
}

var (
	text_  = is[string]
	fact   = is[bool]
	pairOf = object(shape{"name": text_, "value": text_, "comment?": text_})
	cookie = object(shape{
		"name": filled, "value": text_, "path?": text_, "domain?": text_, "expires?": instant, "httpOnly?": fact, "secure?": fact, "comment?": text_,
	})
	entryOf = all(object(shape{
		"pageref?": text_, "startedDateTime": instant, "time": duration, "request": object(requestShape), "response": object(responseShape),
		"cache": object(shape{"beforeRequest?": anything, "afterRequest?": anything, "comment?": text_}), "timings": object(timingShape),
		"serverIPAddress?": ip, "connection?": filled, "comment?": text_,
	}), sums)
	requestShape = shape{
		"method": filled, "url": absolute, "httpVersion": filled, "cookies": list(cookie), "headers": list(pairOf), "queryString": list(pairOf),
		"postData?": posted, "headersSize": size, "bodySize": size, "comment?": text_,
	}
	responseShape = shape{
		"status": whole, "statusText": text_, "httpVersion": filled, "cookies": list(cookie), "headers": list(pairOf),
		"content": object(shape{
			"size": size, "compression?": whole, "mimeType": text_, "text?": text_, "encoding?": oneOf("base64"), "comment?": text_,
		}), "redirectURL": text_, "headersSize": size, "bodySize": size, "comment?": text_,
	}
	timingShape = shape{
		"blocked?": phase, "dns?": phase, "connect?": phase, "send": duration, "wait": duration, "receive": duration, "ssl?": phase, "comment?": text_,
	}
)

func anything(any) []string { return nil }

func is[T any](v any) []string {
	if _, ok := v.(T); !ok {
		return []string{fmt.Sprintf("%v is a %T", v, v)}
	}
	return nil
}

func filled(v any) []string {
	if v == "" {
		return []string{"it is empty"}
	}
	return text_(v)
}

func oneOf(want string) check {
	return func(v any) []string {
		if v != want {
			return []string{fmt.Sprintf("%v is not %s", v, want)}
		}
		return nil
	}
}

func number(v any, ok func(n float64) bool) []string {
	if n, is := v.(float64); !is || !ok(n) {
		return []string{fmt.Sprintf("%v is no number of this kind", v)}
	}
	return nil
}

func whole(v any) []string {
	return number(v, func(n float64) bool { return n == math.Trunc(n) })
}

func size(v any) []string {
	return number(v, func(n float64) bool { return n == math.Trunc(n) && n >= -1 })
}

func duration(v any) []string { return number(v, func(n float64) bool { return n >= 0 }) }
func phase(v any) []string    { return number(v, func(n float64) bool { return n >= 0 || n == -1 }) }

func instant(v any) []string {
	if _, err := time.Parse(time.RFC3339, fmt.Sprint(v)); err != nil {
		return []string{err.Error()}
	}
	return nil
}

func ip(v any) []string {
	if _, err := netip.ParseAddr(fmt.Sprint(v)); err != nil {
		return []string{err.Error()}
	}
	return nil
}

func absolute(v any) []string {
	u, err := url.Parse(fmt.Sprint(v))
	if err != nil || !u.IsAbs() || u.Host == "" || u.Fragment != "" {
		return []string{fmt.Sprintf("%v is no absolute URL without a fragment", v)}
	}
	return nil
}

// posted has either params or a text.
func posted(v any) []string {
	member, _ := v.(map[string]any)
	_, form := member["params"]
	_, plain := member["text"]
	if form == plain {
		return []string{"postData has params and text, or neither"}
	}
	return object(shape{"mimeType": text_, "params?": list(object(shape{
		"name": text_, "value?": text_, "fileName?": text_, "contentType?": text_, "comment?": text_,
	})), "text?": text_, "comment?": text_})(v)
}

// sums holds the time of an entry to its phases.
func sums(v any) []string {
	entry, _ := v.(map[string]any)
	phases, _ := entry["timings"].(map[string]any)
	sum := 0.0
	for name, value := range phases {
		if n, ok := value.(float64); ok && n > 0 && name != "ssl" {
			sum += n
		}
	}
	if took, ok := entry["time"].(float64); !ok || math.Abs(took-sum) > 1e-6 {
		return []string{fmt.Sprintf("time is %v, and its phases are %v", entry["time"], sum)}
	}
	ssl, _ := phases["ssl"].(float64)
	if connect, _ := phases["connect"].(float64); ssl > connect {
		return []string{"ssl is a part of connect"}
	}
	return nil
}

func all(checks ...check) check {
	return func(v any) (wrong []string) {
		for _, c := range checks {
			wrong = append(wrong, c(v)...)
		}
		return wrong
	}
}

func list(of check) check {
	return func(v any) (wrong []string) {
		items, ok := v.([]any)
		if !ok {
			return []string{fmt.Sprintf("%v is no list", v)}
		}
		for i, item := range items {
			for _, w := range of(item) {
				wrong = append(wrong, fmt.Sprintf("[%d]%s", i, w))
			}
		}
		return wrong
	}
}

func object(s shape) check {
	return func(v any) (wrong []string) {
		members, ok := v.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%v is no object", v)}
		}
		for name := range members {
			if s[name] == nil && s[name+"?"] == nil && !strings.HasPrefix(name, "_") {
				wrong = append(wrong, name+" is no member of the format")
			}
		}
		for name, c := range s {
			name, optional := strings.CutSuffix(name, "?")
			value, there := members[name]
			switch {
			case there:
				for _, w := range c(value) {
					wrong = append(wrong, "."+name+": "+w)
				}
			case !optional:
				wrong = append(wrong, name+" is missing")
			}
		}
		return wrong
	}
}

// The check of the format finds what is wrong with an archive.
func TestFormatCheck(t *testing.T) {
	good := written(t, everything(t))
	for name, change := range map[string][2]string{
		"version":         {`"version":"1.2"`, `"version":"1.1"`},
		"no cache":        {`"cache":{},`, ``},
		"time":            {`"time":`, `"time":1`},
		"negative":        {`"send":`, `"send":-1`},
		"no statusText":   {`"statusText":"OK",`, ``},
		"date":            {`"startedDateTime":"2`, `"startedDateTime":"x2`},
		"relative URL":    {`"url":"http://`, `"url":"`},
		"unknown member":  {`"cache":`, `"cash":1,"cache":`},
		"size":            {`"headersSize":-1`, `"headersSize":-2`},
		"cookies":         {`"cookies":[]`, `"cookies":null`},
		"text and params": {`"params":`, `"text":"","params":`},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(good, change[0], change[1], 1)
			require.NotEqual(t, good, bad)
			require.NotEmpty(t, mistakes([]byte(bad)))
		})
	}
}

// everything is an archive with all kinds of entries.
func everything(t testing.TB) *har.Recorder {
	rec := &har.Recorder{Body: 64}
	c := serve(t, rec, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/text?limit=2&key=secret", http.StatusFound)
		case "/bytes":
			_, _ = w.Write([]byte{0xff, 0, 1})
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("short"))
		case "/gone":
			panic(http.ErrAbortHandler)
		default:
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "s3cret", HttpOnly: true, Expires: time.Now().Add(time.Hour)})
			_, _ = w.Write([]byte(long(100)))
		}
	}, never, crest.WithCookie("theme", "dark"))
	type form struct {
		Name string `form:"name"`
	}
	type order struct {
		Item string `json:"item"`
	}
	ctx := context.Background()
	_, err := crest.Post[form, string]("/form").Call(ctx, c, form{"a & b"})
	require.NoError(t, err)
	_, err = crest.Post[order, string]("/order").Call(ctx, c, order{"lamp"})
	require.NoError(t, err)
	_, err = crest.Post[[]byte, []byte]("/bytes").Call(ctx, c, []byte{0xff, 0})
	require.NoError(t, err)
	for _, path := range []string{"/moved", "/cut", "/gone"} {
		_, _ = crest.Get[crest.Empty, string](path).Call(ctx, c, crest.Empty{})
	}
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err = crest.Get[crest.Empty, string]("/").Call(ctx, client(t, rec, server.URL, never), crest.Empty{})
	require.ErrorIs(t, err, crest.KindConnect)
	return rec
}

// A reader that others wrote accepts all of it.
func TestForeignReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "everything.har")
	require.NoError(t, os.WriteFile(path, []byte(written(t, everything(t))), 0o600))
	out, err := harValidator(t, path)
	if errors.Is(err, exec.ErrNotFound) || strings.Contains(out, "MODULE_NOT_FOUND") {
		t.Log("har-validator is not installed (the Debian package node-har-validator): the check of this package stands alone")
		return
	}
	require.NoError(t, err, "%s", out)

	require.NoError(t, os.WriteFile(path, bytes.ReplaceAll([]byte(written(t, everything(t))), []byte(`"redirectURL"`), []byte(`"redirect"`)), 0o600))
	out, err = harValidator(t, path)
	require.Error(t, err)
	require.Contains(t, out, "redirectURL")
}

func harValidator(t *testing.T, path string) (out string, err error) {
	cmd := exec.CommandContext(t.Context(), "node", "-e", `
		const { har } = require('har-validator')
		har(JSON.parse(require('fs').readFileSync(process.argv[1])))
			.catch(e => { console.error(JSON.stringify(e.errors)); process.exitCode = 1 })`, path)
	cmd.Env = append(os.Environ(), "NODE_PATH="+os.Getenv("NODE_PATH")+":/usr/share/nodejs")
	text, err := cmd.CombinedOutput()
	return string(text), err
}
