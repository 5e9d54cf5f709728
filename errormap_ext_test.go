package crest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type notFound struct {
	What string `json:"what" validate:"required"`
}

func (n *notFound) Error() string { return n.What + " is missing" }

type outage struct {
	Until string `header:"X-Until"`
	Code  int    `json:"code"`
}

func (o outage) Error() string { return "down until " + o.Until }

// An exact status is taken before its class, that before AnyStatus, that before E.
func TestErrorMapPrecedence(t *testing.T) {
	all := crest.ErrorMap{
		404: sentinel("404"), 999: sentinel("999"), crest.Status3XX: sentinel("3xx"), crest.Status4XX: sentinel("4xx"),
		crest.Status5XX: sentinel("5xx"), crest.AnyStatus: sentinel("any"),
	}
	without := func(keys ...int) crest.ErrorMap {
		m := crest.ErrorMap{}
		for k, v := range all {
			m[k] = v
		}
		for _, k := range keys {
			delete(m, k)
		}
		return m
	}
	for name, tt := range map[string]struct {
		status int
		m      crest.ErrorMap
		want   string
	}{
		"exact":            {404, all, "404"},
		"class 4":          {410, all, "4xx"},
		"class 5":          {503, all, "5xx"},
		"class 3":          {304, all, "3xx"},
		"odd status":       {999, all, "999"},
		"any":              {700, all, "any"},
		"class, no exact":  {404, without(404), "4xx"},
		"any, no class":    {404, without(404, crest.Status4XX), "any"},
		"E, nothing fits":  {404, without(404, crest.Status4XX, crest.AnyStatus), ""},
		"E, other classes": {503, crest.ErrorMap{crest.Status4XX: sentinel("4xx")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "https://x.example", crest.WithTransport(fixed(tt.status, `{"message":"from E"}`, "Content-Type", "application/json")))
			_, err := getThing.Call(t.Context(), c, crest.Empty{}, crest.WithErrors(tt.m))
			fails(t, err, crest.ErrStatus, "", crest.SentYes)
			require.ErrorIs(t, err, crest.Status(tt.status))
			if tt.want != "" {
				require.ErrorIs(t, err, marked(tt.want))
				return
			}
			model, ok := c.AsError(err)
			require.True(t, ok)
			require.Equal(t, "from E", model.Message)
		})
	}
}

func TestErrorModels(t *testing.T) {
	asMissing := crest.WithErrors(crest.ErrorMap{404: crest.As[*notFound](), 503: crest.As[outage]()})
	call := func(status int, body string, headers ...string) error {
		c := newClient(t, "https://x.example", crest.WithTransport(fixed(status, body, append(headers, "Content-Type", "application/json")...)))
		_, err := getThing.Call(t.Context(), c, crest.Empty{}, asMissing)
		fails(t, err, crest.ErrStatus, "", crest.SentYes)
		return err
	}
	t.Run("pointer", func(t *testing.T) {
		err := call(404, `{"what":"pet"}`)
		missing, ok := errors.AsType[*notFound](err)
		require.True(t, ok)
		require.Equal(t, "pet", missing.What)
		require.EqualError(t, err, "crest: GET /thing: 404 Not Found: pet is missing")
		_, ok = errors.AsType[*failure](err)
		require.False(t, ok, "one model, not two")
	})
	t.Run("value, with a header", func(t *testing.T) {
		down, ok := errors.AsType[outage](call(503, `{"code":3}`, "X-Until", "noon"))
		require.True(t, ok)
		require.Equal(t, outage{"noon", 3}, down)
	})
	t.Run("not that model, but E", func(t *testing.T) {
		err := call(404, `{"message":"route not found"}`)
		_, ok := errors.AsType[*notFound](err)
		require.False(t, ok, "it broke the rules of the model")
		model, ok := errors.AsType[*failure](err)
		require.True(t, ok)
		require.Equal(t, "route not found", model.Message)
	})
}

// The API of a disk, whose errors have parents: what a function returns is found with all that it wraps.
func TestErrorFunc(t *testing.T) {
	var (
		errExists = errors.New("exists")
		errDir    = fmt.Errorf("directory %w", errExists)
	)
	var got *crest.Error
	byBody := crest.ErrorFunc(func(e *crest.Error) error {
		got = e
		if bytes.Contains(e.Body, []byte("DirectoryExists")) && e.Header.Get("X-Api") == "disk" {
			return errDir
		}
		return nil
	})
	call := func(body string) error {
		c := newClient(t, "https://x.example", crest.WithTransport(fixed(409, body, "Content-Type", "application/json", "X-Api", "disk")),
			crest.WithErrors(crest.ErrorMap{409: byBody, crest.AnyStatus: sentinel("any")}))
		_, err := getThing.Call(t.Context(), c, crest.Empty{})
		fails(t, err, crest.ErrStatus, "", crest.SentYes)
		require.ErrorIs(t, err, crest.Status(409))
		return err
	}
	err := call(`{"error":"DirectoryExists"}`)
	require.ErrorIs(t, err, errDir)
	require.ErrorIs(t, err, errExists)
	require.Equal(t, 409, got.StatusCode)
	require.Equal(t, "GET /thing", got.Endpoint)
	err = call(`{"error":"Other"}`)
	require.NotErrorIs(t, err, errExists)
	require.ErrorIs(t, err, marked("any"), "nil means that the next entry decides")
}

// An error that wraps the *Error which it was made of does not make that hold itself: errors.Is, errors.As and Error would never end.
func TestErrorFuncThatWrapsItsError(t *testing.T) {
	for name, tt := range map[string]struct {
		f    func(e *crest.Error) error
		text string
	}{
		"itself": {func(e *crest.Error) error { return e }, "crest: GET /thing: 404 Not Found: from E"},
		"wrapped": {
			func(e *crest.Error) error { return fmt.Errorf("no such thing: %w", e) },
			`crest: GET /thing: 404 Not Found: no such thing: 404 Not Found: "{\"message\":\"from E\"}"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "https://x.example", crest.WithTransport(fixed(404, `{"message":"from E"}`, "Content-Type", "application/json")))
			_, err := getThing.Call(t.Context(), c, crest.Empty{}, crest.WithErrors(crest.ErrorMap{404: crest.ErrorFunc(tt.f)}))
			fails(t, err, crest.ErrStatus, "", crest.SentYes)
			require.ErrorIs(t, err, crest.Status(404))
			require.NotErrorIs(t, err, crest.KindTimeout)
			require.EqualError(t, err, tt.text)
		})
	}
}

// Told is exported, so that it can be embedded as a pointer.
type Told = failure

// pointless is an error model whose Error method is that of a nil pointer as long as no answer fills it.
type pointless struct{ *Told }

// noText is an error without a text.
type noText struct{ text string }

func (n *noText) Error() string { return n.text }

// R21: a failure can be printed and logged whatever the Error methods of others do.
func TestErrorMethodsThatPanic(t *testing.T) {
	var logged bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	nothing := inMemory(func(*http.Request) (*http.Response, error) { return nil, (*noText)(nil) })
	for name, tt := range map[string]struct {
		transport http.RoundTripper
		text      string
	}{
		"model":     {fixed(404, `{}`, "Content-Type", "application/json"), "crest: GET /thing: 404 Not Found: the Error method of *crest_test.pointless panicked"},
		"transport": {nothing, "crest: GET /thing: transport: the Error method of *crest_test.noText panicked (the request may have been received)"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := crest.New[*pointless]("https://x.example", crest.WithTransport(tt.transport), crest.WithLogger(logger), crest.WithStats(), crest.WithRetry(crest.Retry{Max: -1}))
			require.NoError(t, err)
			_, err = getThing.Call(t.Context(), c, crest.Empty{})
			require.EqualError(t, err, tt.text)
			require.Contains(t, logged.String(), tt.text)
			require.Equal(t, tt.text, crest.StatsOf(c).Errors[0].Text)
		})
	}
}

// R51: a body that is no model never hides the status, and the reason stays findable beside it.
func TestR51UndecodableErrorBodies(t *testing.T) {
	for name, tt := range map[string]struct {
		body, contentType string
		kind              crest.Kind
	}{
		"HTML":         {"<html>Bad Gateway</html>", "text/html", crest.KindContentType},
		"HTML as JSON": {"<html>Bad Gateway</html>", "application/json", crest.KindDecode},
		"empty":        {"", "application/json", ""},
		"null":         {"null", "application/json", ""},
		"cut":          {`{"message":"n`, "application/json", crest.KindDecode},
		"wrong shape":  {`[1,2,3]`, "application/json", crest.KindDecode},
		"wrong type":   {`{"message":7}`, "application/json", crest.KindDecode},
		"charset":      {`{}`, "application/json; charset=klingon", crest.KindDecode},
	} {
		for _, status := range []int{404, 502} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				c := newClient(t, serve(t, reply(status, tt.body, "Content-Type", tt.contentType)), crest.WithErrors(crest.ErrorMap{404: crest.As[*notFound]()}))
				_, err := getThing.Call(t.Context(), c, crest.Empty{})
				fails(t, err, crest.ErrStatus, "", crest.SentYes)
				require.ErrorIs(t, err, crest.Status(status))
				var failed *crest.Error
				require.ErrorAs(t, err, &failed)
				require.Nil(t, failed.Model)
				require.Equal(t, tt.body, string(failed.Body))
				_, ok := c.AsError(err)
				require.False(t, ok, "no typed nil pointer, no zero model")
				_, ok = errors.AsType[*notFound](err)
				require.False(t, ok)
				if tt.kind != "" && !(status == 404 && name == "wrong type") { // there the rules of *notFound come first
					require.True(t, hasKind(failed, tt.kind), "the reason is joined: %v", failed.Unwrap())
				}
				require.Contains(t, err.Error(), fmt.Sprintf("crest: GET /thing: %d %s", status, http.StatusText(status)))
				if len(tt.body) > 10 {
					require.Contains(t, err.Error(), fmt.Sprintf("%q", tt.body)[:10])
				}
			})
		}
	}
}

// hasKind looks for a kind below an *Error.
func hasKind(e *crest.Error, kind crest.Kind) bool {
	for _, err := range e.Unwrap() {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// An error model with rules: one that breaks them is no model.
func TestErrorModelIsValidated(t *testing.T) {
	c, err := crest.New[*notFound]("https://x.example", crest.WithTransport(fixed(404, `{}`, "Content-Type", "application/json")))
	require.NoError(t, err)
	_, err = getThing.Call(t.Context(), c, crest.Empty{})
	fails(t, err, crest.ErrStatus, "", crest.SentYes)
	_, ok := c.AsError(err)
	require.False(t, ok)
	require.EqualError(t, err, `crest: GET /thing: 404 Not Found (no *crest_test.notFound: validation: What fails required): "{}"`)
}

func TestWithCheck(t *testing.T) {
	check := crest.WithCheck(func(e *crest.Error) bool { return bytes.HasPrefix(e.Body, []byte(`{"error"`)) && e.StatusCode == 200 })
	for name, tt := range map[string]struct {
		body   string
		failed bool
	}{"error inside": {`{"error":1,"message":"quota"}`, true}, "success": {thingJSON, false}} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, serve(t, replyJSON(200, tt.body)), check)
			got, err := getThing.Call(t.Context(), c, crest.Empty{})
			_, emptyErr := ping.Call(t.Context(), c, crest.Empty{})
			if !tt.failed {
				require.NoError(t, err)
				require.NoError(t, emptyErr)
				require.Equal(t, "Rex", got.Name)
				return
			}
			for _, err := range []error{err, emptyErr} {
				fails(t, err, crest.ErrStatus, "", crest.SentYes)
				require.ErrorIs(t, err, crest.Status(200))
				model, ok := c.AsError(err)
				require.True(t, ok)
				require.Equal(t, "quota", model.Message)
			}
			require.Zero(t, got)
			require.EqualError(t, err, "crest: GET /thing: 200 OK: quota")
			_, err = getThing.Call(t.Context(), c, crest.Empty{}, crest.WithErrors(crest.ErrorMap{200: sentinel("exact")}))
			require.ErrorIs(t, err, marked("exact"))
		})
	}
}

func TestProblem(t *testing.T) {
	call := func(contentType, body string) (*crest.Problem, error) {
		c, err := crest.New[*crest.Problem]("https://x.example", crest.WithTransport(fixed(403, body, "Content-Type", contentType)))
		require.NoError(t, err)
		_, err = getThing.Call(t.Context(), c, crest.Empty{})
		p, _ := c.AsError(err)
		return p, err
	}
	p, err := call("application/problem+json", `{"type":"https://e.example/credit","title":"No credit","status":402,"detail":"30, costs 50","instance":"/a/1","balance":30,"accounts":["/a/1"]}`)
	require.Equal(t, &crest.Problem{
		Type: "https://e.example/credit", Title: "No credit", Status: 402, Detail: "30, costs 50", Instance: "/a/1",
		Extensions: map[string]json.RawMessage{"balance": json.RawMessage("30"), "accounts": json.RawMessage(`["/a/1"]`)},
	}, p)
	require.EqualError(t, err, "crest: GET /thing: 403 Forbidden: No credit: 30, costs 50")
	require.ErrorIs(t, err, crest.Status(403), "what was sent, not what the body says")

	p, err = call("application/json", `{"title":7,"status":"x","detail":"kept"}`)
	require.Equal(t, "kept", p.Detail, "RFC 9457, section 3.1: members of the wrong type are ignored")
	require.Empty(t, p.Title)
	require.EqualError(t, err, "crest: GET /thing: 403 Forbidden: kept")
	p, err = call("text/html", "<html>")
	require.Nil(t, p)
	require.EqualError(t, err, `crest: GET /thing: 403 Forbidden (no *crest.Problem: content type: text/html instead of application/json): "<html>"`)
	require.Empty(t, (*crest.Problem)(nil).Error())
}

func TestStatusClasses(t *testing.T) {
	for name, tt := range map[string]struct {
		code   int
		status crest.Status
		want   bool
	}{
		"exact":         {404, 404, true},
		"other":         {404, 410, false},
		"class":         {404, crest.Status4XX, true},
		"other class":   {404, crest.Status5XX, false},
		"class 3":       {301, crest.Status3XX, true},
		"any":           {404, crest.AnyStatus, true},
		"not a class 4": {444, 44, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "https://x.example", crest.WithTransport(fixed(tt.code, "")))
			_, err := getThing.Call(t.Context(), c, crest.Empty{})
			require.Equal(t, tt.want, errors.Is(err, tt.status))
		})
	}
	require.Equal(t, "crest: status 404 Not Found", crest.Status(404).Error())
	require.Equal(t, "crest: status 4xx", crest.Status(crest.Status4XX).Error())
	require.Equal(t, "crest: status 799", crest.Status(799).Error())
	require.False(t, errors.Is(errors.New("other"), crest.Status(404)))
}

// R21: what a server sent is quoted where it is not plain, and capped, wherever it stands.
func TestR21ServerTextInMessages(t *testing.T) {
	const escape = "\x1b[31m"
	nasty := "line one\nline two " + escape + strings.Repeat("A", 1<<20)
	quoted, err := json.Marshal(nasty)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		status  int
		body    string
		headers []string
	}{
		"model":             {500, `{"message":` + string(quoted) + `}`, typed("application/json")},
		"body":              {500, nasty, typed("text/plain")},
		"request id":        {500, "", []string{"X-Request-Id", escape + strings.Repeat("A", 5000)}},
		"content type":      {200, nasty, typed("text/x" + strings.Repeat("A", 5000))},
		"control character": {200, thingJSON, typed("text/x\x80\x9b31m")},
		"charset":           {200, thingJSON, typed("application/json; charset=" + strings.Repeat("A", 5000))},
		"JSON":              {200, `{"id":7,"` + strings.Repeat("A", 5000) + `":`, typed("application/json")},
		"JSON escape":       {200, "{\x1b", typed("application/json")},
		"header field":      {200, thingJSON, append(typed("application/json"), "X-Number", strings.Repeat("A", 5000))},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "https://x.example", crest.WithTransport(fixed(tt.status, tt.body, tt.headers...)))
			_, err := crest.Get[crest.Empty, struct {
				thing
				Number int `header:"X-Number"`
			}]("/thing").Call(t.Context(), c, crest.Empty{})
			failed := callError(t, err)
			for _, text := range append(printed(err), failed.RequestID) {
				require.NotContains(t, text, "\x1b")
				require.NotContains(t, text, "\n")
				require.NotContains(t, text, "\x9b")
				require.Less(t, len(text), 1800)
			}
		})
	}
	t.Run("XML", func(t *testing.T) {
		_, err := answered[xmlThing](t, 200, "<"+strings.Repeat("A", 5000)+"/>", typed("application/xml"), crest.WithCodec(crest.XML()))
		require.Less(t, len(callError(t, err).Error()), 1800)
	})
	for name, wire := range map[string]string{
		"header line": "HTTP/1.1 200 OK\r\nbad " + escape + strings.Repeat("A", 5000) + "\r\n\r\n",
		"status line": "HTTP/1.1 2" + escape + strings.Repeat("A", 5000) + "\r\n\r\n",
		"not HTTP":    "SSH-2.0-" + escape + strings.Repeat("A", 5000) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ping.Call(t.Context(), newClient(t, canned(t, wire)), crest.Empty{})
			fails(t, err, crest.ErrTransport, crest.KindProtocol, crest.SentMaybe)
			for _, text := range printed(err) {
				require.NotContains(t, text, "\x1b")
				require.Less(t, len(text), 1800)
			}
		})
	}
}

// printed is an error under every verb and in JSON.
func printed(err error) []string {
	out := []string{err.Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		out = append(out, fmt.Sprintf(verb, err))
	}
	text, _ := json.Marshal(err)
	return append(out, string(text))
}

func TestErrorTexts(t *testing.T) {
	type request struct {
		ID  int    `path:"id" validate:"gt=0"`
		Key string `query:"key,omitzero"`
	}
	get := crest.Get[request, thing]("/pets/{id}")
	for name, tt := range map[string]struct {
		status int
		body   string
		req    request
		want   string
	}{
		"named twice":    {404, `{"message":"Not Found: no such pet"}`, request{ID: 7}, "crest: GET /pets/{id}: 404 Not Found: no such pet"},
		"only its name":  {404, `{"message":"Not Found"}`, request{ID: 7}, "crest: GET /pets/{id}: 404 Not Found"},
		"model":          {404, `{"message":"no such pet"}`, request{ID: 7}, "crest: GET /pets/{id}: 404 Not Found: no such pet"},
		"silent model":   {404, `{"code":"x"}`, request{ID: 7}, "crest: GET /pets/{id}: 404 Not Found"},
		"no body":        {404, "", request{ID: 7}, "crest: GET /pets/{id}: 404 Not Found"},
		"unknown status": {799, "", request{ID: 7}, "crest: GET /pets/{id}: 799"},
		"validation":     {200, "", request{ID: -1}, "crest: GET /pets/{id}: request: validation: ID fails gt=0"},
		"answer":         {200, `{"id":1}`, request{ID: 7}, "crest: GET /pets/{id}: response: validation: Name fails required"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "https://x.example/v1", crest.WithTransport(fixed(tt.status, tt.body, "Content-Type", "application/json")))
			_, err := get.Call(t.Context(), c, tt.req)
			require.EqualError(t, err, tt.want)
			for _, text := range printed(err) {
				require.NotContains(t, text, "&{", "no struct is dumped")
			}
		})
	}
	c := newClient(t, "https://x.example/v1", crest.WithTransport(fixed(503, "", "X-Request-Id", "r-9")))
	_, err := get.Call(t.Context(), c, request{7, "k3y"})
	failed := callError(t, err)
	require.Equal(t, "https://x.example/v1/pets/7?key=[redacted]", failed.URL)
	require.Equal(t, "GET /pets/{id}", failed.Endpoint)
	require.Equal(t, "r-9", failed.RequestID)
	require.Len(t, failed.Attempts, 1)
	var said *crest.Error
	require.ErrorAs(t, err, &said)
	require.Equal(t, failed.URL, said.URL)
	require.Equal(t, "GET", said.Method)
	require.Equal(t, 1, said.Attempts)
}
