package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/crest-go/crest"

	"github.com/crest-go/crest/examples/chat/chatapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun(t *testing.T) {
	var out bytes.Buffer
	start := time.Now()
	require.NoError(t, run(t.Context(), &out, newServer()), out.String())
	require.Less(t, time.Since(start), 10*time.Second, "nobody wants to wait longer")
	require.Contains(t, out.String(), completion)
	require.Contains(t, out.String(), "the API says: overloaded: too many parrots at once")
	require.Contains(t, out.String(), "truncated")
	require.NotContains(t, out.String(), key)
}

// A demonstration that could not fail would show nothing.
func TestRunNoticesWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		replace, with string // in what the server writes
		says          string
	}{
		"a token is lost": {`{"content":"parrot, ","finish_reason":""}`, `{"content":"","finish_reason":""}`, "A completion, token by token: the answer is"},
		"no mark":         {"[DONE]", `{"content":""}`, "A completion, token by token: "},
		"no error inside": {`"error":`, `"mishap":`, "The model gives up in the middle"},
	} {
		t.Run(name, func(t *testing.T) {
			api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				newServer().ServeHTTP(&replacing{w, tt.replace, tt.with}, r)
			})
			require.ErrorContains(t, run(t.Context(), &bytes.Buffer{}, api), tt.says)
		})
	}
}

type replacing struct {
	http.ResponseWriter
	old, with string
}

func (r *replacing) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *replacing) Write(p []byte) (int, error) {
	_, err := r.ResponseWriter.Write([]byte(strings.ReplaceAll(string(p), r.old, r.with)))
	return len(p), err
}

// What the SDK refuses never leaves, and what the API refuses at once is the same error as in the middle.
func TestErrors(t *testing.T) {
	base, stop, err := start(newServer())
	require.NoError(t, err)
	defer stop()
	c, err := chatapi.New(base, crest.NewSecret("wrong"))
	require.NoError(t, err)
	defer c.Close()
	_, err = ask(t.Context(), c, &bytes.Buffer{}, "")
	require.ErrorIs(t, err, crest.KindValidation)
	_, err = ask(t.Context(), c, &bytes.Buffer{}, "Who are you?")
	require.ErrorIs(t, err, crest.Status(http.StatusUnauthorized))
	failure := &chatapi.Error{}
	require.ErrorAs(t, err, &failure)
	require.Equal(t, "unauthorized", failure.Detail.Type)
}
