package crest_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

var update = flag.Bool("update", false, "write testdata/*.req.txt from what is sent")

// wireCase is one exchange whose bytes stand in testdata: <name>.req.txt as it must be sent, <name>.res.txt as it is answered.
type wireCase func(ctx context.Context, c crest.Caller) (any, error)

type wireLocated struct {
	Owner string            `path:"owner"`
	Rest  string            `path:"path"`
	Q     string            `query:"q"`
	Tags  []string          `query:"tag"`
	IDs   []int             `query:"ids,explode=false"`
	Where map[string]string `query:"where,style=deepObject"`
	Since time.Time         `query:"since,format=date"`
	Skip  string            `query:"skip,omitzero"`
	Limit int               `query:"limit" default:"20"`
	Note  string            `header:"X-Note"`
	At    time.Time         `header:"If-Modified-Since,format=http-date"`
	Meta  map[string]string `header:"X-Meta-*"`
	SID   string            `cookie:"sid"`
}

type wireJSON struct {
	ID    int                   `path:"id"`
	DryDo bool                  `query:"dry_run"`
	Name  string                `json:"name"`
	Tag   crest.Opt[string]     `json:"tag"`
	Owner crest.Opt[string]     `json:"owner"`
	Size  crest.Opt[int]        `json:"size"`
	Due   time.Time             `json:"due,format:unix"`
	Token crest.Secret          `json:"token"`
	Inner map[string]wireInner  `json:"inner,omitempty"`
	List  []crest.Opt[struct{}] `json:"list,omitempty"`
}

type wireInner struct {
	A int `json:"a"`
}

type wireForm struct {
	Name  string            `form:"name"`
	Tags  []string          `form:"tag"`
	Meta  map[string]string `form:"metadata,style=deepObject"`
	Token crest.Secret      `form:"token"`
}

type wireRaw struct {
	Type string `header:"Content-Type"`
	Body []byte
}

type wireStream struct{ Body io.Reader }

type wireAnswer struct {
	ETag  string            `header:"ETag"`
	Limit int               `header:"X-Limit"`
	Meta  map[string]string `header:"X-Meta-*"`
	SID   string            `cookie:"sid"`
	Name  string            `json:"name"`
}

var wireDay = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

var wireCases = map[string]wireCase{
	"located": func(ctx context.Context, c crest.Caller) (any, error) {
		return crest.Get[wireLocated, wireAnswer]("/repos/{owner}/files/{path...}?v=2").Call(ctx, c, wireLocated{
			Owner: "a/b c", Rest: "dir/ü.txt", Q: "x&y=z", Tags: []string{"1", "2"}, IDs: []int{1, 2}, Where: map[string]string{"k": "v"},
			Since: wireDay, Note: "hello", At: wireDay, Meta: map[string]string{"Color": "blue"}, SID: "s1",
		})
	},
	"json_beside_located": func(ctx context.Context, c crest.Caller) (any, error) {
		return crest.Patch[wireJSON, crest.Empty]("/pets/{id}").Call(ctx, c, wireJSON{
			ID: 7, Name: "Rex <&>", Owner: crest.Null[string](), Size: crest.Some(3), Due: wireDay, Token: crest.NewSecret("in clear in a body"),
		})
	},
	"form": func(ctx context.Context, c crest.Caller) (any, error) {
		return crest.Post[wireForm, crest.Empty]("/v1/charges").Call(ctx, c, wireForm{
			Name: "a b+c", Tags: []string{"x", "y"}, Meta: map[string]string{"order": "7"}, Token: crest.NewSecret("in clear in a form"),
		})
	},
	"raw": func(ctx context.Context, c crest.Caller) (any, error) {
		return crest.Put[wireRaw, string]("/blob").Call(ctx, c, wireRaw{Type: "text/csv", Body: []byte("a,b\n1,2\n")})
	},
	"stream_unknown_length": func(ctx context.Context, c crest.Caller) (any, error) {
		return crest.Post[wireStream, crest.Empty]("/upload").Call(ctx, c, wireStream{Body: struct{ io.Reader }{strings.NewReader("chunk")}})
	},
	"options_at_three_levels": func(ctx context.Context, c crest.Caller) (any, error) {
		e := crest.Get[crest.Empty, crest.Empty]("/x", crest.WithHeader("X-Level", "endpoint"), crest.WithQuery("q", "endpoint"))
		return e.Call(ctx, c, crest.Empty{}, crest.WithHeader("X-Level", "call"), crest.WithoutHeader("User-Agent"), crest.WithCookie("a", "b"),
			crest.WithBearer(crest.NewSecret("t0ken")))
	},
	"delete": func(ctx context.Context, c crest.Caller) (any, error) {
		return crest.Delete[crest.Empty, crest.Empty]("/pets/7", crest.WithSuccess(204)).Call(ctx, c, crest.Empty{})
	},
}

// wireWant is what the answers in testdata come to.
var wireWant = map[string]any{
	"located": wireAnswer{ETag: `"v1"`, Limit: 100, Meta: map[string]string{"owner": "ann"}, SID: "s2", Name: "ü"},
	"raw":     "stored\n",
}

// TestWire compares requests with testdata byte by byte, and reads answers that are written there as raw HTTP.
func TestWire(t *testing.T) {
	for name, run := range wireCases {
		t.Run(name, func(t *testing.T) {
			sent := make(chan string, 1)
			base := listen(t, func(conn net.Conn, in *bufio.Reader) {
				var raw bytes.Buffer
				if readRequest(bufio.NewReaderSize(io.TeeReader(in, &raw), 16)) == nil {
					return
				}
				sent <- raw.String()
				_, _ = io.WriteString(conn, wireText(t, name+".res.txt"))
			})
			got, err := run(context.Background(), newClient(t, base, crest.WithQuery("q", "client"), crest.WithHeader("X-Level", "client")))
			require.NoError(t, err)
			if want, ok := wireWant[name]; ok {
				require.Equal(t, want, got)
			}
			request := strings.ReplaceAll(<-sent, strings.TrimPrefix(base, "http://"), "{host}")
			if *update {
				require.NoError(t, os.WriteFile(filepath.Join("testdata", name+".req.txt"), []byte(strings.ReplaceAll(request, "\r\n", "\n")), 0o644))
			}
			require.Equal(t, wireText(t, name+".req.txt"), request)
		})
	}
}

// wireText reads a golden file. Its lines end in LF; on the wire those of the head and of chunks end in CRLF.
func wireText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	head, body, _ := strings.Cut(string(text), "\n\n")
	if strings.Contains(head, "Transfer-Encoding: chunked") {
		body = strings.ReplaceAll(body, "\n", "\r\n")
	}
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body
}
