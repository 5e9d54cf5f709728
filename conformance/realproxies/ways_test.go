package realproxies

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/websocket"
)

// failure is the error model of the tests' clients. What proxies say of themselves is none.
type failure struct {
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

type pageRequest struct {
	Page int `query:"page,omitzero"`
}

type note struct {
	Text string `json:"text"`
}

type fileBody struct{ Body crest.File }

type readerBody struct{ Body io.Reader }

var (
	getThing   = crest.Get[crest.Empty, thing]("/thing")
	events     = crest.NewStream[crest.Empty, thing](http.MethodGet, "/events")
	upload     = crest.Post[fileBody, received]("/upload")
	uploadRaw  = crest.Post[readerBody, received]("/upload")
	getFile    = crest.Get[crest.Empty, io.ReadCloser]("/file")
	pages      = crest.NewPager[thing](crest.Get[pageRequest, []thing]("/pages"), crest.Paging{Link: "next"})
	chat       = websocket.New[crest.Empty, note, note]("/chat", websocket.Options{})
	heartbeats = websocket.New[crest.Empty, note, note]("/chat", websocket.Options{Heartbeat: 400 * time.Millisecond})
)

// once switches retries off.
var once = crest.WithRetry(crest.Retry{Max: -1})

// newClient makes a client that tries once and is closed with the test.
func newClient(t *testing.T, base string, opts ...crest.ClientOption) *crest.Client[*failure] {
	t.Helper()
	c, err := crest.New[*failure](base, append([]crest.ClientOption{once}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// way is one of the six ways to use a client. Its error is nil if all of the answer came, and was right.
type way func(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error

// ways are all of them; the upload is there twice, with its size known and in chunks.
var ways = map[string]way{
	"call":      call,
	"stream":    stream,
	"upload":    uploadFile,
	"chunks":    uploadChunks,
	"download":  download,
	"pages":     turnPages,
	"WebSocket": talk,
}

var errWrong = errors.New("the answer is another one")

// right is err, and errWrong where there is none and the answer was not right.
func right(is bool, err error) error {
	if err == nil && !is {
		return errWrong
	}
	return err
}

func call(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
	got, err := getThing.Call(ctx, c, crest.Empty{}, opts...)
	return right(got == rex, err)
}

func stream(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
	n := 0
	for got, err := range events.Call(ctx, c, crest.Empty{}, opts...) {
		if err != nil {
			return err
		}
		if n++; got != rex {
			return errWrong
		}
	}
	return right(n == numEvents, nil)
}

func uploadFile(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
	got, err := upload.Call(ctx, c, fileBody{crest.File{Content: bytes.NewReader(content), Size: int64(len(content))}}, opts...)
	return right(got == received{len(content), rex}, err)
}

func uploadChunks(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
	got, err := uploadRaw.Call(ctx, c, readerBody{struct{ io.Reader }{bytes.NewReader(content)}}, opts...)
	return right(got == received{len(content), rex}, err)
}

func download(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
	var to bytes.Buffer
	_, err := crest.Download(ctx, c, getFile, crest.Empty{}, &to, opts...)
	return right(bytes.Equal(to.Bytes(), content), err)
}

func turnPages(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
	n := 0
	for got, err := range pages.Items(ctx, c, pageRequest{}, opts...) {
		if err != nil {
			return err
		}
		if n++; got != rex {
			return errWrong
		}
	}
	return right(n == numPages, nil)
}

func talk(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
	return talkOver(ctx, chat, c, opts...)
}

func talkOver(ctx context.Context, e *websocket.Endpoint[crest.Empty, note, note], c crest.Caller, opts ...crest.CallOption) error {
	conn, err := e.Dial(ctx, c, crest.Empty{}, opts...)
	if err != nil {
		return err
	}
	for i := range 3 {
		if err := exchange(ctx, conn, fmt.Sprint(i, filler)); err != nil {
			_ = conn.Close(websocket.Normal, "")
			return err
		}
	}
	return conn.Close(websocket.Normal, "")
}

func exchange(ctx context.Context, conn *websocket.Conn[note, note], text string) error {
	if err := conn.Send(ctx, note{text}); err != nil {
		return err
	}
	got, err := conn.Receive(ctx)
	return right(got.Text == text, err)
}

// want is what a fault ends in: a success if step is "".
type want struct {
	step   crest.Step
	kind   crest.Kind
	sent   crest.Sent
	status int
}

var (
	good         = want{}
	lost         = want{crest.ErrTransport, crest.KindDisconnected, crest.SentMaybe, 0}
	refused      = want{crest.ErrTransport, crest.KindConnect, crest.SentNo, 0}
	truncated    = want{crest.ErrResponse, crest.KindTruncated, crest.SentYes, 0}
	silentHeader = want{crest.ErrTransport, crest.KindTimeoutHeader, crest.SentMaybe, 0}
	silentBody   = want{crest.ErrTransport, crest.KindTimeoutIdle, crest.SentYes, 0}
	other        = want{step: "another answer"}                                // which nothing tells from the right one
	broken       = want{crest.ErrTransport, crest.KindDisconnected, either, 0} // of a WebSocket that was open
)

// either is for what may end a message on its way or the next one.
const either crest.Sent = -1

// status is an answer that is no success.
func status(code int) want { return want{crest.ErrStatus, "", crest.SentYes, code} }

// is holds an error to it.
func (w want) is(t require.TestingT, err error) {
	if w.step == "" {
		require.NoError(t, err)
		return
	}
	if w == other {
		require.ErrorIs(t, err, errWrong)
		return
	}
	failed, ok := errors.AsType[*crest.CallError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, w.step, failed.Step, "%v", err)
	require.Equal(t, w.kind, failed.Kind, "%v", err)
	if w.sent != either {
		require.Equal(t, w.sent, failed.Sent, "%v", err)
	}
	if answer, ok := errors.AsType[*crest.Error](err); ok {
		require.Equal(t, w.status, answer.StatusCode)
		require.Nil(t, answer.Model, "a page of the proxy's is no error model")
	}
}

// soon bounds what has to happen in a moment: far above what a loaded machine takes, far below what crest would wait by default.
const soon = 20 * time.Second

// inTime runs a way, which has to end in its time.
func inTime(t *testing.T, w way, c crest.Caller, opts ...crest.CallOption) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	start := time.Now()
	err := w(ctx, c, opts...)
	require.Less(t, time.Since(start), soon, "%v", err)
	return err
}

// each runs a test for each way, at the same time.
func each(t *testing.T, test func(t *testing.T, name string, w way)) {
	for name, w := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, name, w)
		})
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, condition func() bool, what ...any) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, time.Millisecond, what...)
}
