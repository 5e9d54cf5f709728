package bind

import (
	"bytes"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// attachment stands in for the root's File.
type attachment struct {
	_    FileMark
	Name string
	Open func() error
}

// attachments are of a type of their own.
type ownFile attachment

func TestFileBodies(t *testing.T) {
	type located struct {
		ID   int `query:"id"`
		Body attachment
	}
	for name, tt := range map[string]struct {
		model any
		kind  BodyKind
	}{
		"form": {struct {
			F attachment `form:"f"`
		}{}, Multipart},
		"pointer": {struct {
			F *attachment `form:"f"`
		}{}, Multipart},
		"list": {struct {
			F []attachment `form:"f"`
		}{}, Multipart},
		"own type": {struct {
			F ownFile `form:"f"`
		}{}, Multipart},
		"no file": {struct {
			F string `form:"f"`
		}{}, Form},
		"Body":        {located{}, File},
		"Body by ptr": {struct{ Body *attachment }{}, File},
		"model":       {attachment{}, File},
		"model ptr":   {&attachment{}, File},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.kind, compile(t, "/x", tt.model).Body()) })
	}
	require.Equal(t, "n", compile(t, "/x", located{}).BodyField(own(located{Body: attachment{Name: "n"}})).FieldByName("Name").String())
}

func TestFileMistakes(t *testing.T) {
	const readers = "is a reader, which has no text form: what is to be uploaded is a File, as crest.File{Name: …, Content: reader} or crest.OpenFile make one"
	const misplaced = "is a file, which only a form's field or Body can be: tag a File, *File or []File form, or name it Body"
	for name, tt := range map[string]struct {
		model any
		want  string
	}{
		"JSON": {struct {
			F attachment `json:"f"`
		}{}, "F " + misplaced},
		"loose":        {struct{ F attachment }{}, "F " + misplaced},
		"list of JSON": {[]attachment{}, misplaced},
		"in Body": {struct {
			Body struct {
				F attachment `json:"f"`
			}
		}{}, misplaced},
		"query": {struct {
			F attachment `query:"f"`
		}{}, `struct.F (query:"f") ` + misplaced},
		"header": {struct {
			F *attachment `header:"F"`
		}{}, misplaced},
		"Opt": {struct {
			F Opt[attachment] `form:"f"`
		}{}, misplaced},
		"pointers": {struct {
			F []*attachment `form:"f"`
		}{}, misplaced},
		"map": {struct {
			F map[string]attachment `form:"*"`
		}{}, misplaced},
		"embedded": {struct{ attachment }{}, misplaced},
		"style": {struct {
			F attachment `form:"f,style=form"`
		}{}, "is a file, which has no style and no format"},
		"explode": {struct {
			F []attachment `form:"f,explode=false"`
		}{}, "is a file, which has no style and no format"},
		"format": {struct {
			F attachment `form:"f,format=unix"`
		}{}, "is a file, which has no style and no format"},
		"JSON, beside form": {struct {
			F attachment `json:"f"`
			A int        `form:"a"`
		}{}, `struct.F (json:"f") ` + misplaced},
		"JSON, beside Body": {struct {
			F    []attachment `json:"f"`
			Body []byte
		}{}, misplaced},
		"reader": {struct {
			F io.Reader `form:"f"`
		}{}, `struct.F (form:"f") ` + readers},
		"handle": {struct {
			F *os.File `form:"f"`
		}{}, readers},
		"reader in a list": {struct {
			F []io.ReadSeeker `form:"f"`
		}{}, readers},
		"reader in a map": {struct {
			F map[string]io.Reader `form:"*"`
		}{}, readers},
		"reader in an object": {struct {
			F struct{ R io.Reader } `form:"f,style=deepObject"`
		}{}, "is a reader"},
		"reader in the query": {struct {
			F bytes.Buffer `query:"f"`
		}{}, readers},
		"beside JSON": {struct {
			F attachment `form:"f"`
			A int        `json:"a"`
		}{}, "a request has one body"},
		"beside Body": {struct {
			F    attachment `form:"f"`
			Body []byte
		}{}, "is the whole body"},
		"two names": {struct {
			F attachment `form:"f"`
			G string     `form:"f"`
		}{}, "has the same name as F"},
		"default": {struct {
			F attachment `form:"f" default:"x"`
		}{}, "default"},
	} {
		t.Run(name, func(t *testing.T) { require.Contains(t, mistakesOf("/x", tt.model), tt.want) })
	}
	for name, model := range map[string]any{
		"JSON": struct {
			F attachment `json:"f"`
		}{}, "Body": struct{ Body attachment }{}, "header": struct {
			F attachment `header:"F"`
		}{}, "whole": attachment{},
	} {
		t.Run("answer "+name, func(t *testing.T) {
			_, mistakes := CompileResponse(reflect.TypeOf(model))
			require.Contains(t, text(mistakes), misplaced)
		})
	}
}

// textReader is a reader that has a text form: what it is called, say.
type textReader struct{ bytes.Reader }

func (*textReader) MarshalText() ([]byte, error) { return []byte("text"), nil }

// A reader in a field that may hold anything is found when it is sent, and one with a text form is a text.
func TestReadersInForms(t *testing.T) {
	type anything struct {
		F any `form:"f"`
	}
	_, err := compile(t, "/x", anything{}).AppendForm(nil, own(anything{strings.NewReader("x")}))
	require.ErrorContains(t, err, "is a reader, which has no text form")
	type named struct {
		F *textReader `form:"f"`
	}
	form, err := compile(t, "/x", named{}).AppendForm(nil, own(named{&textReader{}}))
	require.NoError(t, err)
	require.Equal(t, "f=text", string(form))
}

// partsOf are the parts of a form, files by their names.
func partsOf(t *testing.T, model any) ([]string, error) {
	t.Helper()
	var got []string
	err := compile(t, "/x", model).EachPart(own(model),
		func(name, value string) error { got = append(got, name+"="+value); return nil },
		func(name string, v reflect.Value) error {
			got = append(got, name+"<"+v.FieldByName("Name").String())
			return nil
		})
	return got, err
}

// Text parts are what the pairs of a form would be, in their declared order with the files.
func TestEachPart(t *testing.T) {
	type inner struct {
		R int    `json:"R"`
		N string `json:"N,omitempty"`
	}
	type embedded struct {
		Deep *attachment `form:"deep"`
		Note string      `form:"note,omitzero"`
	}
	type form struct {
		A     string            `form:"a"`
		F     attachment        `form:"f"`
		Zero  int               `form:"zero,omitzero"`
		Empty *string           `form:"empty"`
		More  []attachment      `form:"more"`
		Nil   *attachment       `form:"nil"`
		Tags  []string          `form:"tags"`
		Join  []string          `form:"join,explode=false"`
		Space []string          `form:"space,style=spaceDelimited"`
		Pipe  []string          `form:"pipe,style=pipeDelimited"`
		Obj   *inner            `form:"obj"`
		Deep  map[string]any    `form:"d,style=deepObject"`
		Day   time.Time         `form:"day,format=date,omitzero"`
		Opt   Opt[int]          `form:"opt"`
		Text  *level            `form:"text"`
		Key   Secret            `form:"key,omitzero"`
		Raw   []byte            `form:"raw"`
		Any   any               `form:"any"`
		All   map[string]string `form:"*"`
		*embedded
	}
	for name, tt := range map[string]struct {
		model form
		want  []string
	}{
		"little":     {form{}, []string{"a=", "f<"}},
		"text as is": {form{A: "a&b=c%20+\r\né\x00"}, []string{"a=a&b=c%20+\r\né\x00", "f<"}},
		"files":      {form{F: attachment{Name: "1"}, More: []attachment{{Name: "2"}, {Name: "3"}}, Nil: &attachment{Name: "4"}}, []string{"a=", "f<1", "more<2", "more<3", "nil<4"}},
		"lists": {form{Tags: []string{"x", "y&z"}, Join: []string{"1", "2,3"}, Space: []string{"p", "q"}, Pipe: []string{"p", "q"}},
			[]string{"a=", "f<", "tags=x", "tags=y&z", "join=1,2,3", "space=p q", "pipe=p|q"}},
		"objects": {form{Obj: &inner{R: 5}, Deep: map[string]any{"k": []int{1, 2}, "a&": "v="}}, []string{"a=", "f<", "R=5", "d[a&]=v=", "d[k][0]=1", "d[k][1]=2"}},
		"scalars": {form{Day: noon, Opt: some(0), Text: new(level(2)), Key: hide("hunter2"), Raw: []byte("xyz"), Any: 7},
			[]string{"a=", "f<", "day=2019-12-16", "opt=0", "text=level/2", "key=hunter2", "raw=eHl6", "any=7"}},
		"null":      {form{Opt: nullOf[int]()}, []string{"a=", "f<", "opt=null"}},
		"wildcard":  {form{All: map[string]string{"z": "1", "b": "2", "a": "taken", "nil": "free"}}, []string{"a=", "f<", "b=2", "nil=free", "z=1"}},
		"file wins": {form{Nil: &attachment{}, All: map[string]string{"nil": "taken", "f": "not taken"}}, []string{"a=", "f<", "nil<", "f=not taken"}},
		"embedded":  {form{embedded: &embedded{Deep: &attachment{Name: "5"}, Note: "n"}}, []string{"a=", "f<", "deep<5", "note=n"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := partsOf(t, tt.model)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

// What fails is named by its field, never by its value.
func TestEachPartErrors(t *testing.T) {
	type form struct {
		F attachment `form:"f"`
		T *level     `form:"t"`
	}
	_, err := partsOf(t, form{T: new(level(-7))})
	field, ok := errors.AsType[*FieldError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "form.T", field.Field)
	require.NotContains(t, err.Error(), "-7")

	own := errors.New("no good")
	r := compile(t, "/x", &form{})
	v := reflect.New(reflect.TypeFor[*form]()).Elem()
	require.ErrorContains(t, r.EachPart(v, nil, nil), "is nil")
	v.Set(reflect.ValueOf(&form{}))
	err = r.EachPart(v, nil, func(string, reflect.Value) error { return own })
	require.ErrorIs(t, err, own)
	require.EqualError(t, err, `form.F (form:"f") no good`)
}

func TestFileIsNoJSON(t *testing.T) {
	require.ErrorContains(t, encodable(reflect.TypeFor[struct{ F []attachment }]()), "is a file")
	require.ErrorContains(t, decodable(reflect.TypeFor[map[string]attachment]()), "is a file")
}
