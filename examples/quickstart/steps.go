package main

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/examples/httpbin"
)

// step is one thing to see.
type step struct {
	title string
	take  func(ctx context.Context, t *tour)
}

var steps = []step{
	{"Typed query and headers: the tags of the request model say where each field goes", queryAndHeaders},
	{"A JSON POST: a model without located fields is itself the body", jsonPost},
	{"Response headers, read into a model", responseHeaders},
	{"A mapped error for each status: errors.AsType finds the model that the endpoint declares", mappedErrors},
	{"An error that nobody declared keeps its status", otherErrors},
	{"A declaration mistake: the message names all of them, and how to mend each", declarationMistake},
	{"A request that breaks its own rules is not sent", invalidRequest},
	{"A timeout says that it was one, and whether the server may have seen the request", timeout},
}

func queryAndHeaders(ctx context.Context, t *tour) {
	req := httpbin.GetRequest{
		Name: "salt & pepper", Tags: []string{"red", "blue"},
		Since: time.Date(2026, time.November, 5, 0, 0, 0, 0, time.UTC), TraceID: "tour-1",
	}
	t.code(`bin.Get(ctx, GetRequest{Name: "salt & pepper", Tags: …, Since: …, TraceID: "tour-1"})`)
	echo, err := t.bin.Get(ctx, req)
	t.wire()
	t.succeed(err)
	t.expect("name arrived", echo.Args["name"], []string{"salt & pepper"})
	t.expect("the slice repeats", echo.Args["tag"], []string{"red", "blue"})
	t.expect("format=date", echo.Args["since"], []string{"2026-11-05"})
	t.expect("page is zero and left out", len(echo.Args["page"]), 0)
	t.expect("X-Trace-Id arrived", echo.Headers["X-Trace-Id"], []string{"tour-1"})
}

func jsonPost(ctx context.Context, t *tour) {
	order := httpbin.Order{Item: "lamp", Count: 3}
	t.code(`bin.Post(ctx, Order{Item: "lamp", Count: 3})`)
	receipt, err := t.bin.Post(ctx, order)
	t.wire()
	t.succeed(err)
	t.expect("the server decoded", receipt.Order, order)
	t.expect("Content-Type", receipt.Headers["Content-Type"], []string{"application/json"})
}

func responseHeaders(ctx context.Context, t *tour) {
	t.code("bin.ResponseHeaders(ctx, HeadersRequest{ETag: …, Remaining: 41})")
	got, err := t.bin.ResponseHeaders(ctx, httpbin.HeadersRequest{ETag: `"v7"`, Remaining: 41})
	t.wire()
	t.succeed(err)
	t.expect("ETag, a string", got.ETag, `"v7"`)
	t.expect("X-Remaining, an int", got.Remaining, 41)
	t.expect("X-Served-By was not sent, so the Opt is", got.Served.String(), "unset")
}

func mappedErrors(ctx context.Context, t *tour) {
	t.code("bin.Status(ctx, 418)")
	err := t.bin.Status(ctx, http.StatusTeapot)
	t.wire()
	t.message(err)
	pot, _ := errors.AsType[*httpbin.Teapot](err)
	t.expect("*Teapot has a header in it", field(pot, func(p *httpbin.Teapot) string { return p.MoreInfo }),
		"http://tools.ietf.org/html/rfc2324")

	t.code("bin.Status(ctx, 406)")
	err = t.bin.Status(ctx, http.StatusNotAcceptable)
	t.wire()
	t.message(err)
	picky, _ := errors.AsType[*httpbin.NotAcceptable](err)
	t.expect("*NotAcceptable lists types", field(picky, func(p *httpbin.NotAcceptable) int { return len(p.Accept) }), 5)

	t.code("bin.Whoami(ctx)                                // without a token")
	_, err = t.bin.Whoami(ctx)
	t.wire()
	t.message(err)
	missing, _ := errors.AsType[*httpbin.Unauthorized](err)
	t.expect("*Unauthorized knows the challenge", field(missing, func(u *httpbin.Unauthorized) string { return u.Challenge }), "Bearer")
	whoamiWithToken(ctx, t)
}

func whoamiWithToken(ctx context.Context, t *tour) {
	t.code(`bin.Whoami(ctx, crest.WithBearer(crest.NewSecret("s3cret")))`)
	who, err := t.bin.Whoami(ctx, crest.WithBearer(crest.NewSecret("s3cret")))
	t.wire()
	t.succeed(err)
	t.expect("authenticated", who.Authenticated, true)
	t.expect("the token prints as", who.Token.String(), "[redacted]")
}

func otherErrors(ctx context.Context, t *tour) {
	t.code("bin.Status(ctx, 503)                           // its body is empty")
	err := t.bin.Status(ctx, http.StatusServiceUnavailable)
	t.wire()
	t.message(err)
	t.expect("errors.Is(err, crest.Status(503))", errors.Is(err, crest.Status(503)), true)
	t.expect("errors.Is(err, crest.Status(crest.Status5XX))", errors.Is(err, crest.Status(crest.Status5XX)), true)
	answer, ok := errors.AsType[*crest.Error](err)
	t.expect("*crest.Error has the details", ok && answer.Method == http.MethodGet && answer.StatusCode == 503, true)
}

// wrongRequest has no field for {id}, and one without a place.
type wrongRequest struct {
	Page  int `query:"page"`
	Owner string
}

func declarationMistake(_ context.Context, t *tour) {
	t.code("type wrongRequest struct {")
	t.code("    Page  int `query:\"page\"`")
	t.code("    Owner string")
	t.code("}")
	t.code(`crest.NewEndpointOf("GET", "/pets/{id}", reflect.TypeFor[wrongRequest](), …)   // crest.Get panics with it`)
	_, err := crest.NewEndpointOf(http.MethodGet, "/pets/{id}", reflect.TypeFor[wrongRequest](), reflect.TypeFor[crest.Empty]())
	t.message(err)
	t.expect("there is an error", err != nil, true)
	if err == nil {
		return
	}
	t.expect("it names the placeholder without a field", strings.Contains(err.Error(), `path:"id"`), true)
	t.expect("it names the field without a place", strings.Contains(err.Error(), "wrongRequest.Owner"), true)
	t.expect("requests sent", len(t.seen.reset()), 0)
}

func invalidRequest(ctx context.Context, t *tour) {
	t.code(`bin.Post(ctx, Order{Item: "", Count: 500})      // Item: required, Count: lte=100`)
	_, err := t.bin.Post(ctx, httpbin.Order{Count: 500})
	t.message(err)
	t.expect("errors.Is(err, crest.ErrRequest)", errors.Is(err, crest.ErrRequest), true)
	t.expect("errors.Is(err, crest.KindValidation)", errors.Is(err, crest.KindValidation), true)
	t.expect("requests that the server saw", len(t.seen.reset()), 0)
}

func timeout(ctx context.Context, t *tour) {
	t.code("bin.Delay(ctx, 5*time.Second, crest.WithTimeout(50*time.Millisecond))")
	_, err := t.bin.Delay(ctx, 5*time.Second, crest.WithTimeout(50*time.Millisecond))
	t.wire()
	t.message(err)
	t.expect("errors.Is(err, crest.KindTimeout)", errors.Is(err, crest.KindTimeout), true)
	failed, _ := errors.AsType[*crest.CallError](err)
	t.expect("sent", field(failed, func(e *crest.CallError) string { return e.Sent.String() }), "maybe")
}

// field looks into a model that may be missing.
func field[M, T any](model *M, of func(*M) T) any {
	if model == nil {
		return nil
	}
	return of(model)
}
