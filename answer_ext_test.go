package crest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// answered calls an endpoint with this response model against one canned answer.
func answered[Res any](t *testing.T, status int, body string, headers []string, opts ...crest.CallOption) (Res, error) {
	t.Helper()
	c := newClient(t, serve(t, reply(status, body, headers...)))
	return crest.Get[crest.Empty, Res]("/x").Call(t.Context(), c, crest.Empty{}, opts...)
}

func typed(contentType string) []string { return []string{"Content-Type", contentType} }

// Row 26: a success whose content type was not declared is no success, whatever its body.
func TestPromise1ContentType(t *testing.T) {
	for name, tt := range map[string]struct {
		contentType string
		opts        []crest.CallOption
		ok          bool
	}{
		"json":               {"application/json", nil, true},
		"json, parameters":   {`Application/JSON ; charset="utf-8"; v=1`, nil, true},
		"+json":              {"application/vnd.api+json", nil, true},
		"problem+json":       {"application/problem+json", nil, true},
		"text/json":          {"text/json", nil, true},
		"absent":             {"", nil, true},
		"html":               {"text/html; charset=utf-8", nil, false},
		"plain":              {"text/plain", nil, false},
		"javascript":         {"application/javascript", nil, false},
		"json in a name":     {"application/jsonx", nil, false},
		"garbage":            {";;;", nil, true}, // no type is named
		"no slash":           {"json", nil, false},
		"WithAccept exact":   {"text/html", []crest.CallOption{crest.WithAccept("text/html")}, true},
		"WithAccept class":   {"text/html", []crest.CallOption{crest.WithAccept("text/*")}, true},
		"WithAccept any":     {"text/html", []crest.CallOption{crest.WithAccept("*/*")}, true},
		"WithAccept suffix":  {"application/vnd.x+json", []crest.CallOption{crest.WithAccept("application/*+json")}, true},
		"WithAccept other":   {"application/json", []crest.CallOption{crest.WithAccept("application/vnd.x+json")}, false},
		"WithAccept quality": {"text/html", []crest.CallOption{crest.WithAccept("text/html;q=0.5")}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			if tt.contentType != "" {
				headers = typed(tt.contentType)
			}
			got, err := answered[thing](t, 200, thingJSON, headers, tt.opts...)
			if tt.ok {
				require.NoError(t, err)
				require.Equal(t, thing{7, "Rex"}, got)
				return
			}
			fails(t, err, crest.ErrResponse, crest.KindContentType, crest.SentYes)
			require.Zero(t, got)
			require.Contains(t, err.Error(), `"{\"id\":7,\"name\":\"Rex\"}"`, "the first bytes are quoted")
			require.Contains(t, err.Error(), tt.contentType)
		})
	}
}

// WithAccept says which types an answer may have, also where no codec reads it.
func TestPromise1ContentTypeOfRawAnswers(t *testing.T) {
	csv := crest.WithAccept("text/csv")
	for name, call := range map[string]func(headers []string) error{
		"[]byte": func(h []string) error { _, err := answered[[]byte](t, 200, "<html>", h, csv); return err },
		"string": func(h []string) error { _, err := answered[string](t, 200, "<html>", h, csv); return err },
		"Body": func(h []string) error {
			_, err := answered[struct {
				ETag string `header:"ETag"`
				Body []byte
			}](t, 200, "<html>", h, csv)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, call(typed("text/csv; header=present")))
			require.NoError(t, call(nil))
			fails(t, call(typed("text/html")), crest.ErrResponse, crest.KindContentType, crest.SentYes)
		})
	}
}

// Rows 28 and 29.
func TestPromise1BodiesThatAreNoModel(t *testing.T) {
	for name, tt := range map[string]struct{ body, want string }{
		"empty":             {"", "the body is empty: if that may be, use a pointer"},
		"white space":       {" \n", "the body is empty"},
		"null":              {"null", "the body is null"},
		"null and space":    {" null\n", "the body is null"},
		"cut":               {`{"id":7,"name":"Re`, ""},
		"R34 trailing":      {thingJSON + `{"id":8}`, ""},
		"R34 trailing text": {thingJSON + `x`, ""},
		"wrong type":        {`{"id":"seven","name":"Rex"}`, ""},
		"list":              {`[]`, ""},
		"text":              {`hello`, ""},
		"HTML":              {`<html>`, ""},
		"R34 nesting":       {`{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, ""},
		"R45 #486":          {`{"id":99,null}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answered[thing](t, 200, tt.body, typed("application/json"))
			fails(t, err, crest.ErrResponse, crest.KindDecode, crest.SentYes)
			require.Contains(t, err.Error(), tt.want)
			require.Zero(t, got)
			require.Less(t, len(err.Error()), 1000)
		})
	}
}

func TestPromise1ErrorShapeIn200(t *testing.T) {
	got, err := answered[thing](t, 200, `{"code":"gone","message":"no"}`, typed("application/json"))
	fails(t, err, crest.ErrResponse, crest.KindValidation, crest.SentYes)
	require.Zero(t, got)
}

func TestResponseTypes(t *testing.T) {
	js := typed("application/json")
	t.Run("any keeps numbers exact", func(t *testing.T) {
		got, err := answered[any](t, 200, `{"n":12345678901234567890,"f":0.1}`, js)
		require.NoError(t, err)
		require.Equal(t, map[string]any{"n": json.Number("12345678901234567890"), "f": json.Number("0.1")}, got)
	})
	t.Run("any, empty", func(t *testing.T) {
		got, err := answered[any](t, 200, ``, js)
		require.NoError(t, err)
		require.Nil(t, got)
	})
	t.Run("any, null", func(t *testing.T) {
		got, err := answered[any](t, 200, `null`, js)
		require.NoError(t, err)
		require.Nil(t, got)
	})
	t.Run("any, HTML", func(t *testing.T) {
		_, err := answered[any](t, 200, `<html>`, typed("text/html"))
		fails(t, err, crest.ErrResponse, crest.KindContentType, crest.SentYes)
	})
	t.Run("pointer", func(t *testing.T) {
		got, err := answered[*thing](t, 200, thingJSON, js)
		require.NoError(t, err)
		require.Equal(t, &thing{7, "Rex"}, got)
		_, err = answered[*thing](t, 200, `{"id":1}`, js)
		fails(t, err, crest.ErrResponse, crest.KindValidation, crest.SentYes)
	})
	t.Run("pointer, null and empty", func(t *testing.T) {
		for _, body := range []string{"null", ""} {
			got, err := answered[*thing](t, 200, body, js)
			require.NoError(t, err)
			require.Nil(t, got)
		}
	})
	t.Run("Opt", func(t *testing.T) {
		got, err := answered[crest.Opt[thing]](t, 200, thingJSON, js)
		require.NoError(t, err)
		require.Equal(t, crest.Some(thing{7, "Rex"}), got)
		got, err = answered[crest.Opt[thing]](t, 200, "null", js)
		require.NoError(t, err)
		require.True(t, got.IsNull())
		got, err = answered[crest.Opt[thing]](t, 200, "", js)
		require.NoError(t, err)
		require.True(t, got.IsZero())
	})
	t.Run("slice", func(t *testing.T) {
		got, err := answered[[]thing](t, 200, "["+thingJSON+"]", js)
		require.NoError(t, err)
		require.Equal(t, []thing{{7, "Rex"}}, got)
		_, err = answered[[]thing](t, 200, `[{"id":1}]`, js)
		fails(t, err, crest.ErrResponse, crest.KindValidation, crest.SentYes)
		got, err = answered[[]thing](t, 200, "null", js)
		require.NoError(t, err)
		require.Nil(t, got)
		_, err = answered[[]thing](t, 200, "", js)
		fails(t, err, crest.ErrResponse, crest.KindDecode, crest.SentYes)
	})
	t.Run("map", func(t *testing.T) {
		got, err := answered[map[string]int](t, 200, `{"a":1}`, js)
		require.NoError(t, err)
		require.Equal(t, map[string]int{"a": 1}, got)
	})
	t.Run("number", func(t *testing.T) {
		got, err := answered[int](t, 200, `42`, js)
		require.NoError(t, err)
		require.Equal(t, 42, got)
	})
	t.Run("bytes", func(t *testing.T) {
		got, err := answered[[]byte](t, 200, "\x00\xff", typed("image/png"))
		require.NoError(t, err)
		require.Equal(t, []byte{0, 0xff}, got)
		got, err = answered[[]byte](t, 200, "", nil)
		require.NoError(t, err)
		require.Empty(t, got)
	})
	t.Run("string", func(t *testing.T) {
		got, err := answered[string](t, 200, "héllo", typed("text/plain; charset=utf-8"))
		require.NoError(t, err)
		require.Equal(t, "héllo", got)
	})
	t.Run("Empty accepts anything", func(t *testing.T) {
		for _, headers := range [][]string{nil, typed("text/html"), {"Content-Encoding", "br"}, {"Content-Encoding", "gzip"}} {
			_, err := answered[crest.Empty](t, 200, "<html>", headers)
			require.NoError(t, err)
		}
	})
	t.Run("Secret", func(t *testing.T) {
		type login struct {
			Token crest.Secret `json:"token"`
			Other crest.Secret `header:"X-Token"`
		}
		got, err := answered[login](t, 200, `{"token":"t0ken"}`, append(js, "X-Token", "other"))
		require.NoError(t, err)
		require.Equal(t, "t0ken", got.Token.Reveal())
		require.Equal(t, "other", got.Other.Reveal())
	})
}

func TestResponseHeadersAndBody(t *testing.T) {
	type model struct {
		ETag   string            `header:"ETag"`
		Left   int               `header:"X-Left"`
		Meta   map[string]string `header:"X-Meta-*"`
		SID    string            `cookie:"sid"`
		Name   string            `json:"name" validate:"required"`
		Other  crest.Opt[int]    `json:"other,omitzero"`
		Absent string            `header:"X-Absent"`
	}
	headers := append(typed("application/json"), "ETag", `"v1"`, "X-Left", "12", "X-Meta-A", "1", "X-Meta-B", "2", "Set-Cookie", "sid=abc; Path=/")
	got, err := answered[model](t, 200, `{"name":"Rex","ETag":"from the body","Left":99}`, headers)
	require.NoError(t, err)
	require.Equal(t, model{ETag: `"v1"`, Left: 12, Meta: map[string]string{"a": "1", "b": "2"}, SID: "abc", Name: "Rex"}, got)

	_, err = answered[model](t, 200, `{"name":"Rex"}`, append(typed("application/json"), "X-Left", "marker"))
	fails(t, err, crest.ErrResponse, crest.KindDecode, crest.SentYes)
	require.ErrorContains(t, err, "X-Left")
	require.NotContains(t, err.Error(), "marker")

	type whole struct {
		ETag string `header:"ETag"`
		Body []thing
	}
	list, err := answered[whole](t, 200, "["+thingJSON+"]", append(typed("application/json"), "ETag", "x"))
	require.NoError(t, err)
	require.Equal(t, whole{"x", []thing{{7, "Rex"}}}, list)
}

// Statuses without a body: an answer without one is no model, unless the status was declared.
func TestStatusesWithoutBody(t *testing.T) {
	for _, status := range []int{204, 205, 304} {
		headers := []string{"ETag", "x"}
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			type model struct {
				ETag string `header:"ETag"`
				Name string `json:"name" validate:"required"`
			}
			got, err := answered[model](t, status, "", headers)
			if status == 304 {
				fails(t, err, crest.ErrStatus, "", crest.SentYes)
			} else {
				fails(t, err, crest.ErrResponse, crest.KindDecode, crest.SentYes)
			}
			require.Zero(t, got)
			got, err = answered[model](t, status, "", headers, crest.WithSuccess(200, status))
			require.NoError(t, err)
			require.Equal(t, model{ETag: "x"}, got)
			_, err = answered[crest.Empty](t, status, "", headers, crest.WithSuccess(status))
			require.NoError(t, err)
			p, err := answered[*thing](t, status, "", headers, crest.WithSuccess(status))
			require.NoError(t, err)
			require.Nil(t, p)
		})
	}
}

func TestHead(t *testing.T) {
	type model struct {
		Length int64  `header:"Content-Length"`
		ETag   string `header:"ETag"`
		Name   string `json:"name" validate:"required"`
	}
	c := newClient(t, serve(t, reply(200, "hello", "ETag", "x", "Content-Type", "text/html", "Content-Encoding", "gzip", "Content-Length", "5")))
	for range 2 {
		got, err := crest.Head[crest.Empty, model]("/x").Call(t.Context(), c, crest.Empty{})
		require.NoError(t, err)
		require.Equal(t, model{Length: 5, ETag: "x"}, got)
	}
	text, err := crest.Head[crest.Empty, string]("/x").Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Empty(t, text)
}

func TestSuccessStatuses(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		opts   []crest.CallOption
		ok     bool
	}{
		"200":             {200, nil, true},
		"299":             {299, nil, true},
		"302":             {302, nil, false},
		"404":             {404, nil, false},
		"999":             {999, nil, false},
		"declared 404":    {404, []crest.CallOption{crest.WithSuccess(200, 404)}, true},
		"200 undeclared":  {200, []crest.CallOption{crest.WithSuccess(201)}, false},
		"any":             {503, []crest.CallOption{crest.WithSuccess(crest.AnyStatus)}, true},
		"nearest wins":    {404, []crest.CallOption{crest.WithSuccess(404), crest.WithSuccess(200)}, false},
		"a status of 700": {700, []crest.CallOption{crest.WithSuccess(700)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answered[thing](t, tt.status, thingJSON, typed("application/json"), tt.opts...)
			if tt.ok {
				require.NoError(t, err)
				require.Equal(t, "Rex", got.Name)
				return
			}
			fails(t, err, crest.ErrStatus, "", crest.SentYes)
			require.ErrorIs(t, err, crest.Status(tt.status))
		})
	}
}

func TestDo(t *testing.T) {
	c := newClient(t, serve(t, reply(201, thingJSON, "Content-Type", "Application/JSON; Charset=UTF-8", "X-Request-Id", "r-1", "Location", "../things/7",
		"Set-Cookie", "a=1", "Set-Cookie", "b=2", "Link", `</p2>; rel="next"`)))
	type request struct {
		ID int    `path:"id"`
		Q  string `query:"q"`
	}
	r, err := crest.Post[request, thing]("/a/{id}").Do(t.Context(), c, request{5, "x y"}, crest.WithHeader("X-A", "1"))
	require.NoError(t, err)
	require.Equal(t, thing{7, "Rex"}, r.Model)
	require.Equal(t, 201, r.StatusCode)
	require.Equal(t, "201 Created", r.Status)
	require.Equal(t, "HTTP/1.1", r.Proto)
	require.Equal(t, thingJSON, string(r.Body))
	require.Equal(t, "POST", r.Method)
	require.Equal(t, "/a/5?q=x%20y", r.URL.RequestURI())
	require.Equal(t, "1", r.RequestHeader.Get("X-A"))
	require.Equal(t, "r-1", r.RequestID)
	require.Len(t, r.Attempts, 1)
	require.Equal(t, 201, r.Attempts[0].StatusCode)
	require.NoError(t, r.Attempts[0].Err)
	require.False(t, r.Received.IsZero())
	require.Positive(t, r.Elapsed)
	mediaType, charset := r.ContentType()
	require.Equal(t, "application/json", mediaType)
	require.Equal(t, "utf-8", strings.ToLower(charset))
	require.Len(t, r.Cookies(), 2)
	require.True(t, strings.HasSuffix(r.Location(), "/things/7"), r.Location())
	require.Equal(t, "next", r.Links()[0].Rel)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.Equal(t, "201 Created", fmt.Sprintf(verb, r))
	}
}

// R21: the server's own reason phrase is quoted where it is not plain, and capped.
func TestR21ReasonPhrase(t *testing.T) {
	c := newClient(t, canned(t, "HTTP/1.1 200 \x1b[31m"+strings.Repeat("A", 5000)+"\r\nContent-Length: 0\r\n\r\n"))
	r, err := ping.Do(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	for _, text := range []string{r.String(), fmt.Sprint(r), fmt.Sprintf("%+v", r)} {
		require.NotContains(t, text, "\x1b")
		require.Less(t, len(text), 400)
	}
}

// What a server asks to wait is told of successes too.
func TestResponseRetryAfter(t *testing.T) {
	for name, tt := range map[string]struct {
		header []string
		want   time.Duration
	}{
		"none":    {nil, 0},
		"seconds": {[]string{"Retry-After", "7"}, 7 * time.Second},
		"a date":  {[]string{"Date", "Sat, 21 Nov 2026 10:00:00 GMT", "Retry-After", "Sat, 21 Nov 2026 10:01:00 GMT"}, time.Minute},
		"garbage": {[]string{"Retry-After", "soon"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, serve(t, replyJSON(202, thingJSON, tt.header...)))
			resp, err := getThing.Do(t.Context(), c, crest.Empty{})
			require.NoError(t, err)
			require.Equal(t, tt.want, resp.RetryAfter())
		})
	}
}
