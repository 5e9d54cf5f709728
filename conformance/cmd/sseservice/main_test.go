package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// suiteVariable names the suite's program, built from github.com/launchdarkly/sse-contract-tests.
const suiteVariable = "CREST_SSE_CONTRACT_TESTS"

// startService serves on a free port until the test is over.
func startService(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- serve(l) }()
	url := "http://" + l.Addr().String()
	t.Cleanup(func() {
		req, err := http.NewRequest(http.MethodDelete, url, nil)
		require.NoError(t, err)
		if resp, err := http.DefaultClient.Do(req); err == nil { // else the suite has stopped it
			require.NoError(t, resp.Body.Close())
		}
		require.NoError(t, <-done)
		http.DefaultClient.CloseIdleConnections()
	})
	return url
}

// TestContract runs the whole suite if its program is there; the count of the tests stands in docs/streaming.md.
func TestContract(t *testing.T) {
	program := os.Getenv(suiteVariable)
	if program == "" {
		t.Logf("sse-contract-tests: %s does not name the suite's program: TestService alone looks at the service", suiteVariable)
		return
	}
	url := startService(t)
	out, err := exec.CommandContext(t.Context(), program, "--url", url, "--host", "127.0.0.1", "--port", freePort(t), "--stop-service-at-end").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "All tests passed")
	require.NotContains(t, string(out), "SKIP")
	passed := leaves(string(out))
	fmt.Printf("sse-contract-tests: %d passed, 0 failed, 0 skipped\n", passed)
	require.GreaterOrEqual(t, passed, 113)
}

// leaves counts the tests that have none inside them.
func leaves(log string) (n int) {
	var names []string
	for line := range strings.SplitSeq(log, "\n") {
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			names = append(names, strings.Trim(line, "[]"))
		}
	}
	for i, name := range names {
		if i+1 == len(names) || !strings.HasPrefix(names[i+1], name+"/") {
			n++
		}
	}
	return n
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// TestService asks the service as the suite does: what arrives is told in order, comments too, and a restart goes on where it was.
func TestService(t *testing.T) {
	told := make(chan string, 10)
	callback := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- r.URL.Path + " " + string(body)
	}))
	t.Cleanup(callback.Close)
	stream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, ":hi\nid: 1\ndata: after %q\n:there\n\n", r.Header.Get("Last-Event-ID"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(stream.Close)

	// The service ends before the servers that it asks.
	url := startService(t)
	var info struct{ Capabilities []string }
	resp, err := http.Get(url)
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&info))
	require.NoError(t, resp.Body.Close())
	require.Contains(t, info.Capabilities, "comments")

	instance := post(t, url, fmt.Sprintf(`{"streamUrl":%q,"callbackUrl":%q}`, stream.URL, callback.URL))
	require.JSONEq(t, `{"kind":"comment","comment":"hi"}`, next(t, told, "/1"))
	require.JSONEq(t, `{"kind":"comment","comment":"there"}`, next(t, told, "/2"))
	require.JSONEq(t, `{"kind":"event","event":{"type":"message","data":"after \"\"","id":"1"}}`, next(t, told, "/3"))
	post(t, instance, `{"command":"restart"}`)
	next(t, told, "/4")
	next(t, told, "/5")
	require.JSONEq(t, `{"kind":"event","event":{"type":"message","data":"after \"1\"","id":"1"}}`, next(t, told, "/6"))
}

// post returns the Location of the answer.
func post(t *testing.T, url, body string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 2, resp.StatusCode/100)
	return resp.Header.Get("Location")
}

func next(t *testing.T, told <-chan string, path string) string {
	t.Helper()
	select {
	case message := <-told:
		at, body, _ := strings.Cut(message, " ")
		require.Equal(t, path, at)
		return body
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was told")
		return ""
	}
}
