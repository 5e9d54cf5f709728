package crest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// messy has one mistake of each kind that its tags can make.
type messy struct {
	Other  string   `path:"other"`
	Stream chan int `query:"stream"`
	Count  int      `query:"count" validate:"gt=many"`
	Loose  string
	Name   string `json:"name"`
}

func panicText(t *testing.T, f func()) (text string) {
	t.Helper()
	defer func() { text, _ = recover().(string) }()
	f()
	t.Fatal("the declaration did not panic")
	return ""
}

// All mistakes of a declaration are in one panic, one line each, each with its mend.
func TestPromise6MistakesComeTogether(t *testing.T) {
	text := panicText(t, func() {
		crest.NewEndpoint[messy, chan int]("get", "/pets/{id}", crest.WithHeader("X A", "v"), crest.WithSuccess(), nil)
	})
	lines := strings.Split(text, "\n")
	require.Regexp(t, `^crest: GET /pets/\{id\}: \d+ mistakes in the declaration$`, lines[0])
	for what, want := range map[string]string{
		"option":            `WithHeader: header name "X A" is not a token`,
		"second option":     "WithSuccess: no status",
		"placeholder":       `no field tagged path:"id" for the placeholder {id}`,
		"field":             `messy.Other (path:"other") has no placeholder {other}`,
		"type":              "messy.Stream",
		"no place":          "messy.Loose has no place",
		"body on GET":       "WithGetBody()",
		"validator":         "gt=many",
		"response":          "chan int",
		"name of the model": "crest_test.messy",
	} {
		require.Contains(t, text, want, what)
	}
	for _, line := range lines[1:] {
		require.True(t, strings.HasPrefix(line, "  - "), line)
	}
	require.Len(t, lines, 1+9, text)
}

func TestPromise6OneMistake(t *testing.T) {
	type request struct {
		Page int `query:"page"`
	}
	text := panicText(t, func() { crest.Get[request, thing]("/pets/{id}") })
	require.Equal(t, `crest: GET /pets/{id}: crest_test.request has no field tagged path:"id" for the placeholder {id}: add one or take it out of the route`, text)
}

func TestDeclarationMistakes(t *testing.T) {
	type located struct {
		Q    string `query:"q"`
		Name string `json:"name"`
	}
	empty, model := reflect.TypeFor[crest.Empty](), reflect.TypeFor[thing]()
	for name, tt := range map[string]struct {
		method, route string
		req, res      reflect.Type
		opts          []crest.EndpointOption
		want          string
	}{
		"CONNECT":            {"CONNECT", "/", empty, empty, nil, "CONNECT makes a tunnel"},
		"method empty":       {"", "/", empty, empty, nil, `the method "" is not a token`},
		"R20 method newline": {"GET\r\nX: y", "/", empty, empty, nil, `the method "GET\r\nX: Y" is not a token`},
		"nil request":        {"GET", "/", nil, empty, nil, "the request model is nil"},
		"nil response":       {"GET", "/", empty, nil, nil, "the response model is nil"},
		"io.Reader":          {"GET", "/", empty, reflect.TypeFor[io.Reader](), nil, "use io.ReadCloser"},
		"func response":      {"GET", "/", empty, reflect.TypeFor[func()](), nil, "func()"},
		"body on GET": {"GET", "/", reflect.TypeFor[located](), empty, nil, "located.Name is part of a body, and GET and HEAD have none: tag its fields query " +
			"(or path, header, cookie), use crest.Empty for a request with nothing in it, another method, or the option WithGetBody()"},
		"body on HEAD": {"HEAD", "/", model, empty, nil, "WithGetBody()"},
		"path in response": {"GET", "/", empty, reflect.TypeFor[struct {
			ID string `path:"id"`
		}](), nil, "path"},
		"R46 unknown rule": {"GET", "/", empty, reflect.TypeFor[struct {
			A string `json:"a" validate:"nosuchrule"`
		}](), nil, "nosuchrule"},
		"R46 any with gt": {"POST", "/", reflect.TypeFor[struct {
			A any `json:"a" validate:"gt=1"`
		}](), empty, nil, "A"},
		"R13 two slashes": {"GET", "//evil", empty, empty, nil, "single"},
		"R13 authority":   {"GET", "http://evil", empty, empty, nil, "crest: GET http://evil: "},
		"R13 backslash":   {"GET", `/\evil`, empty, empty, nil, "backslash"},
		"R13 no slash":    {"GET", "@evil", empty, empty, nil, "crest: GET @evil: "},
		"R13 empty":       {"GET", "", empty, empty, nil, "crest: GET : "},
		"bad bounds":      {"GET", "/", empty, empty, []crest.EndpointOption{crest.WithBounds(crest.Bounds{Body: -2})}, "WithBounds"},
		"check of a body": {"GET", "/", empty, reflect.TypeFor[io.ReadCloser](), []crest.EndpointOption{errorInside}, "WithCheck is not asked where the caller reads the body"},
		"bad timeout":     {"GET", "/", empty, empty, []crest.EndpointOption{crest.WithTimeout(-2)}, "WithTimeout: Total is -2ns, and negative"},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := crest.NewEndpointOf(tt.method, tt.route, tt.req, tt.res, tt.opts...)
			require.ErrorContains(t, err, tt.want)
			require.Nil(t, e)
			require.True(t, strings.HasPrefix(err.Error(), "crest: "), err.Error())
			require.False(t, strings.HasSuffix(err.Error(), "."), err.Error())
		})
	}
}

// One error map can have several mistakes, and all are told, in the order of the statuses.
func TestErrorMapMistakes(t *testing.T) {
	m := crest.WithErrors(crest.ErrorMap{404: nil, 7: crest.As[*failure](), 500: nil})
	_, err := crest.New[*failure]("https://api.example.com", m)
	require.ErrorContains(t, err, "WithErrors: 7 is neither a status nor Status3XX, Status4XX, Status5XX or AnyStatus\n"+
		"WithErrors: the entry for 404 is nil: use As or ErrorFunc\nWithErrors: the entry for 500 is nil: use As or ErrorFunc")
}

func TestOptionMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		option crest.Option
		want   string
	}{
		"header without value":     {crest.WithHeader("X-A"), "no value: give one, or use WithoutHeader"},
		"R20 header newline":       {crest.WithHeader("X-A", "a\r\nEvil: 1"), "the value of header X-A holds a control character"},
		"R23 Content-Length":       {crest.WithHeader("content-length", "3"), "Content-Length cannot be set by hand"},
		"R23 Transfer-Encoding":    {crest.WithHeader("Transfer-Encoding", "chunked"), "cannot be set by hand"},
		"R2 Proxy-Authorization":   {crest.WithHeader("Proxy-Authorization", "Basic x"), "it belongs to the proxy"},
		"without header, no token": {crest.WithoutHeader("X A"), "is not a header name"},
		"query without name":       {crest.WithQuery("", "v"), "the name is empty"},
		"R20 cookie":               {crest.WithCookie("sid", "v\r\nX: y"), "the value of cookie sid"},
		"R20 cookie name":          {crest.WithCookie("s=d", "v"), `cookie name "s=d" is not a token`},
		"success":                  {crest.WithSuccess(20), "20 is not a status"},
		"accept":                   {crest.WithAccept("json"), "is not a media type"},
		"accept none":              {crest.WithAccept(), "no media type"},
		"codec":                    {crest.WithCodec(nil), "the codec is nil"},
		"check":                    {crest.WithCheck(nil), "the function is nil"},
		"bearer":                   {crest.WithBearer(nil), "the source is nil"},
		"empty bearer":             {crest.WithBearer(crest.NewSecret("")), "the Secret is empty: give a token, or leave the option out"},
		"scheme":                   {crest.WithAuthorization("a b", crest.NewSecret("x")), "is not an authentication scheme"},
		"error map status":         {crest.WithErrors(crest.ErrorMap{42: crest.As[*failure]()}), "42 is neither a status nor"},
		"error map nil":            {crest.WithErrors(crest.ErrorMap{404: nil}), "the entry for 404 is nil"},
		"error map interface":      {crest.WithErrors(crest.ErrorMap{404: crest.As[error]()}), "is an interface and cannot be decoded into"},
		"error func nil":           {crest.WithErrors(crest.ErrorMap{404: crest.ErrorFunc(nil)}), "ErrorFunc(nil)"},
		"validation mode":          {crest.WithValidation(crest.Validation{Mode: 9}), "9 is no mode"},
		"observe without report":   {crest.WithValidation(crest.Validation{Mode: crest.Observe}), "Observe needs a Report function"},
		"timeout":                  {crest.WithTimeout(-5), "and negative"},
		"bounds":                   {crest.WithBounds(crest.Bounds{ErrorBody: -7}), "WithBounds"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := crest.New[*failure]("https://api.example.com", tt.option)
			require.ErrorContains(t, err, tt.want, "client")
			_, err = crest.NewEndpointOf("GET", "/", reflect.TypeFor[crest.Empty](), reflect.TypeFor[crest.Empty](), tt.option)
			require.ErrorContains(t, err, tt.want, "endpoint")
			rec := &recorder{}
			c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
			_, err = ping.Call(t.Context(), c, crest.Empty{}, tt.option)
			fails(t, err, crest.ErrRequest, "", crest.SentNo)
			require.ErrorContains(t, err, tt.want, "call")
			rec.none(t)
		})
	}
}

func TestMethods(t *testing.T) {
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
	for method, e := range map[string]*crest.Endpoint[crest.Empty, crest.Empty]{
		http.MethodGet:     crest.Get[crest.Empty, crest.Empty]("/x"),
		http.MethodHead:    crest.Head[crest.Empty, crest.Empty]("/x"),
		http.MethodPost:    crest.Post[crest.Empty, crest.Empty]("/x"),
		http.MethodPut:     crest.Put[crest.Empty, crest.Empty]("/x"),
		http.MethodPatch:   crest.Patch[crest.Empty, crest.Empty]("/x"),
		http.MethodDelete:  crest.Delete[crest.Empty, crest.Empty]("/x"),
		http.MethodOptions: crest.Options[crest.Empty, crest.Empty]("/x"),
		"PROPFIND":         crest.NewEndpoint[crest.Empty, crest.Empty]("propfind", "/x"),
	} {
		_, err := e.Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, method, rec.last(t).Method)
		require.Equal(t, method+" /x", e.String())
	}
}

type stringer struct{ Scheme string }

func (s *stringer) String() string { return s.Scheme }

func TestNewEndpointOf(t *testing.T) {
	request := reflect.StructOf([]reflect.StructField{
		{Name: "ID", Type: reflect.TypeFor[int](), Tag: `path:"id" validate:"gt=0"`},
		{Name: "Lang", Type: reflect.TypeFor[string](), Tag: `query:"lang" default:"en"`},
	})
	e, err := crest.NewEndpointOf(http.MethodGet, "/things/{id}", request, reflect.TypeFor[thing]())
	require.NoError(t, err)
	var target string
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		target = r.RequestURI
		replyJSON(200, thingJSON)(w, r)
	}))
	value := reflect.New(request)
	value.Elem().Field(0).SetInt(7)

	for name, req := range map[string]any{"value": value.Elem().Interface(), "pointer": value.Interface()} {
		t.Run(name, func(t *testing.T) {
			got, err := e.Call(t.Context(), c, req)
			require.NoError(t, err)
			require.Equal(t, thing{7, "Rex"}, got)
			require.Equal(t, "/things/7?lang=en", target)
			require.Empty(t, value.Elem().Field(1).String(), "the caller's model was changed")
		})
	}
	for name, req := range map[string]any{"nil": nil, "other type": crest.Empty{}, "nil pointer": reflect.Zero(reflect.PointerTo(request)).Interface()} {
		t.Run(name, func(t *testing.T) {
			got, err := e.Call(t.Context(), c, req)
			fails(t, err, crest.ErrRequest, "", crest.SentNo)
			require.Nil(t, got)
		})
	}
	t.Run("invalid", func(t *testing.T) {
		_, err := e.Call(t.Context(), c, reflect.Zero(request).Interface())
		fails(t, err, crest.ErrRequest, crest.KindValidation, crest.SentNo)
	})
	t.Run("nil for Empty", func(t *testing.T) {
		e, err := crest.NewEndpointOf(http.MethodGet, "/x", reflect.TypeFor[crest.Empty](), reflect.TypeFor[any]())
		require.NoError(t, err)
		got, err := e.Call(t.Context(), c, nil)
		require.NoError(t, err)
		require.Equal(t, "Rex", got.(map[string]any)["name"])
	})
	t.Run("interface", func(t *testing.T) {
		e, err := crest.NewEndpointOf(http.MethodPost, "/x", reflect.TypeFor[fmt.Stringer](), reflect.TypeFor[any]())
		require.NoError(t, err)
		c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			replyJSON(200, string(body))(w, r)
		}))
		for want, req := range map[string]any{`7`: time.Duration(7), `{"Scheme":"x"}`: &stringer{Scheme: "x"}} {
			got, err := e.Call(t.Context(), c, req)
			require.NoError(t, err)
			text, err := json.Marshal(got)
			require.NoError(t, err)
			require.Equal(t, want, string(text))
		}
		for _, req := range []any{nil, 7, stringer{}} {
			_, err := e.Call(t.Context(), c, req)
			fails(t, err, crest.ErrRequest, "", crest.SentNo)
		}
	})
	t.Run("the answer is validated", func(t *testing.T) {
		c := newClient(t, serve(t, replyJSON(200, `{"id":1}`)))
		got, err := e.Call(t.Context(), c, value.Interface())
		fails(t, err, crest.ErrResponse, crest.KindValidation, crest.SentYes)
		require.Nil(t, got)
	})
}

// The zero value and nil give an error from each call, never a panic.
func TestUndeclaredEndpoint(t *testing.T) {
	c := newClient(t, "https://api.example.com")
	var zero crest.Endpoint[crest.Empty, thing]
	for name, e := range map[string]*crest.Endpoint[crest.Empty, thing]{"nil": nil, "zero": &zero} {
		t.Run(name, func(t *testing.T) {
			_, err := e.Call(t.Context(), c, crest.Empty{})
			fails(t, err, crest.ErrRequest, "", crest.SentNo)
			require.EqualError(t, err, "crest: undeclared endpoint: request: the endpoint is nil or zero: declare it with crest.Get, crest.NewEndpoint or crest.NewEndpointOf")
			r, err := e.Do(t.Context(), c, crest.Empty{})
			require.ErrorIs(t, err, crest.ErrRequest)
			require.Nil(t, r)
			p, err := e.Prepare(t.Context(), c, crest.Empty{})
			require.ErrorIs(t, err, crest.ErrRequest)
			require.Nil(t, p)
		})
	}
}

func TestGetBody(t *testing.T) {
	type search struct {
		Index string `path:"index"`
		Query string `json:"query"`
	}
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
	_, err := crest.Get[search, crest.Empty]("/{index}/_search", crest.WithGetBody()).Call(t.Context(), c, search{"books", "go"})
	require.NoError(t, err)
	got := rec.last(t)
	require.Equal(t, "GET", got.Method)
	require.Equal(t, `{"query":"go"}`, got.body)
}
