package conformance

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"reflect"
	"testing"

	"github.com/crest-go/crest/internal/structured"
)

// structuredFloor is how many cases of structured-field-tests pass: all of them.
const structuredFloor = 198

// structuredFiles are the files of the suite.
var structuredFiles = []string{
	"binary", "boolean", "date", "dictionary", "examples", "item", "list", "number", "param-dict", "param-list", "string", "token",
}

// structuredCase is one field. Where both canFail and expected are given, either will do.
type structuredCase struct {
	Name       string   `json:"name"`
	HeaderType string   `json:"header_type"`
	Raw        []string `json:"raw"`
	Expected   any      `json:"expected"`
	MustFail   bool     `json:"must_fail"`
	CanFail    bool     `json:"can_fail"`
}

// TestStructuredFields parses every field of the suite and compares all that is in it.
func TestStructuredFields(t *testing.T) {
	count := newTally("structured-fields", nil)
	for _, file := range structuredFiles {
		var cases []structuredCase
		d := json.NewDecoder(bytes.NewReader(data(t, path.Join("suites/structured-fields", file+".json"))))
		d.UseNumber()
		if err := d.Decode(&cases); err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			count.run(file+"/"+c.Name, c.check)
		}
	}
	count.done(t, structuredFloor)
}

func (c structuredCase) check() error {
	got, err := c.parse()
	switch {
	case c.MustFail && err == nil:
		return fmt.Errorf("must fail, and is %v", got)
	case err != nil && (c.MustFail || c.CanFail):
		return nil
	case err != nil:
		return err
	case !reflect.DeepEqual(got, wanted(c.Expected)):
		return fmt.Errorf("is %#v, should be %#v", got, wanted(c.Expected))
	}
	return nil
}

// parse returns the field in the suite's own form: arrays of arrays.
func (c structuredCase) parse() (any, error) {
	switch c.HeaderType {
	case "item":
		item, err := structured.ParseItem(c.Raw)
		return plainItem(item), err
	case "list":
		list, err := structured.ParseList(c.Raw)
		return plainItems(list), err
	case "dictionary":
		members, err := structured.ParseDictionary(c.Raw)
		all := make([]any, len(members))
		for i, m := range members {
			all[i] = []any{m.Name, plainItem(m.Item)}
		}
		return all, err
	}
	return nil, errors.New("no such type of field: " + c.HeaderType)
}

func plainItems(items []structured.Item) []any {
	all := make([]any, len(items))
	for i, item := range items {
		all[i] = plainItem(item)
	}
	return all
}

func plainItem(item structured.Item) []any {
	params := make([]any, len(item.Params))
	for i, p := range item.Params {
		params[i] = []any{p.Name, p.Value}
	}
	if list, inner := item.Value.(structured.InnerList); inner {
		return []any{plainItems(list), params}
	}
	return []any{item.Value, params}
}

// wanted gives what the suite writes as {"__type", "value"} and as a number its Go type.
func wanted(v any) any {
	switch v := v.(type) {
	case []any:
		all := make([]any, len(v))
		for i, x := range v {
			all[i] = wanted(x)
		}
		return all
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		return wantedSpecial(v)
	}
	return v
}

func wantedSpecial(v map[string]any) any {
	switch v["__type"] {
	case "token":
		return structured.Token(v["value"].(string))
	case "displaystring":
		return structured.DisplayString(v["value"].(string))
	case "date":
		return structured.Date(wanted(v["value"]).(int64))
	case "binary":
		b, err := base32.StdEncoding.DecodeString(v["value"].(string))
		if err != nil {
			panic(err)
		}
		return b
	}
	panic(fmt.Sprintf("no such type: %v", v["__type"]))
}
