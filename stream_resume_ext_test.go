package crest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// slotCount is a limiter that counts.
type slotCount struct{ taken atomic.Int32 }

func (s *slotCount) Wait(context.Context) error {
	s.taken.Add(1)
	return nil
}

// resumed plays steps to a client that reconnects, in virtual time.
func resumed(t *testing.T, server *script, opts ...crest.CallOption) ([]crest.Event[string], error) {
	t.Helper()
	return all(getEvents.Events(t.Context(), patient(t, server), crest.Empty{}, append([]crest.CallOption{crest.WithReconnect()}, opts...)...))
}

// The wait before a reconnect is what the stream asked for, within bounds, or else Retry's.
func TestR32ReconnectWaits(t *testing.T) {
	for name, tt := range map[string]struct {
		streams []step
		want    []time.Duration
	}{
		"asked for":        {[]step{events("retry: 2500\ndata: a\n\n")}, []time.Duration{2500 * time.Millisecond}},
		"too short":        {[]step{events("retry: 1\ndata: a\n\n")}, []time.Duration{100 * time.Millisecond}},
		"zero":             {[]step{events("retry: 0\ndata: a\n\n")}, []time.Duration{100 * time.Millisecond}},
		"too long":         {[]step{events("retry: 999999999999999999999\ndata: a\n\n")}, []time.Duration{5 * time.Minute}},
		"no number":        {[]step{events("retry: 2s\ndata: a\n\n")}, []time.Duration{time.Second}},
		"not asked for":    {[]step{events("data: a\n\n")}, []time.Duration{time.Second}},
		"stays":            {[]step{events("retry: 2500\ndata: a\n\n"), events("data: b\n\n")}, []time.Duration{2500 * time.Millisecond, 2500 * time.Millisecond}},
		"changes":          {[]step{events("retry: 2500\ndata: a\n\n"), events("data: b\n\nretry: 3000\n")}, []time.Duration{2500 * time.Millisecond, 3 * time.Second}},
		"the backoff":      {[]step{events("data: a\n\n"), events(""), events("")}, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}},
		"not below either": {[]step{events("retry: 2500\ndata: a\n\n"), events(""), events("")}, []time.Duration{2500 * time.Millisecond, 2500 * time.Millisecond, 3 * time.Second}},
		"the retries":      {[]step{events("retry: 2500\ndata: a\n\n"), gives(503), gives(503)}, []time.Duration{2500 * time.Millisecond, 2500 * time.Millisecond, 3 * time.Second}},
		"Retry-After":      {[]step{events("data: a\n\n"), gives(503, "Retry-After", "0"), gives(503)}, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := play(append(tt.streams, gives(204))...)
			_, err := resumed(t, server, crest.WithRetry(crest.Retry{Backoff: linear(time.Second)}))
			require.NoError(t, err, name)
			require.Equal(t, tt.want, server.gaps(), name)
		})
	}
}

// The request goes out again with the newest id, as it was otherwise; the id is what an event has said, not what was cut.
func TestReconnectRequest(t *testing.T) {
	type request struct {
		Topic string `query:"topic"`
		Body  string
	}
	synctest.Test(t, func(t *testing.T) {
		server := play(
			events("id: 1\ndata: a\n\n"), events("data: b\n\nid: 2\ndata: cut"), events("id: 3\n\n"), events("id: 4\r\ndata: c\r\n\r\n"),
			events("id\ndata: d\n\n"), events("id: 6\x00\ndata: e\n\n"), gives(204))
		s := crest.NewStream[request, string](http.MethodPost, "/events", crest.WithReconnect(), crest.WithIdempotencyKey(crest.IdempotencyKey{}))
		got, err := all(s.Events(t.Context(), patient(t, server), request{"x", "question"}))
		require.NoError(t, err)
		require.Equal(t, []crest.Event[string]{{"1", "message", "a"}, {"1", "message", "b"}, {"4", "message", "c"}, {"", "message", "d"}, {"", "message", "e"}}, got)
		require.Equal(t, []string{"", "1", "1", "3", "4", "", ""}, server.headers("Last-Event-Id"))
		key := server.all[0].Header.Get("Idempotency-Key")
		require.NotEmpty(t, key)
		for _, r := range server.all {
			require.Equal(t, key, r.Header.Get("Idempotency-Key"))
			require.Equal(t, "question", r.body)
			require.Equal(t, "/events?topic=x", r.URL.RequestURI())
		}
		_, sent := server.all[5].Header["Last-Event-Id"]
		require.False(t, sent, "an empty id is none")
	})
}

// As many failures in a row are mended as Max allows; an event, or a connection that held, begins anew.
func TestReconnectLimit(t *testing.T) {
	broken := errors.New("broken")
	one := func(n int) step { return events(fmt.Sprintf("data: %d\n\n", n)) }
	for name, tt := range map[string]struct {
		steps    []step
		requests int
		events   int
		step     crest.Step // "" is no error
		kind     crest.Kind
		says     string
	}{
		"nothing, again and again": {[]step{events("")}, 4, 0, crest.ErrResponse, crest.KindTruncated, "the server ended the stream after 0 events"},
		"nothing after an event":   {[]step{one(1), events("")}, 4, 1, crest.ErrResponse, crest.KindTruncated, "after 1 events"},
		"comments":                 {[]step{one(1), events(": c\n\n")}, 4, 1, crest.ErrResponse, crest.KindTruncated, ""},
		"an event each":            {[]step{one(1), one(2), one(3), one(4), one(5), one(6), gives(204)}, 7, 6, "", "", ""},
		"broken":                   {[]step{live("data: a\n\n", broken), live(broken)}, 4, 1, crest.ErrResponse, crest.KindTruncated, "broken"},
		"silent":                   {[]step{live("data: a\n\n", time.Hour), one(2), gives(204)}, 3, 2, "", "", ""},
		"steady":                   {[]step{live(20*time.Second, broken), live(20*time.Second, broken), live(20*time.Second, broken), live(20*time.Second, broken), live(20*time.Second, broken), gives(204)}, 6, 0, "", "", ""},
		"nearly steady":            {[]step{live(20*time.Second-1, broken)}, 4, 0, crest.ErrResponse, crest.KindTruncated, "broken"},
		"not there":                {[]step{one(1), gives(503)}, 4, 1, crest.ErrStatus, "", "503"},
		"nobody listens":           {[]step{one(1), breaks(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})}, 4, 1, crest.ErrTransport, crest.KindConnect, ""},
		"in turn":                  {[]step{one(1), gives(503), events(""), gives(503), one(2), gives(503), gives(204)}, 4, 1, crest.ErrStatus, "", "503"},
		"in turn with events":      {[]step{one(1), gives(503), one(2), gives(503), gives(503), one(3), gives(204)}, 7, 3, "", "", ""},
		"refused":                  {[]step{one(1), gives(403)}, 2, 1, crest.ErrStatus, "", "403"},
		"not a stream any more":    {[]step{one(1), givesBody(200, "<p>", "Content-Type", "text/html")}, 2, 1, crest.ErrResponse, crest.KindContentType, ""},
		"204 at once":              {[]step{gives(204)}, 1, 0, "", "", ""},
		"too large":                {[]step{events("data: " + strings.Repeat("x", 2000) + "\n\n")}, 1, 0, crest.ErrResponse, crest.KindTooLarge, ""},
		"no header can have it":    {[]step{events("id: a\x01\ndata: a\n\n")}, 1, 1, crest.ErrResponse, crest.KindTruncated, "not tried again: the last event id has control characters"},
		"another format":           {[]step{givesBody(200, "1\n", "Content-Type", "application/jsonl")}, 1, 1, "", "", ""},
		"another format, broken":   {[]step{givesBody(200, "[1", "Content-Type", "application/json")}, 1, 0, crest.ErrResponse, crest.KindTruncated, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := play(tt.steps...)
			got, err := resumed(t, server, crest.WithBounds(crest.Bounds{Event: 1000}))
			require.Equal(t, tt.requests, server.sent(), name)
			require.Len(t, got, tt.events, name)
			if tt.step == "" {
				require.NoError(t, err, name)
				return
			}
			fails(t, err, tt.step, tt.kind, crest.SentYes)
			require.ErrorContains(t, err, tt.says, name)
		})
	}
}

// A marker ends a stream that reconnects, and only that: without one the server has more to say.
func TestReconnectDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(events("data: a\n\n"), events("data: b\n\ndata: [DONE]\n\n"), events("data: c\n\n"))
		got, err := resumed(t, server, crest.WithDone("[DONE]"))
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b"}, datas(got))
		require.Equal(t, 2, server.sent())
	})
}

// A body that cannot be read again, a client that was closed, a context that would end first: the failure says why it is final.
func TestReconnectImpossible(t *testing.T) {
	type request struct{ Body io.Reader }
	synctest.Test(t, func(t *testing.T) {
		server := play(events("data: a\n\n"))
		s := crest.NewStream[request, string](http.MethodPut, "/events", crest.WithReconnect())
		_, err := all(s.Call(t.Context(), patient(t, server), request{io.MultiReader(strings.NewReader("x"))}))
		fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
		require.ErrorContains(t, err, "not tried again: its body cannot be read again")
		require.Equal(t, 1, server.sent())

		c := patient(t, server)
		for _, err := range getEvents.Call(t.Context(), c, crest.Empty{}, crest.WithReconnect()) {
			if err != nil {
				fails(t, err, crest.ErrResponse, crest.KindTruncated, crest.SentYes)
				require.ErrorContains(t, err, "not tried again: the client was closed")
			}
			require.NoError(t, c.Close())
		}
		require.Equal(t, 2, server.sent())

		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		_, err = all(getEvents.Call(ctx, patient(t, play(events("retry: 4000\ndata: a\n\n"))), crest.Empty{}, crest.WithReconnect()))
		require.ErrorContains(t, err, "not tried again: the wait of 4s would outlast")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, time.Since(start))
	})
}

// R48: the wait before a reconnect ends with the context.
func TestR48CancelDuringReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, err := all(getEvents.Call(ctx, patient(t, play(events("retry: 60000\ndata: a\n\n"))), crest.Empty{}, crest.WithReconnect()))
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, crest.ErrResponse)
		require.Equal(t, time.Second, time.Since(start))
	})
}

// Promise 3: each reconnect takes a slot, and so does each retry in one.
func TestReconnectTakesSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := &slotCount{}
		server := play(events("data: a\n\n"), gives(503), events("data: b\n\n"), events("data: c\n\n"), gives(204))
		c := patient(t, server, crest.WithLimiter(limiter))
		got, err := all(getEvents.Call(t.Context(), c, crest.Empty{}, crest.WithReconnect()))
		require.NoError(t, err)
		require.Len(t, got, 3)
		require.EqualValues(t, 5, limiter.taken.Load())
	})
}

// Total bounds the way to the header of each connection, not the stream.
func TestReconnectTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(live("data: a\n\n", time.Minute, "data: b\n\n"), live(2*time.Minute, "data: c\n\n"), gives(204))
		got, err := resumed(t, server, crest.WithTimeout(30*time.Second))
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b", "c"}, datas(got))
	})
}

// The id goes along to the origin that a redirect leads to: it is its own.
func TestReconnectAfterARedirect(t *testing.T) {
	l := newLab(t, map[string]http.HandlerFunc{"a.example:443/events": to(307, "https://b.example/events")})
	l.fallback = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Last-Event-ID") == "1" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		reply(200, "id: 1\ndata: a\n\n", "Content-Type", "text/event-stream")(w, r)
	}
	c := newClient(t, "https://a.example", crest.WithTransport(l), crest.WithRetry(crest.Retry{Max: 1, Backoff: noWait}))
	got, err := all(getEvents.Call(t.Context(), c, crest.Empty{}, crest.WithReconnect()))
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, got)
}

// What may not be sent again says why: a key that is there, and is not sent, is named, and one that makes no difference is not.
func TestReconnectThatMayDoHarm(t *testing.T) {
	keyed := crest.WithIdempotencyKey(crest.IdempotencyKey{})
	for name, tt := range map[string]struct {
		method string
		shared []crest.ClientOption
		opts   []crest.CallOption
		want   string
	}{
		"no key":        {http.MethodPost, nil, nil, "use an idempotent method, WithIdempotent or WithIdempotencyKey"},
		"key elsewhere": {http.MethodPost, []crest.ClientOption{keyed}, []crest.CallOption{crest.WithURL("https://other.example/events")}, "the idempotency key stays at the client's own origin"},
		"no need of it": {http.MethodGet, []crest.ClientOption{keyed}, []crest.CallOption{crest.WithoutIdempotent()}, "use an idempotent method, WithIdempotent or WithIdempotencyKey"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			c := newClient(t, "https://api.example.com", append(tt.shared, crest.WithTransport(rec))...)
			_, err := all(crest.NewStream[crest.Empty, thing](tt.method, "/events").Call(t.Context(), c, crest.Empty{}, append(tt.opts, crest.WithReconnect())...))
			failed := fails(t, err, crest.ErrRequest, "", crest.SentNo)
			require.ErrorContains(t, failed, tt.want)
			rec.none(t)
		})
	}
}
