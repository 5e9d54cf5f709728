package cresttest_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// apiError is the error model of the test's API.
type apiError struct {
	Message string `json:"message"`
}

func (e *apiError) Error() string { return e.Message }

// client makes one that leads to srv.
func client(t testing.TB, srv *cresttest.Server, opts ...crest.ClientOption) *crest.Client[*apiError] {
	t.Helper()
	opts = append([]crest.ClientOption{crest.WithTransport(srv.Transport()), crest.WithRetry(crest.Retry{Max: -1})}, opts...)
	c, err := crest.New[*apiError]("https://api.example.com/v1", opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// witness stands in for a test that is expected to fail.
type witness struct {
	testing.TB
	mu   sync.Mutex
	said []string
}

func (w *witness) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

func (w *witness) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.said, "\n")
}
