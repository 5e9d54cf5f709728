package crest_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func TestNotices(t *testing.T) {
	since := time.Date(2023, 6, 30, 23, 59, 59, 0, time.UTC)
	ends := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, tt := range map[string]struct {
		header http.Header
		want   crest.Notice
	}{
		"nothing":             {header: http.Header{"Link": {`</x>; rel="deprecation"`}}},
		"date":                {http.Header{"Deprecation": {"@1688169599"}}, crest.Notice{Deprecated: true, Deprecation: since}},
		"date of a draft":     {http.Header{"Deprecation": {"Fri, 30 Jun 2023 23:59:59 GMT"}}, crest.Notice{Deprecated: true, Deprecation: since}},
		"true of a draft":     {http.Header{"Deprecation": {"true"}}, crest.Notice{Deprecated: true}},
		"a boolean":           {http.Header{"Deprecation": {"?1"}}, crest.Notice{Deprecated: true}},
		"not deprecated":      {header: http.Header{"Deprecation": {"?0"}}},
		"no structured field": {header: http.Header{"Deprecation": {"@1688169599, @2"}}},
		"a number":            {header: http.Header{"Deprecation": {"1688169599"}}},
		"sunset":              {http.Header{"Sunset": {"Wed, 02 Jan 2030 03:04:05 GMT"}}, crest.Notice{Sunset: ends}},
		"sunset is no date":   {header: http.Header{"Sunset": {"soon"}}},
		"warning":             {http.Header{"Warning": {`299 - "old"`, "\x1b[31m"}}, crest.Notice{Warnings: []string{`299 - "old"`, `"\x1b[31m"`}}},
		"links": {
			http.Header{"Deprecation": {"@1688169599"}, "Link": {`</v2>; rel="successor-version", </help>; rel=deprecation, </other>; rel=next`}},
			crest.Notice{Deprecated: true, Deprecation: since, Links: []crest.Link{
				{URL: "https://api.example.com/v2", Rel: "successor-version", Params: map[string]string{}},
				{URL: "https://api.example.com/help", Rel: "deprecation", Params: map[string]string{}},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []crest.Notice
			c := newClient(t, "https://api.example.com", headed(&tt.header), noting(&got))
			for range 3 {
				_, err := getThing.Call(t.Context(), c, crest.Empty{})
				require.NoError(t, err)
			}
			if tt.want.Deprecated || !tt.want.Sunset.IsZero() || tt.want.Warnings != nil {
				tt.want.Endpoint = "GET /thing"
				require.Equal(t, []crest.Notice{tt.want}, got)
				return
			}
			require.Empty(t, got)
		})
	}
}

func noting(into *[]crest.Notice) crest.ClientOption {
	return crest.WithNotices(func(_ context.Context, n crest.Notice) { *into = append(*into, n) })
}

// headed answers with the thing and the headers.
func headed(h *http.Header) crest.ClientOption {
	return crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		header := h.Clone()
		header.Set("Content-Type", "application/json")
		return &http.Response{
			StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req, Header: header,
			ContentLength: int64(len(thingJSON)), Body: io.NopCloser(strings.NewReader(thingJSON)),
		}, nil
	}))
}

// Each endpoint has its own notices, each client tells them, and what is new is told.
func TestNoticesOnce(t *testing.T) {
	var log records
	var got []crest.Notice
	header := http.Header{"Deprecation": {"?1"}, "Sunset": {"soon"}}
	c := newClient(t, "https://api.example.com", headed(&header), noting(&got), log.logger(slog.LevelWarn))
	other := crest.Get[crest.Empty, thing]("/other")
	call := func(e *crest.Endpoint[crest.Empty, thing]) {
		_, err := e.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
	}
	call(getThing)
	call(getThing)
	call(other)
	header.Set("Sunset", "Wed, 02 Jan 2030 03:04:05 GMT")
	call(getThing)
	call(getThing)
	var names []string
	for _, n := range got {
		names = append(names, n.Endpoint)
	}
	require.Equal(t, []string{"GET /thing", "GET /other", "GET /thing"}, names)
	require.False(t, got[2].Sunset.IsZero())
	all := log.all(t)
	require.Len(t, all, 3)
	require.Equal(t, map[string]any{"level": "WARN", "msg": "crest: notice", "endpoint": "GET /thing", "deprecated": true, "sunset": "2030-01-02T03:04:05Z"}, all[2])

	_, err := crest.New[*failure]("https://api.example.com", crest.WithNotices(nil))
	require.ErrorContains(t, err, "WithNotices: the function is nil")
}
