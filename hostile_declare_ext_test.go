package crest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// declaredKinds are types of every kind, and those that crest has words of its own for.
var declaredKinds = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[uint64](), reflect.TypeFor[uintptr](), reflect.TypeFor[float32](),
	reflect.TypeFor[complex128](), reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[[]string](), reflect.TypeFor[[]any](), reflect.TypeFor[[2]int](),
	reflect.TypeFor[map[string]int](), reflect.TypeFor[map[string][]string](), reflect.TypeFor[map[int]any](), reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration](),
	reflect.TypeFor[struct{ X, Y int }](), reflect.TypeFor[thing](), reflect.TypeFor[*int](), reflect.TypeFor[**string](), reflect.TypeFor[*thing](), reflect.TypeFor[chan int](),
	reflect.TypeFor[func()](), reflect.TypeFor[any](), reflect.TypeFor[error](), reflect.TypeFor[io.Reader](), reflect.TypeFor[io.ReadCloser](), reflect.TypeFor[func() (io.ReadCloser, error)](),
	reflect.TypeFor[crest.Opt[int]](), reflect.TypeFor[crest.Opt[any]](), reflect.TypeFor[crest.Opt[[]string]](), reflect.TypeFor[crest.Secret](), reflect.TypeFor[*crest.Secret](),
	reflect.TypeFor[crest.File](), reflect.TypeFor[[]crest.File](), reflect.TypeFor[crest.Empty](), reflect.TypeFor[json.RawMessage](), reflect.TypeFor[[]thing](), reflect.TypeFor[[][]int](),
	reflect.TypeFor[http.Header](), reflect.TypeFor[cyclic](), reflect.TypeFor[*cyclic](),
}

type cyclic struct {
	Next *cyclic           `json:"next"`
	All  []cyclic          `json:"all" query:"all"`
	By   map[string]cyclic `json:"by"`
}

// declaredPlaces are where a field can go. The name is that of the field F, which in body is none.
var declaredPlaces = map[string]string{
	"path": `path:"f"`, "query": `query:"f"`, "header": `header:"X-F"`, "cookie": `cookie:"f"`, "form": `form:"f"`, "json": `json:"f"`, "body": "",
}

// hostileAnswers are what a server may send into such models.
var hostileAnswers = []string{
	"null", "{}", `{"f":null}`, `{"f":true}`, `{"f":{}}`, `{"f":[]}`, `{"f":[null,{},[]]}`, `{"f":1e999}`, `{"f":-1}`, `{"f":"x"}`, `{"f":"\u0000"}`, `"x"`, "[[[]]]", "1", "",
	`{"f":{"next":{"next":{}},"all":[{}],"by":{"":{}}}}`,
}

// hostileField is one declaration that may be a mistake.
type hostileField struct {
	of    reflect.Type
	place string
	tags  string
}

// try declares the field in a request and in an answer, and calls whatever was accepted. Nothing may panic, and what is refused is refused
// in crest's words.
func (d hostileField) try(t *testing.T) (accepted bool) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s on %s in %s panics: %v", d.tags, d.of, d.place, p)
		}
	}()
	name, route := "F", "/x"
	if d.place == "body" {
		name = "Body"
	}
	if d.place == "path" {
		route = "/x/{f}"
	}
	model := reflect.StructOf([]reflect.StructField{{Name: name, Type: d.of, Tag: reflect.StructTag(d.tags)}})
	answer := "{}"
	c := newClient(t, "https://api.example.com", crest.WithTransport(inMemory(func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(req.Body, 1<<20))
			_ = req.Body.Close()
		}
		return response(req, 200, answer, "Content-Type", "application/json", "X-F", "1", "Set-Cookie", "f=1"), nil
	})))
	defer c.Close()
	if e := d.declare(t, route, model, reflect.TypeFor[crest.Empty]()); e != nil {
		accepted = true
		d.calls(t, c, e, reflect.Zero(model).Interface())
		filled := reflect.New(model).Elem()
		fillDeclared(filled, 3)
		d.calls(t, c, e, filled.Interface())
		d.calls(t, c, e, filled.Addr().Interface())
	}
	if e := d.declare(t, "/x", reflect.TypeFor[crest.Empty](), model); e != nil {
		accepted = true
		for _, answer = range hostileAnswers {
			d.calls(t, c, e, nil)
		}
	}
	return accepted
}

func (d hostileField) declare(t *testing.T, route string, req, res reflect.Type) *crest.Endpoint[any, any] {
	e, err := crest.NewEndpointOf(http.MethodPost, route, req, res)
	if err != nil {
		require.True(t, strings.HasPrefix(err.Error(), "crest: "), err.Error())
		require.NotContains(t, err.Error(), "runtime error")
		require.NotContains(t, err.Error(), "reflect:")
		return nil
	}
	return e
}

func (d hostileField) calls(t *testing.T, c crest.Caller, e *crest.Endpoint[any, any], req any) {
	got, err := e.Call(context.Background(), c, req)
	if err == nil {
		if closer, ok := got.(io.Closer); ok {
			_ = closer.Close()
		}
		return
	}
	if _, ok := errors.AsType[*crest.CallError](err); !ok || strings.Contains(err.Error(), "panicked") || strings.Contains(err.Error(), "runtime error") {
		t.Errorf("%s on %s in %s: %v", d.tags, d.of, d.place, err)
	}
}

// fillDeclared puts something into a value, so deep and no deeper.
func fillDeclared(v reflect.Value, depth int) {
	if depth == 0 || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("x\x00é")
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillDeclared(v.Elem(), depth-1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fillDeclared(v.Index(1), depth-1)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fillDeclared(key, depth-1)
		fillDeclared(value, depth-1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for _, f := range v.Fields() {
			fillDeclared(f, depth-1)
		}
	case reflect.Interface:
		for _, one := range []any{map[string]any{"a": []any{nil, true, struct{}{}}}, errLeft, strings.NewReader("x"), io.NopCloser(strings.NewReader("x"))} {
			if reflect.TypeOf(one).AssignableTo(v.Type()) {
				v.Set(reflect.ValueOf(one))
				return
			}
		}
	default:
		if v.CanInt() {
			v.SetInt(-1)
		} else if v.CanUint() {
			v.SetUint(1)
		}
	}
}

// engineRules are the names that the validator knows, from its source, so that a new version's are tried as well.
func engineRules(t *testing.T) []string {
	t.Helper()
	at := runtime.FuncForPC(reflect.ValueOf(validator.New).Pointer())
	file, _ := at.FileLine(at.Entry())
	data, err := os.ReadFile(filepath.Join(filepath.Dir(file), "baked_in.go"))
	require.NoError(t, err)
	names := []string{"iscolor", "country_code", "omitempty", "omitnil", "omitzero", "structonly", "nostructlevel", "dive", "keys", "endkeys", "dive,dive", "dive,keys,endkeys", "nosuchrule", ""}
	for _, m := range regexp.MustCompile(`(?m)^\t\t"([a-zA-Z0-9_]+)":\s+(?:is|has|required|excluded|skip|contains|excludes|starts|ends|field)\w*,`).FindAllStringSubmatch(string(data), -1) {
		names = append(names, m[1])
	}
	require.Greater(t, len(names), 150)
	return names
}

// R46, promise 6: each rule of the validator on each kind in each place is an endpoint that can be called, or an error of crest's. A rule
// meets each kind once, in one place and with one parameter after the other: internal/validate tries them all together.
func TestHostileRules(t *testing.T) {
	params := []string{"", "=1", "=x", "=F", "=F x", "=1.5", "=A.B", "=x|y", "=%", "=2006"}
	places := []string{"path", "query", "header", "cookie", "form", "json", "body"}
	n, accepted, all := 0, 0, 0
	for _, rule := range engineRules(t) {
		for _, of := range declaredKinds {
			n++
			all++
			place, tag := places[n%len(places)], fmt.Sprintf("validate:%q", rule+params[n/len(places)%len(params)])
			if (hostileField{of, place, strings.TrimSpace(declaredPlaces[place] + " " + tag)}).try(t) {
				accepted++
			}
		}
	}
	t.Logf("%d of %d declarations were accepted", accepted, all)
	require.Greater(t, accepted, all/20)
}

// hostileTags are texts for crest's own tags, by place.
func hostileTags() map[string][]string {
	tags := map[string][]string{
		"body": {`default:"x"`, `query`, `query:f`, `:`, `query:"f" header:"f" json:"f"`, `json:"f" form:"f"`},
		"path": {`path:""`, `path:"*"`, `path:"-"`, `path:"f,"`, `path:",,"`, "path:\"\x00\"", `path:"{f}"`, `path:"f..."`, `query:"f" path:"f"`},
		"query": {
			`query:"*"`, `query:"f*"`, `query:"a b"`, `query:"f,style=deepObject"`, `query:"f,style=spaceDelimited,explode=false"`, `query:"f,explode=maybe"`,
			`query:"f,style=nosuch"`, `query:"f,format=date"`, `query:"f,format=http-date,omitempty"`, `query:"` + strings.Repeat("f", 10_000) + `"`,
			`query:"f,omitzero,omitempty,omitzero"`, `query:"f" query:"g"`, "query:\"\xff\"", `query:"f" default:"99999999999999999999"`, `query:"f" default:"true"`, `query:"f" default:"2026-01-01T00:00:00Z"`,
		},
		"header": {`header:"X-F-*"`, `header:"*"`, `header:"Content-Length"`, `header:"Host"`, `header:"X F"`, `header:"X\r\nY"`, `header:"Authorization"`},
		"cookie": {`cookie:"a;b"`, `cookie:"a=b"`, `cookie:"*"`},
		"form":   {`form:"*"`, `form:"f[]"`, `form:"f,style=deepObject"`},
		"json":   {`json:"f,string"`, `json:",inline"`, `json:",embed"`, `json:"-"`, `json:"-,"`, `json:"f,format:unix"`, `json:"f,case:ignore"`},
	}
	for place, own := range declaredPlaces {
		name := strings.TrimSuffix(own, `"`)
		tags[place] = append(tags[place], own)
		if own != "" {
			tags[place] = append(tags[place], name+`,omitzero" default:"1"`, name+`,format=unix"`, name+`,style=form,explode=false"`, name+`,nosuch"`, own+` default:""`)
		}
	}
	return tags
}

// The same of crest's own tags.
func TestHostileTags(t *testing.T) {
	accepted, all := 0, 0
	for place, tags := range hostileTags() {
		for _, tag := range tags {
			for _, of := range declaredKinds {
				all++
				if (hostileField{of, place, tag}).try(t) {
					accepted++
				}
			}
		}
	}
	t.Logf("%d of %d declarations were accepted", accepted, all)
	require.Greater(t, accepted, all/20)
}
