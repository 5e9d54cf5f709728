//go:build !race

// The race detector allocates.

package bind

import (
	"encoding/json"
	"net/http"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

type typical struct {
	ID      int64    `path:"id"`
	Fields  []string `query:"fields,omitzero"`
	Limit   int      `query:"limit,omitzero"`
	ETag    string   `header:"If-None-Match,omitzero"`
	Tracing string   `header:"X-Trace"`
}

func TestEncodeAllocations(t *testing.T) {
	r := compile(t, "/pets/{id}/files", typical{})
	v := own(typical{ID: 12345678, Fields: []string{"name", "tags"}, Limit: 50, ETag: `"abc"`, Tracing: "t-1"})
	header := make(http.Header, 2)
	var out Parts
	got := testing.AllocsPerRun(100, func() {
		clear(header)
		out = Parts{Header: header}
		if err := r.Encode(v, &out); err != nil {
			t.Fatal(err)
		}
	})
	require.LessOrEqual(t, got, 3.0, "the path, the query, and one for all header lines")
	require.Equal(t, "/pets/12345678/files?fields=name&fields=tags&limit=50", string(out.Path)+"?"+string(out.Query))
}

func TestDecodeAllocations(t *testing.T) {
	type model struct {
		ETag      string `header:"ETag" json:"-"`
		Remaining int    `header:"X-RateLimit-Remaining" json:"-"`
	}
	r := compileResponse(t, model{})
	v := own(model{})
	h := http.Header{"Etag": {"x"}, "X-Ratelimit-Remaining": {"5"}}
	got := testing.AllocsPerRun(100, func() {
		if err := r.DecodeLocated(v, h, nil); err != nil {
			t.Fatal(err)
		}
	})
	require.Zero(t, got)
}

func BenchmarkEncode(b *testing.B) {
	r := compile(b, "/pets/{id}/files", typical{})
	v := own(typical{ID: 12345678, Fields: []string{"name", "tags"}, Limit: 50, ETag: `"abc"`, Tracing: "t-1"})
	b.ReportAllocs()
	for b.Loop() {
		var out Parts
		if err := r.Encode(v, &out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	route, _ := ParseRoute("/pets/{id}/files")
	b.ReportAllocs()
	for b.Loop() {
		CompileRequest(reflect.TypeFor[typical](), route, RequestConfig{})
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	type model struct {
		ID   int64    `path:"id"`
		Name string   `json:"name"`
		Age  int      `json:"age"`
		Tags []string `json:"tags"`
		Pet  *pet     `json:"pet"`
	}
	r := compile(b, "/pets/{id}", model{})
	v := own(model{Name: "rex", Age: 5, Tags: []string{"a", "b"}, Pet: &pet{Name: "x"}})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.AppendJSON(nil, v, json.Marshal); err != nil {
			b.Fatal(err)
		}
	}
}
