package crest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

const (
	hostileVariable = "CREST_HOSTILE_SERVER" // the base URL for the process that is attacked
	hostileMemory   = 96 << 20               // a buffer that grows to the largest bound, 16 MiB, leaves its smaller selves to the collector
	hostileTime     = time.Minute            // for one attack, on a machine that has other work
)

// attack is a server that goes on until its client hangs up.
type attack struct {
	head string
	more string // again and again; "" is an answer that ends
	call func(c crest.Caller, route string) error
	step crest.Step // "" is none
	kind crest.Kind
}

// attacks are by name, which is the route as well. What each can make a client hold is bounded by default.
// The bombs are made of zeros, of which the attacked process needs none.
func attacks(zeros string) map[string]attack {
	const ok, coded, page = "HTTP/1.1 200 OK\r\n", "Content-Type: application/json\r\nContent-Encoding: ", "HTTP/1.1 500 x\r\nContent-Type: text/plain\r\n"
	typed, untyped, events, lines := hostileCall[thing], hostileCall[any], hostileStream("text/event-stream"), hostileStream("application/x-ndjson")
	until := func(text string) string { return text + "Connection: close\r\n\r\n" }
	tooLarge, protocol := [2]any{crest.ErrResponse, crest.KindTooLarge}, [2]any{crest.ErrTransport, crest.KindProtocol}
	as := func(head, more string, call func(crest.Caller, string) error, want [2]any) attack {
		return attack{head, more, call, want[0].(crest.Step), want[1].(crest.Kind)}
	}
	encoding, decode := [2]any{crest.ErrResponse, crest.KindEncoding}, [2]any{crest.ErrResponse, crest.KindDecode}
	status := [2]any{crest.ErrStatus, crest.Kind("")}
	return map[string]attack{
		"gzip":             as(until(ok+coded+"gzip\r\n"), gzipped(zeros), typed, tooLarge),
		"gzip-raw":         as(until(ok+coded+"gzip\r\n"), gzipped(zeros), hostileCopy, tooLarge),
		"gzip-events":      as(until(ok+"Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"), gzipped(zeros), events, tooLarge),
		"gzip-error":       as(until("HTTP/1.1 500 x\r\n"+coded+"gzip\r\n"), gzipped(zeros), typed, status),
		"deflate":          as(until(ok+coded+"deflate\r\n"), zlibbed(zeros), typed, tooLarge),
		"chained":          as(until(ok+coded+"gzip, gzip\r\n"), gzipped(gzipped(zeros)), typed, encoding),
		"chained-headers":  as(until(ok+coded+"gzip\r\n"+strings.Repeat("Content-Encoding: gzip\r\n", 50)), gzipped(zeros), typed, encoding),
		"deep-json":        as(until(ok+"Content-Type: application/json\r\n")+strings.Repeat("[", len(zeros)/7), "", untyped, decode),
		"endless-body":     as(until(ok+"Content-Type: application/json\r\n")+`{"name":"`, strings.Repeat("x", 64<<10), typed, tooLarge),
		"endless-error":    as(until(page), strings.Repeat("x", 64<<10), typed, status),
		"lying-length":     as(ok+"Content-Type: application/json\r\nContent-Length: 10737418240\r\n\r\n{", "", typed, tooLarge),
		"headers":          as(ok, "X-A: "+strings.Repeat("a", 100)+"\r\n", typed, protocol),
		"one-header":       as(ok+"X-A: ", strings.Repeat("a", 64<<10), typed, protocol),
		"status-line":      as("HTTP/1.1 200 ", strings.Repeat("a", 64<<10), typed, protocol),
		"hints":            as("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", typed, protocol),
		"continues":        as("", "HTTP/1.1 100 Continue\r\n\r\n", typed, protocol),
		"chunk-extensions": as(ok+"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1", ";"+strings.Repeat("a", 64<<10), typed, [2]any{crest.ErrResponse, crest.KindTruncated}),
		"tiny-chunks":      as(ok+"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\n \r\n", 10_000), typed, tooLarge),
		"event-line":       as(until(ok+"Content-Type: text/event-stream\r\n")+"data: ", strings.Repeat("x", 64<<10), events, tooLarge),
		"event":            as(until(ok+"Content-Type: text/event-stream\r\n"), "data: "+strings.Repeat("x", 8<<10)+"\n", events, tooLarge),
		"line":             as(until(ok+"Content-Type: application/x-ndjson\r\n")+`{"name":"`, strings.Repeat("x", 64<<10), lines, tooLarge),
		"redirects":        as("HTTP/1.1 302 Found\r\nLocation: /redirects\r\nContent-Length: 0\r\n\r\n", "", typed, [2]any{crest.ErrTransport, crest.KindRedirect}),
		"redirect-bodies":  as("HTTP/1.1 302 Found\r\nLocation: /redirect-bodies\r\n"+until(coded+"gzip\r\n"), gzipped(zeros), typed, [2]any{crest.ErrTransport, crest.KindRedirect}),
		"retry-after":      as("HTTP/1.1 503 x\r\nRetry-After: 9999999999\r\nContent-Length: 0\r\n\r\n", "", typed, status),
		"cookies":          as(until(ok+"Content-Type: application/json\r\n"+strings.Repeat("Set-Cookie: a%d=b\r\n", 4000))+thingJSON, "", hostileCookies, [2]any{crest.Step(""), crest.Kind("")}),
		"file":             as(until(ok+coded+"gzip\r\n"), gzipped(zeros), hostileFile, tooLarge),
	}
}

func hostileCall[Res any](c crest.Caller, route string) error {
	_, err := crest.Get[crest.Empty, Res](route).Call(context.Background(), c, crest.Empty{})
	return err
}

func hostileCopy(c crest.Caller, route string) error {
	body, err := crest.Get[crest.Empty, io.ReadCloser](route).Call(context.Background(), c, crest.Empty{})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, body)
	return errors.Join(err, body.Close())
}

func hostileFile(c crest.Caller, route string) error {
	_, err := crest.Download(context.Background(), c, crest.Get[crest.Empty, io.ReadCloser](route), crest.Empty{}, plainWriter{io.Discard})
	return err
}

func hostileStream(accept string) func(crest.Caller, string) error {
	return func(c crest.Caller, route string) error {
		s := crest.NewStream[crest.Empty, string](http.MethodGet, route, crest.WithAccept(accept))
		for _, err := range s.Call(context.Background(), c, crest.Empty{}) {
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// hostileCookies asks often enough for a jar without bounds to grow by as many cookies as the other attacks have bytes.
func hostileCookies(c crest.Caller, route string) error {
	for range 20 {
		if err := hostileCall[thing](c, route); err != nil {
			return err
		}
	}
	return nil
}

// serve plays an attack to the end of the connection.
func (a attack) serve(conn net.Conn, requests int32) {
	var head strings.Builder
	for n, text := range strings.Split(a.head, "%d") { // a name of its own for each cookie
		if n > 0 {
			fmt.Fprint(&head, requests, "-", n)
		}
		head.WriteString(text)
	}
	if _, err := io.WriteString(conn, head.String()); err != nil || a.more == "" {
		return
	}
	more := a.more
	if len(more) < 32<<10 {
		more = strings.Repeat(more, 32<<10/len(more)+1)
	}
	for {
		if _, err := io.WriteString(conn, more); err != nil {
			return
		}
	}
}

// hostileResult is what the attacked process tells of one attack.
type hostileResult struct {
	Step  crest.Step
	Kind  crest.Kind
	Text  string
	Took  time.Duration
	Grown int64
}

// TestHostileServers attacks a process with a default client, one attack after the other: each ends in its error and in time, and
// the process never grows by more than 96 MiB.
func TestHostileServers(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own: it is measured without")
	}
	if base := os.Getenv(hostileVariable); base != "" {
		beAttacked(t, base)
		return
	}
	all := attacks(strings.Repeat("\x00", 64<<20))
	var requests atomic.Int32
	base := listen(t, func(conn net.Conn, in *bufio.Reader) {
		if req := readRequest(in); req != nil {
			all[strings.TrimPrefix(req.URL.Path, "/")].serve(conn, requests.Add(1))
		}
	})
	cmd := exec.Command(os.Args[0], "-test.run", "^TestHostileServers$", "-test.v")
	cmd.Env = append(os.Environ(), hostileVariable+"="+base)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	_, text, found := bytes.Cut(out, []byte("results: "))
	require.True(t, found, "%s", out)
	var results map[string]hostileResult
	require.NoError(t, json.NewDecoder(bytes.NewReader(text)).Decode(&results))
	for name, a := range all {
		got := results[name]
		t.Logf("%s: %s in %v, grown by %d KiB", name, got.Text, got.Took.Round(time.Millisecond), got.Grown>>10)
		require.Equal(t, a.step, got.Step, "%s: %s", name, got.Text)
		require.Equal(t, a.kind, got.Kind, "%s: %s", name, got.Text)
		require.Less(t, got.Took, hostileTime, name)
		require.Less(t, got.Grown, int64(hostileMemory), "%s or one before it", name)
	}
}

// beAttacked is the child.
func beAttacked(t *testing.T, base string) {
	c, err := crest.New[*failure](base, crest.WithCookieJar(crest.NewJar(crest.JarOptions{})))
	require.NoError(t, err)
	defer c.Close()
	all, results := attacks(""), map[string]hostileResult{}
	debug.FreeOSMemory()
	before := memory(t)
	for name, a := range all {
		start := time.Now()
		err := a.call(c, "/"+name)
		r := hostileResult{Took: time.Since(start), Text: fmt.Sprint(err)}
		if failed, ok := errors.AsType[*crest.CallError](err); ok {
			r.Step, r.Kind = failed.Step, failed.Kind
		}
		debug.FreeOSMemory()
		r.Grown = memory(t) - before
		results[name] = r
	}
	fmt.Print("results: ")
	require.NoError(t, json.NewEncoder(os.Stdout).Encode(results))
}
