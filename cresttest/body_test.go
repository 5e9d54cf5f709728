package cresttest_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
	"github.com/stretchr/testify/require"
)

// back sends req to an endpoint that answers with what it got of it.
func back[Req any](t *testing.T, e *crest.Endpoint[Req, crest.Empty], req Req, look func(got Req), opts ...crest.ClientOption) {
	t.Helper()
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	cresttest.Handle(srv, e, func(_ context.Context, got Req) (crest.Empty, error) {
		look(got)
		return crest.Empty{}, nil
	})
	_, err := e.Call(t.Context(), client(t, srv, opts...), req)
	require.NoError(t, err)
}

// same sends req and wants it back.
func same[Req any](t *testing.T, req Req, opts ...crest.ClientOption) {
	t.Helper()
	back(t, crest.Post[Req, crest.Empty]("/same"), req, func(got Req) { require.Equal(t, req, got) }, opts...)
}

type (
	formModel struct {
		A string         `form:"a"`
		L []int          `form:"l"`
		S crest.Secret   `form:"s"`
		O crest.Opt[int] `form:"o"`
	}
	jsonModel struct {
		Key  crest.Secret    `header:"X-Key"`
		SID  string          `cookie:"sid"`
		Name string          `json:"name"`
		Pass crest.Secret    `json:"pass"`
		Note crest.Opt[int]  `json:"note"`
		Nil  crest.Opt[bool] `json:"nil"`
	}
	xmlModel struct {
		XMLName xml.Name `xml:"pet"`
		Name    string   `xml:"name,attr"`
	}
	textModel  struct{ Body string }
	bytesModel struct {
		Kind string `header:"X-Kind"`
		Body []byte
	}
	listModel struct {
		Q    string `query:"q"`
		Body []pet
	}
)

func TestBodiesComeBack(t *testing.T) {
	t.Run("form", func(t *testing.T) {
		same(t, formModel{"x y&z", []int{1, 2}, crest.NewSecret("hunter2"), crest.Null[int]()})
	})
	t.Run("fields", func(t *testing.T) {
		same(t, jsonModel{crest.NewSecret("k"), "1", "Rex", crest.NewSecret("p"), crest.Some(3), crest.Null[bool]()})
	})
	t.Run("unset", func(t *testing.T) { same(t, jsonModel{Key: crest.NewSecret("k"), Pass: crest.NewSecret("p")}) })
	t.Run("gzip", func(t *testing.T) {
		same(t, bytesModel{"k", bytes.Repeat([]byte("x"), 10_000)}, crest.WithCompression("gzip"))
	})
	t.Run("codec of the client", func(t *testing.T) {
		same(t, xmlModel{XMLName: xml.Name{Local: "pet"}, Name: "Rex"}, crest.WithCodec(crest.XML()))
	})
	t.Run("text", func(t *testing.T) { same(t, textModel{"héllo"}) })
	t.Run("list", func(t *testing.T) { same(t, listModel{"1", []pet{{ID: 1}, {ID: 2}}}) })
	t.Run("whole list", func(t *testing.T) { same(t, []string{"a", "b"}) })
	t.Run("pointer", func(t *testing.T) { same(t, &listModel{"1", []pet{{ID: 1}}}) })
	t.Run("no bytes", func(t *testing.T) { same(t, bytesModel{Kind: "none"}) })
}

func TestBodiesThatAreRead(t *testing.T) {
	type readerModel struct{ Body io.Reader }
	type factoryModel struct{ Body func() (io.ReadCloser, error) }
	read := func(r io.Reader) string {
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		return string(data)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("made")), nil }
	back(t, crest.Post[readerModel, crest.Empty]("/r"), readerModel{strings.NewReader("read")}, func(got readerModel) { require.Equal(t, "read", read(got.Body)) })
	back(t, crest.Post[factoryModel, crest.Empty]("/f"), factoryModel{open}, func(got factoryModel) {
		for range 2 {
			body, err := got.Body()
			require.NoError(t, err)
			require.Equal(t, "made", read(body))
		}
	})
}

func TestFilesComeBack(t *testing.T) {
	type upload struct {
		Title string            `form:"title"`
		Tags  []string          `form:"tags,explode=false"`
		Extra map[string]string `form:"extra,style=deepObject"`
		One   crest.File        `form:"one"`
		More  []crest.File      `form:"more"`
		None  *crest.File       `form:"none"`
	}
	type raw struct {
		Name string `query:"name"`
		Body crest.File
	}
	content := func(f crest.File) string {
		data, err := io.ReadAll(f.Content)
		require.NoError(t, err)
		return string(data)
	}
	file := func(name, text string) crest.File {
		return crest.File{Name: name, ContentType: "text/csv", Content: strings.NewReader(text)}
	}
	sent := upload{"a,b & c", []string{"x y", "z"}, map[string]string{"k": "=&"}, file("é.csv", "1"), []crest.File{file("a", "2"), file("b", "")}, nil}
	back(t, crest.Post[upload, crest.Empty]("/up"), sent, func(got upload) {
		require.Equal(t, sent.Title, got.Title)
		require.Equal(t, sent.Tags, got.Tags)
		require.Equal(t, sent.Extra, got.Extra)
		require.Equal(t, "é.csv", got.One.Name)
		require.Equal(t, "text/csv", got.One.ContentType)
		require.Equal(t, int64(1), got.One.Size)
		require.Equal(t, "1", content(got.One))
		require.Len(t, got.More, 2)
		require.Equal(t, "2", content(got.More[0]))
		require.Empty(t, content(got.More[1]))
		require.Nil(t, got.None)
	})
	back(t, crest.Put[raw, crest.Empty]("/raw"), raw{"n", file("", "content")}, func(got raw) {
		require.Equal(t, "content", content(got.Body))
		require.Equal(t, "text/csv", got.Body.ContentType)
	})
}

// A body beyond the endpoint's bound is refused, whatever it says of its length.
func TestR35BodiesAreBounded(t *testing.T) {
	small := crest.Post[bytesModel, crest.Empty]("/small", crest.WithBounds(crest.Bounds{Body: 1000}))
	for name, opts := range map[string][]crest.ClientOption{"plain": nil, "gzip": {crest.WithCompression("gzip")}} {
		t.Run(name, func(t *testing.T) {
			w := &witness{TB: t}
			srv := cresttest.NewServer(w, cresttest.Prefix("/v1"))
			cresttest.Handle(srv, small, func(context.Context, bytesModel) (crest.Empty, error) { return crest.Empty{}, nil })
			c := client(t, srv, opts...)
			_, err := small.Call(t.Context(), c, bytesModel{Body: make([]byte, 1000)})
			require.NoError(t, err)
			_, err = small.Call(t.Context(), c, bytesModel{Body: make([]byte, 1001)})
			require.ErrorIs(t, err, crest.Status(400))
			require.Contains(t, w.text(), "larger than the bound Body of 1000 bytes")
		})
	}
}

func TestAnswers(t *testing.T) {
	type located struct {
		Total int            `header:"X-Total"`
		SID   crest.Secret   `cookie:"sid"`
		Items []int          `json:"items"`
		Note  crest.Opt[int] `json:"note"`
	}
	type whole struct {
		ETag string `header:"ETag"`
		Body []string
	}
	answerWith(t, "JSON", pet{ID: 1, ETag: "x"})
	answerWith(t, "fields", located{3, crest.NewSecret("s"), []int{1}, crest.Null[int]()})
	answerWith(t, "unset", located{Total: 1, SID: crest.NewSecret("s"), Items: []int{}})
	answerWith(t, "body", whole{"1", []string{"a"}})
	answerWith(t, "pointer", &whole{"1", []string{"a"}})
	answerWith[*notFound](t, "nil", nil)
	answerWith(t, "list", []pet{{ID: 1}})
	answerWith(t, "bytes", []byte{0, 1})
	answerWith(t, "text", "héllo")
	answerWith(t, "empty", crest.Empty{})
	answerWith(t, "opt", crest.Some(3))
	answerWith[any](t, "any", []any{"a", true, nil})
	answerWith(t, "vendor type", pet{ID: 1}, crest.WithAccept("application/vnd.api+json"))
	answerWith(t, "XML", xmlModel{XMLName: xml.Name{Local: "pet"}, Name: "Rex"}, crest.WithCodec(crest.XML()))
	answerWith(t, "no content", whole{ETag: "1"}, crest.WithSuccess(204))
}

// answerWith wants the model back that a handler answered with.
func answerWith[Res any](t *testing.T, name string, res Res, opts ...crest.EndpointOption) {
	t.Run(name, func(t *testing.T) {
		srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
		e := crest.Get[crest.Empty, Res]("/res", opts...)
		cresttest.Handle(srv, e, func(context.Context, crest.Empty) (Res, error) { return res, nil })
		got, err := e.Call(t.Context(), client(t, srv), crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, res, got)
	})
}

func TestLiveAnswers(t *testing.T) {
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	e := crest.Get[crest.Empty, io.ReadCloser]("/live")
	cresttest.Handle(srv, e, func(context.Context, crest.Empty) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("in pieces")), nil
	})
	got, err := e.Call(t.Context(), client(t, srv), crest.Empty{})
	require.NoError(t, err)
	data, err := io.ReadAll(got)
	require.NoError(t, err)
	require.NoError(t, got.Close())
	require.Equal(t, "in pieces", string(data))
}

// Models that are known at run time only come and go as values of their types.
func TestEndpointsOfRunTimeTypes(t *testing.T) {
	e, err := crest.NewEndpointOf("POST", "/pets/{id}", reflect.TypeFor[getPetRequest](), reflect.TypeFor[pet]())
	require.NoError(t, err)
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	cresttest.Handle(srv, e, func(_ context.Context, req any) (any, error) {
		got, ok := req.(getPetRequest)
		require.True(t, ok, "%T", req)
		return pet{ID: got.ID}, nil
	})
	res, err := e.Call(t.Context(), client(t, srv), getPetRequest{ID: 3})
	require.NoError(t, err)
	require.Equal(t, pet{ID: 3}, res)
}

// An endpoint whose models cannot be read by a server says so at the first request.
func TestEndpointsThatCannotBeServed(t *testing.T) {
	type odd struct{ Body *strings.Reader }
	e := crest.Post[odd, crest.Empty]("/odd")
	w := &witness{TB: t}
	srv := cresttest.NewServer(w, cresttest.Prefix("/v1"))
	cresttest.Handle(srv, e, func(context.Context, odd) (crest.Empty, error) { return crest.Empty{}, nil })
	_, err := e.Call(t.Context(), client(t, srv), odd{strings.NewReader("x")})
	require.ErrorIs(t, err, crest.Status(400))
	require.Contains(t, w.text(), "Body is a *strings.Reader, which a server can't fill")
}
