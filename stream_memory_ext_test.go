package crest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

const (
	memoryVariable = "CREST_MEMORY_CASE" // names the case that a child process runs
	fullVariable   = "CREST_FULL_SIZE"   // asks for the whole gigabyte
	memoryBound    = 32 << 20
)

// memoryCase is a stream that is too large to be held.
type memoryCase struct {
	contentType string
	piece       string // %d is its number
	before      string
	between     string
	after       string
	full, small int // pieces
}

// A gigabyte of one array is 8 Mi elements of 128 bytes; by default an eighth of that is sent, which is still four times the bound.
var memoryCases = map[string]memoryCase{
	"events": {contentType: "text/event-stream", piece: "id: %d\ndata: {\"id\":1,\"name\":\"Rex\"}\n\n", full: 1_000_000, small: 1_000_000},
	"array": {
		contentType: "application/json", before: "[", between: ",\n", after: "]",
		piece: `{"id":%8d,"name":"` + strings.Repeat("x", 99) + `"}`, full: 8 << 20, small: 1 << 20,
	},
	"lines": {
		contentType: "application/x-ndjson", between: "\n",
		piece: `{"id":%8d,"name":"` + strings.Repeat("x", 99) + `"}`, full: 8 << 20, small: 1 << 20,
	},
}

func (m memoryCase) pieces() int {
	if os.Getenv(fullVariable) != "" {
		return m.full
	}
	return m.small
}

// TestStreamMemory reads streams over loopback in a process of their own, whose memory must not grow by more than 32 MiB.
// CREST_FULL_SIZE=1 makes the array and the lines a gigabyte each.
func TestStreamMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own: it is measured without")
	}
	if name := os.Getenv(memoryVariable); name != "" {
		memoryCases[name].run(t)
		return
	}
	for name, m := range memoryCases {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run", "^TestStreamMemory$", "-test.v")
			cmd.Env = append(os.Environ(), memoryVariable+"="+name)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			_, text, found := bytes.Cut(out, []byte("grew by "))
			require.True(t, found, "%s", out)
			var grew, sent int64
			_, err = fmt.Sscanf(string(text), "%d for %d", &grew, &sent)
			require.NoError(t, err)
			require.Greater(t, sent, int64(memoryBound), "the stream is too small to show anything")
			require.Less(t, grew, int64(memoryBound))
			t.Logf("%s: %d pieces, %d MiB sent, memory grew by %.1f MiB", name, m.pieces(), sent>>20, float64(grew)/(1<<20))
		})
	}
}

// run is the child.
func (m memoryCase) run(t *testing.T) {
	var sent int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", m.contentType)
		sent = m.write(w)
	}))
	defer server.Close()
	c := newClient(t, server.URL)
	debug.FreeOSMemory()
	before, peak, n := memory(t), int64(0), 0
	for got, err := range crest.NewStream[crest.Empty, thing](http.MethodGet, "/").Call(context.Background(), c, crest.Empty{}) {
		require.NoError(t, err)
		require.NotEmpty(t, got.Name)
		if n++; n%(m.pieces()/64) == 0 {
			peak = max(peak, memory(t))
		}
	}
	require.Equal(t, m.pieces(), n)
	fmt.Printf("grew by %d for %d\n", max(peak, memory(t))-before, sent)
}

func (m memoryCase) write(w io.Writer) (sent int64) {
	buf := []byte(m.before)
	for i := range m.pieces() {
		if i > 0 {
			buf = append(buf, m.between...)
		}
		buf = fmt.Appendf(buf, m.piece, i)
		if len(buf) > 64<<10 || i+1 == m.pieces() {
			n, _ := w.Write(buf)
			buf, sent = buf[:0], sent+int64(n)
		}
	}
	n, _ := io.WriteString(w, m.after)
	return sent + int64(n)
}

// memory is what the process holds: its largest resident set so far where the system tells, else what the Go runtime has from it.
func memory(t *testing.T) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err == nil {
		_, text, found := strings.Cut(string(status), "VmHWM:")
		require.True(t, found)
		kib, err := strconv.ParseInt(strings.Fields(text)[0], 10, 64)
		require.NoError(t, err)
		return kib << 10
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
