package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/crest-go/crest"
	bookshop "github.com/crest-go/crest/examples/sdk"
	"github.com/crest-go/crest/examples/sdk/internal/shop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, shop.New(token, time.Now)), out.String())
	require.Contains(t, out.String(), "All as it should be.")
}

// The demo can fail: a shop that knows another token is noticed, and an error that is not the expected one.
func TestRunFails(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), &out, shop.New("another token", time.Now))
	require.ErrorIs(t, err, crest.Status(401))
	require.NotContains(t, out.String(), "All as it should be.")
	require.ErrorContains(t, expect[*bookshop.Changed](&demo{out: &out}, "", context.Canceled), "not a *bookshop.Changed")
}
