package bind

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

type point struct {
	X int    `json:"x"`
	Y string `json:"y"`
}

// styled makes a model with one field of v's type and encodes it.
func styled(t *testing.T, route, tag string, v any) (*Parts, error) {
	t.Helper()
	typ := reflect.StructOf([]reflect.StructField{{Name: "F", Type: reflect.TypeOf(v), Tag: reflect.StructTag(tag)}})
	model := reflect.New(typ).Elem()
	model.Field(0).Set(reflect.ValueOf(v))
	return encode(t, route, model.Interface())
}

func TestStylesPath(t *testing.T) {
	text, list, object := "a b", []string{"a,b", "c"}, point{1, "="}
	tests := map[string]struct {
		v    any
		want string
	}{
		"c":                            {text, "a%20b"},
		"c,style=simple":               {list, "a%2Cb,c"},
		"c,style=simple,explode=true":  {object, "x=1,y=%3D"},
		"c,explode=false":              {object, "x,1,y,%3D"},
		"c,style=label":                {text, ".a%20b"},
		"c,style=label,explode=false":  {list, ".a%2Cb,c"},
		"c,style=label,explode=true":   {list, ".a%2Cb.c"},
		"c,explode=true,style=label":   {object, ".x=1.y=%3D"},
		"c,style=matrix":               {text, ";c=a%20b"},
		"c,style=matrix,explode=false": {list, ";c=a%2Cb,c"},
		"c,style=matrix,explode=true":  {list, ";c=a%2Cb;c=c"},
		"c,explode=true,style=matrix":  {object, ";x=1;y=%3D"},
		"c,explode=false,style=matrix": {object, ";c=x,1,y,%3D"},
	}
	for tag, tt := range tests {
		t.Run(tag, func(t *testing.T) {
			out, err := styled(t, "/{c}", `path:"`+tag+`"`, tt.v)
			require.NoError(t, err)
			require.Equal(t, "/"+tt.want, string(out.Path))
		})
	}
	for tag, v := range map[string]any{
		`path:"c"`:             []string{},
		`path:"c,style=label"`: "",
		`path:"c,explode=true"`: struct {
			A *int
		}{},
	} {
		_, err := styled(t, "/{c}", tag, v)
		require.ErrorContains(t, err, "is empty", tag)
	}
	out, err := styled(t, "/{c}", `path:"c"`, []string{"", "a", ""})
	require.NoError(t, err)
	require.Equal(t, "/,a,", string(out.Path))
	_, err = styled(t, "/{c}", `path:"c,style=label,explode=true"`, []string{"", ""})
	require.ErrorContains(t, err, "dot segment")
	_, err = styled(t, "/{c}", `path:"c"`, []string{"../", "/.."})
	require.ErrorContains(t, err, "dot segment")
}

func TestStylesQuery(t *testing.T) {
	text, list, object := "a b", []string{"a,b", "c"}, point{1, "&"}
	tests := map[string]struct {
		v    any
		want string
	}{
		"c":                               {text, "c=a%20b"},
		"c,style=form":                    {list, "c=a%2Cb&c=c"},
		"c,style=form,explode=false":      {list, "c=a%2Cb,c"},
		"c,explode=true":                  {object, "x=1&y=%26"},
		"c,explode=false":                 {object, "c=x,1,y,%26"},
		"c,style=spaceDelimited":          {list, "c=a%2Cb%20c"},
		"c,style=spaceDelimited,":         {object, "c=x%201%20y%20%26"},
		"c,style=pipeDelimited":           {list, "c=a%2Cb%7Cc"},
		"c,style=pipeDelimited,":          {object, "c=x%7C1%7Cy%7C%26"},
		"c,style=deepObject":              {object, "c%5Bx%5D=1&c%5By%5D=%26"},
		"c,style=deepObject,explode=true": {[]point{{1, "a"}, {2, "b"}}, "c%5B0%5D%5Bx%5D=1&c%5B0%5D%5By%5D=a&c%5B1%5D%5Bx%5D=2&c%5B1%5D%5By%5D=b"},
		"c,style=deepObject,omitzero":     {map[string]any{"a b": map[string]any{"z": []int{7}}}, "c%5Ba%20b%5D%5Bz%5D%5B0%5D=7"},
		"c,style=deepObject,omitempty":    {map[string]any{"a": nil}, ""},
	}
	for tag, tt := range tests {
		t.Run(tag, func(t *testing.T) {
			out, err := styled(t, "/", `query:"`+tag+`"`, tt.v)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(out.Query))
		})
	}
}

func TestStyleMistakes(t *testing.T) {
	tests := map[string]struct {
		v    any
		want string
	}{
		`query:"c,style=matrix"`:                     {"", `unknown style "matrix": use form, spaceDelimited, pipeDelimited, deepObject`},
		`path:"c,style=form"`:                        {"", "use simple, label, matrix"},
		`header:"c,style=form"`:                      {"", "use simple"},
		`cookie:"c,style=simple"`:                    {"", "use cookie, form"},
		`query:"c,style=pipeDelimited,explode=true"`: {[]int{}, "explode=true, which pipeDelimited does not have"},
		`query:"c,style=deepObject,explode=false"`:   {map[string]int{}, "explode=false, which deepObject does not have"},
		`query:"c,style=deepObject"`:                 {1, "for lists and objects"},
		`query:"c,style=spaceDelimited"`:             {1, "for lists and objects"},
		`query:"c"`:                                  {[][]int{}, "inside a list or an object"},
		`header:"c"`:                                 {map[string][]int{}, "inside a list or an object"},
		`query:"c,explode=false"`:                    {[]Secret{}, "Secrets inside"},
		`query:"c,style=deepObject,explode=true"`:    {map[string][]Secret{}, "without Secrets"},
		`query:"c,explode=maybe"`:                    {1, `unknown option "explode=maybe"`},
		`query:"c,omitzro"`:                          {1, `unknown option "omitzro": use omitzero, omitempty, style=, explode=true, explode=false or format=`},
		`query:"c,format=rfc822"`:                    {1, `unknown format "rfc822": use date, date-time, unix or http-date`},
		`query:"c,format=date"`:                      {1, "format, which is for time.Time only"},
		`query:"*"`:                                  {1, "takes a whole map"},
		`query:"*,style=form"`:                       {map[string]int{}, "has no style"},
		`query:"*,omitzero"`:                         {map[string]map[string]int{}, "no text and no list"},
		`query:"*,omitempty"`:                        {map[string]Secret{}, "field of its own"},
		`header:"X-*"`:                               {"", "takes a whole map"},
		`cookie:"*"`:                                 {map[string]string{}, "takes all cookies"},
	}
	for tag, tt := range tests {
		t.Run(tag, func(t *testing.T) {
			typ := reflect.StructOf([]reflect.StructField{{Name: "F", Type: reflect.TypeOf(tt.v), Tag: reflect.StructTag(tag)}})
			route := "/"
			if tag[:4] == "path" {
				route = "/{c}"
			}
			require.Contains(t, mistakesOf(route, reflect.Zero(typ).Interface()), tt.want)
		})
	}
}
