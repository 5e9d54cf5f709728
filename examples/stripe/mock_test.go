package stripe

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/server"
	"go.uber.org/goleak"

	"github.com/crest-go/crest"
)

// asMock makes this test program a stripe-mock instead. It is a process of its own because stripe-mock writes to the standard output
// what it is asked, where Examples have theirs.
const asMock = "CREST_EXAMPLE_STRIPE_MOCK"

func TestMain(m *testing.M) {
	if os.Getenv(asMock) != "" {
		runMock()
		return
	}
	goleak.VerifyTestMain(m)
}

// runMock serves until the process that started this one closes its end of the standard input, as it does when it ends in whatever way.
func runMock() {
	out := os.Stdout
	os.Stdout = nil
	spec, err := server.LoadSpec(embedded.OpenAPISpec, "")
	must(err)
	fixtures, err := server.LoadFixtures(embedded.OpenAPIFixtures, "")
	must(err)
	stub, err := server.NewStubServer(fixtures, spec, true, false) // true: the version that a request names has to be the specification's
	must(err)
	mock := httptest.NewServer(http.HandlerFunc(stub.HandleRequest))
	_, err = fmt.Fprintln(out, mock.URL)
	must(err)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// mockInput stays open as long as this process lives. It is a variable of the package, lest the collector closes it.
var mockInput io.WriteCloser

// MockURL starts the one stripe-mock of this process. It is exported for the Examples, which see the SDK from outside.
var MockURL = sync.OnceValue(func() (url string) {
	self, err := os.Executable()
	must(err)
	mock := exec.Command(self)
	mock.Env = append(os.Environ(), asMock+"=1")
	mock.Stderr = os.Stderr
	mockInput, err = mock.StdinPipe()
	must(err)
	out, err := mock.StdoutPipe()
	must(err)
	must(mock.Start())
	_, err = fmt.Fscanln(out, &url)
	must(err)
	return url
})

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// mocked is a client of the stripe-mock.
func mocked(t *testing.T, opts ...Option) *Client {
	t.Helper()
	c, err := New(crest.NewSecret("sk_test_123"), append([]Option{WithBaseURL(MockURL() + "/v1")}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}
