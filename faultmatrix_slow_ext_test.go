package crest_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// slowRow is a fault that takes its time, which is virtual.
type slowRow struct {
	// serve answers the request at fault. What it returns is when the client hangs up.
	serve    func(conn net.Conn, a faultAnswer)
	timeouts crest.Timeouts
	reused   bool          // on a connection that was kept
	want     faultWant     // of the ways that read the body to its end
	after    time.Duration // from the request at fault to the error
	streams  time.Duration // the same of streams, whose silence may be longer; 0 is like the others
	except   bool          // not for these: nothing but the caller's context ends them
}

// drip writes a byte in each interval.
func drip(conn net.Conn, text string, each time.Duration) {
	for i := range len(text) {
		time.Sleep(each) // virtual
		if _, err := io.WriteString(conn, text[i:i+1]); err != nil {
			return
		}
	}
}

// head is the answer without its body, and as long as it says.
func (a faultAnswer) headOf() string { return strings.TrimSuffix(a.text(), a.body) }

func slowRows() map[string]slowRow {
	transport := func(kind crest.Kind) faultWant {
		sent := crest.SentYes
		if kind == crest.KindTimeoutHeader {
			sent = crest.SentMaybe
		}
		return faultWant{crest.ErrTransport, kind, sent}
	}
	silent := func(net.Conn, faultAnswer) {}
	stalls := func(conn net.Conn, a faultAnswer) { _, _ = io.WriteString(conn, a.headOf()+a.body[:3]) }
	return map[string]slowRow{
		"row 20 silence": {serve: silent, want: transport(crest.KindTimeoutHeader), after: time.Minute},
		"row 20 a byte a second": {serve: func(conn net.Conn, a faultAnswer) {
			drip(conn, "HTTP/1.1 200 OK\r\nX-A: "+strings.Repeat("a", 1000), time.Second)
		}, want: transport(crest.KindTimeoutHeader), after: time.Minute},
		"row 20 hints without end": {serve: func(conn net.Conn, a faultAnswer) {
			for range 100 {
				drip(conn, "HTTP/1.1 103 Early Hints\r\n\r\n", time.Second)
			}
		}, want: transport(crest.KindTimeoutHeader), after: time.Minute},
		"row 21 silence": {serve: stalls, want: transport(crest.KindTimeoutIdle), after: time.Minute, streams: 5 * time.Minute},
		"row 21 silence at once": {serve: func(conn net.Conn, a faultAnswer) { _, _ = io.WriteString(conn, a.headOf()) },
			want: transport(crest.KindTimeoutIdle), after: time.Minute, streams: 5 * time.Minute},
		"row 21 a byte a second": {serve: func(conn net.Conn, a faultAnswer) {
			_, _ = io.WriteString(conn, a.headOf())
			drip(conn, a.body, time.Second/2)
		}},
		"row 22 half-open": {serve: silent, reused: true, want: transport(crest.KindTimeoutHeader), after: time.Minute},
		"row 41 Total": {serve: func(conn net.Conn, a faultAnswer) {
			_, _ = io.WriteString(conn, a.chunked(""))
			drip(conn, strings.Repeat("1\r\n \r\n", 1000), time.Second)
		}, timeouts: crest.Timeouts{Total: 90 * time.Second}, want: transport(crest.KindTimeoutTotal), after: 90 * time.Second, except: true},
		"row 41 Attempt": {serve: stalls, timeouts: crest.Timeouts{Attempt: 30 * time.Second}, want: transport(crest.KindTimeoutAttempt),
			after: 30 * time.Second, except: true},
	}
}

// TestFaultMatrixOfSilence is TestFaultMatrix for what takes minutes. Each ends in its time, to the second, and the next call works.
func TestFaultMatrixOfSilence(t *testing.T) {
	for name, row := range slowRows() {
		t.Run(name, func(t *testing.T) {
			for way, w := range faultWays() {
				if row.except && (w.raw || w.streams) || row.reused && w.parts {
					continue
				}
				t.Run(way, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { row.meet(t, w) }) })
			}
		})
	}
}

func (row slowRow) meet(t *testing.T, w faultWay) {
	s := &slowServer{way: w, row: row, at: 1 + w.before}
	if row.reused {
		s.at *= 2
	}
	rt := crest.NewTransport()
	rt.Proxy, rt.DialContext = nil, s.dial
	c := newClient(t, bubbleURL, crest.WithTransport(rt), crest.WithTimeouts(row.timeouts))
	defer func() {
		rt.CloseIdleConnections()
		s.running.Wait()
	}()
	if row.reused {
		require.NoError(t, w.run(t, c))
	}
	err := w.run(t, c)
	row.want.check(t, err)
	if row.after > 0 {
		after := row.after
		if w.streams && row.streams > 0 {
			after = row.streams
		}
		s.mu.Lock()
		began := s.began
		s.mu.Unlock()
		require.Equal(t, after, time.Since(began))
	}
	require.NoError(t, w.run(t, c), "the next call")
}

// slowServer is faultServer in a bubble.
type slowServer struct {
	way     faultWay
	row     slowRow
	at      int
	running sync.WaitGroup

	mu       sync.Mutex
	requests int
	began    time.Time // the request at fault arrived
}

func (s *slowServer) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	s.running.Go(func() {
		defer far.Close()
		s.serve(far, bufio.NewReader(far))
	})
	return near, nil
}

func (s *slowServer) serve(conn net.Conn, in *bufio.Reader) {
	for req := readRequest(in); req != nil; req = readRequest(in) {
		s.mu.Lock()
		s.requests++
		fault := s.requests == s.at
		if fault {
			s.began = time.Now()
		}
		s.mu.Unlock()
		if !fault {
			_, _ = io.WriteString(conn, s.way.answer(req).text())
			continue
		}
		s.row.serve(conn, s.way.answer(req))
	}
}
