package cresttest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
	"github.com/stretchr/testify/require"
)

type color struct {
	R int    `json:"R"`
	G string `json:"G"`
}

// carried are types with values that every place can carry.
var carried = map[string][]any{
	"one": {
		"x y&z=1", int8(-7), uint64(1 << 60), true, float32(1.5), []byte{0xFB, 0xFF}, time.Date(2024, 2, 29, 1, 2, 3, 0, time.UTC), new("text"),
		crest.Some(7), crest.Null[int](), crest.Opt[int]{}, crest.Some("é"), crest.NewSecret("hunter2"),
	},
	"list":   {[]string{"a", "x;y", "100%"}, []int{1, 2, 3}, [2]bool{true, false}, crest.Some([]string{"a"}), []time.Time{time.Unix(1e9, 0).UTC()}, []string(nil)},
	"object": {color{1, "g"}, &color{2, "x=y"}, map[string]int{"k": 1, "l": 2}, map[string]string{"k": "a&b"}, crest.Some(color{3, "h"})},
}

// tagged are the tags of each place with what they carry; in a form with a file they are parts.
var tagged = []struct {
	tag   string
	kinds []string
}{
	{`path:"%s"`, []string{"one", "list", "object"}},
	{`path:"%s,style=label"`, []string{"list", "object"}},
	{`path:"%s,style=matrix,explode=true"`, []string{"one", "list", "object"}},
	{`query:"%s"`, []string{"one", "list"}},
	{`query:"%s,explode=false"`, []string{"one", "list", "object"}},
	{`query:"%s,style=pipeDelimited"`, []string{"list", "object"}},
	{`query:"%s,style=deepObject"`, []string{"list", "object"}},
	{`header:"X-%s"`, []string{"one", "list", "object"}},
	{`header:"X-%s,explode=true"`, []string{"list", "object"}},
	{`cookie:"%s,style=form"`, []string{"one", "list"}},
	{`cookie:"%s,style=form,explode=false"`, []string{"list", "object"}},
	{`form:"%s"`, []string{"one", "list"}},
	{`form:"%s,explode=false"`, []string{"list", "object"}},
	{`form:"%s,style=deepObject"`, []string{"list", "object"}},
	{`json:"%s"`, []string{"one", "list", "object"}},
}

// Random models go over the wire and come back as they went, from a client with all that it adds.
func TestRoundTripOverTheWire(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 100
	}
	srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
	c := client(t, srv, crest.WithBearer(crest.NewSecret("b")), crest.WithQuery("added", "1"), crest.WithHeader("X-Added", "1"))
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 3))
		route, sent := randomModel(r)
		e, err := crest.NewEndpointOf("POST", route, sent.Type(), reflect.TypeFor[crest.Empty]())
		require.NoError(t, err, "seed %d: %v", seed, sent.Type())
		cresttest.Handle(srv, e, func(_ context.Context, got any) (any, error) { return crest.Empty{}, compare(sent.Interface(), got) })
		_, err = e.Call(t.Context(), c, sent.Interface())
		require.NoError(t, err, "seed %d: %v %+v", seed, sent.Type(), sent)
	}
}

// compare is an error that fails the test, in the server's words.
func compare(want, got any) error {
	if reflect.DeepEqual(want, got) {
		return nil
	}
	return fmt.Errorf("sent %#v, got %#v", want, got)
}

func randomModel(r *rand.Rand) (route string, v reflect.Value) {
	var fields []reflect.StructField
	var values []reflect.Value
	route, body := fmt.Sprintf("/%x", r.Uint64()), ""
	for i := range 1 + r.IntN(5) {
		road := tagged[r.IntN(len(tagged))]
		place, _, _ := strings.Cut(road.tag, ":")
		if place == "form" || place == "json" {
			if body != "" && body != place {
				continue
			}
			body = place
		}
		name := string(rune('A' + i))
		all := carried[road.kinds[r.IntN(len(road.kinds))]]
		value := all[r.IntN(len(all))]
		if place == "path" {
			if value = whole(value); value == nil {
				continue
			}
			route += "/{" + name + "}"
		}
		fields = append(fields, reflect.StructField{Name: name, Type: reflect.TypeOf(value), Tag: reflect.StructTag(fmt.Sprintf(road.tag, name))})
		values = append(values, reflect.ValueOf(value))
	}
	v = reflect.New(reflect.StructOf(fields)).Elem()
	for i := range values {
		v.Field(i).Set(values[i])
	}
	return route, v
}

// whole leaves out what a path refuses.
func whole(value any) any {
	switch v := value.(type) {
	case crest.Opt[int]:
		if _, ok := v.Get(); !ok {
			return nil
		}
	case []string:
		if v == nil {
			return nil
		}
	}
	return value
}
