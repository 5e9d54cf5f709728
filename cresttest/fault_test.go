package cresttest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
	"github.com/stretchr/testify/require"
)

// rex answers every getPet.
func rex(srv *cresttest.Server) {
	cresttest.Handle(srv, getPet, func(_ context.Context, req getPetRequest) (pet, error) { return pet{ID: req.ID, Name: "Rex"}, nil })
}

func TestFaults(t *testing.T) {
	tests := map[string]struct {
		fault cresttest.Fault
		want  error // nil for none
		check func(t *testing.T, err error)
	}{
		"nothing": {},
		"status":  {fault: cresttest.Fault{Status: 502, Body: `{"message":"bad day"}`, Header: http.Header{"Content-Type": {"application/json"}}}, want: crest.Status(502)},
		"status with a model": {fault: cresttest.Fault{Status: 500, Body: " {\"message\":\"no pet\"}"}, want: crest.Status(500), check: func(t *testing.T, err error) {
			require.ErrorContains(t, err, "no pet")
			said, ok := errors.AsType[*crest.Error](err)
			require.True(t, ok)
			require.NotNil(t, said.Model)
		}},
		"status with a model of no type": {fault: cresttest.Fault{Status: 500, Body: `{"message":"no pet"}`, Header: http.Header{"Content-Type": nil}}, want: crest.Status(500), check: func(t *testing.T, err error) {
			said, ok := errors.AsType[*crest.Error](err)
			require.True(t, ok)
			require.NotContains(t, said.Header, "Content-Type")
		}},
		"status with a text that is not quite JSON": {fault: cresttest.Fault{Status: 502, Body: "{bad day}"}, want: crest.Status(502), check: func(t *testing.T, err error) {
			said, ok := errors.AsType[*crest.Error](err)
			require.True(t, ok)
			require.Equal(t, "text/plain; charset=utf-8", said.Header.Get("Content-Type"))
		}},
		"limited": {fault: cresttest.Fault{Status: 429, RetryAfter: 1500 * time.Millisecond}, want: crest.Status(429), check: func(t *testing.T, err error) {
			said, ok := errors.AsType[*crest.Error](err)
			require.True(t, ok)
			require.Equal(t, 2*time.Second, said.RetryAfter)
		}},
		"cut":       {fault: cresttest.Fault{Cut: true}, want: crest.KindDisconnected},
		"cut later": {fault: cresttest.Fault{Cut: true, After: 5}, want: crest.KindTruncated},
		"cut the body of a status": {fault: cresttest.Fault{Cut: true, After: 2, Status: 500, Body: "0123456789"}, want: crest.Status(500), check: func(t *testing.T, err error) {
			said, ok := errors.AsType[*crest.Error](err)
			require.True(t, ok)
			require.Equal(t, "01", string(said.Body))
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			srv := cresttest.NewServer(t, cresttest.Prefix("v1/"))
			rex(srv)
			srv.Fail(1, tt.fault)
			c := client(t, srv)
			_, err := getPet.Call(t.Context(), c, getPetRequest{ID: 7})
			require.ErrorIs(t, err, tt.want)
			if tt.check != nil {
				tt.check(t, err)
			}
			require.Len(t, cresttest.Calls(srv, getPet), 1)
			got, err := getPet.Call(t.Context(), c, getPetRequest{ID: 7})
			require.NoError(t, err, "the fault is used up")
			require.Equal(t, "Rex", got.Name)
		})
	}
}

// Latencies pass in no time inside a bubble, and retries are calls.
func TestFaultsAndRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
		rex(srv)
		cresttest.Handle(srv, addPet, func(_ context.Context, req pet) (pet, error) { return req, nil })
		srv.Fail(1, cresttest.Fault{Delay: time.Minute, Status: 503}, getPet)
		srv.Fail(1, cresttest.Fault{Status: 429, RetryAfter: 7 * time.Second}, getPet)
		c := client(t, srv, crest.WithRetry(crest.Retry{Max: 2}), crest.WithTimeouts(crest.Timeouts{Header: 2 * time.Minute}))
		begin := time.Now()
		_, err := addPet.Call(t.Context(), c, pet{ID: 1})
		require.NoError(t, err, "the faults are another endpoint's")
		require.Less(t, time.Since(begin), time.Second)
		got, err := getPet.Do(t.Context(), c, getPetRequest{ID: 7})
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(begin), time.Minute+7*time.Second)
		require.Equal(t, "Rex", got.Model.Name)
		var statuses []int
		for _, call := range cresttest.Calls(srv, getPet) {
			statuses = append(statuses, call.Status)
		}
		require.Equal(t, []int{503, 429, 200}, statuses)
	})
}

func TestFaultsForAllAndHeal(t *testing.T) {
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	rex(srv)
	srv.Fail(-1, cresttest.Fault{Status: 500})
	c := client(t, srv)
	for range 3 {
		_, err := getPet.Call(t.Context(), c, getPetRequest{ID: 7})
		require.ErrorIs(t, err, crest.Status(500))
	}
	srv.Heal()
	_, err := getPet.Call(t.Context(), c, getPetRequest{ID: 7})
	require.NoError(t, err)
}

// A client that does not wait for a late answer leaves nothing behind.
func TestFaultDelayEndsWithTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
		rex(srv)
		srv.Fail(1, cresttest.Fault{Delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := getPet.Call(ctx, client(t, srv), getPetRequest{ID: 7})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 0, cresttest.Calls(srv, getPet)[0].Status)
	})
}

// A server that falls silent is left when the client's patience ends.
func TestFaultStall(t *testing.T) {
	for name, tt := range map[string]struct {
		after int
		want  error
	}{"header": {0, crest.KindTimeoutHeader}, "body": {3, crest.KindTimeoutIdle}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
				rex(srv)
				srv.Fail(1, cresttest.Fault{Stall: true, After: tt.after})
				begin := time.Now()
				c := client(t, srv, crest.WithTimeouts(crest.Timeouts{Header: 5 * time.Second, Idle: 5 * time.Second}))
				_, err := getPet.Call(t.Context(), c, getPetRequest{ID: 7})
				require.ErrorIs(t, err, tt.want)
				require.Equal(t, 5*time.Second, time.Since(begin))
			})
		})
	}
}

func TestFaultMistakes(t *testing.T) {
	w := &witness{TB: t}
	srv := cresttest.NewServer(w, cresttest.Prefix("/v1"))
	rex(srv)
	srv.Fail(0, cresttest.Fault{RetryAfter: time.Second})
	srv.Fail(0, cresttest.Fault{After: 1})
	srv.Fail(0, cresttest.Fault{Cut: true, Stall: true})
	require.Len(t, w.said, 3)
	srv.Fail(1, cresttest.Fault{Cut: true, After: 1000})
	_, _ = getPet.Call(t.Context(), client(t, srv), getPetRequest{ID: 7})
	require.Eventually(t, func() bool { return strings.Contains(w.text(), "breaks off") }, time.Second, time.Millisecond)
	require.Contains(t, w.text(), "a fault breaks off after 1000 bytes, and the answer has ")
}
