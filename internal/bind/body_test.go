package bind

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type pet struct {
	Name string   `json:"name"`
	Tags []string `json:"tags,omitempty"`
}

type named []byte

type ownText []byte

func (o ownText) MarshalJSON() ([]byte, error) { return []byte(`"own"`), nil }

type envelope struct {
	XMLName xml.Name  `xml:"soap:Envelope"`
	Body    string    `xml:"soap:Body"`
	Note    Opt[bool] `xml:"note"`
}

type Empty struct{}

func TestBodyKinds(t *testing.T) {
	type located struct {
		Q string `query:"q"`
	}
	tests := map[string]struct {
		model any
		kind  BodyKind
		typ   reflect.Type
	}{
		"empty":          {struct{}{}, NoBody, nil},
		"embedded empty": {struct{ Empty }{}, NoBody, nil},
		"located":        {located{}, NoBody, nil},
		"whole struct":   {pet{}, Whole, reflect.TypeFor[pet]()},
		"pointer":        {&pet{}, Whole, reflect.TypeFor[*pet]()},
		"slice":          {[]pet{}, Whole, reflect.TypeFor[[]pet]()},
		"map":            {map[string]any{}, Whole, reflect.TypeFor[map[string]any]()},
		"untagged":       {struct{ A, B int }{}, Whole, reflect.TypeFor[struct{ A, B int }]()},
		"bytes":          {[]byte{}, Raw, reflect.TypeFor[[]byte]()},
		"string":         {"", Raw, reflect.TypeFor[string]()},
		"named bytes":    {named{}, Raw, reflect.TypeFor[named]()},
		"marshaler":      {ownText{}, Whole, reflect.TypeFor[ownText]()},
		"raw message":    {json.RawMessage{}, Whole, reflect.TypeFor[json.RawMessage]()},
		"reader":         {new(bytes.Buffer), Reader, reflect.TypeFor[*bytes.Buffer]()},
		"time":           {time.Time{}, Whole, reflect.TypeFor[time.Time]()},
		"xml":            {envelope{}, Whole, reflect.TypeFor[envelope]()},
		"opt omitzero": {struct {
			A Opt[int] `json:"a,omitzero"`
		}{}, Whole, reflect.TypeFor[struct {
			A Opt[int] `json:"a,omitzero"`
		}]()},
		"default": {struct {
			A int `json:"a" default:"1"`
		}{}, Whole, reflect.TypeFor[struct {
			A int `json:"a" default:"1"`
		}]()},
		"opt": {struct {
			A Opt[int] `json:"a"`
		}{}, JSONFields, nil},
		"format": {struct {
			A time.Time `json:"a,format=unix"`
		}{}, JSONFields, nil},
		"json beside located": {struct {
			Q string `query:"q"`
			A int    `json:"a"`
		}{}, JSONFields, nil},
		"form": {struct {
			A int `form:"a"`
		}{}, Form, nil},
		"Body struct": {struct {
			Body pet
		}{}, Whole, reflect.TypeFor[pet]()},
		"Body bytes": {struct {
			Body []byte `validate:"required"`
		}{}, Raw, reflect.TypeFor[[]byte]()},
		"Body reader": {struct{ Body io.Reader }{}, Reader, reflect.TypeFor[io.Reader]()},
		"Body file":   {struct{ Body *strings.Reader }{}, Reader, reflect.TypeFor[*strings.Reader]()},
		"Body factory": {struct {
			Body func() (io.ReadCloser, error)
		}{}, Factory, factoryType},
		"Body with a json tag": {struct {
			Body string `json:"body"`
		}{}, Whole, reflect.TypeFor[struct {
			Body string `json:"body"`
		}]()},
		"Body in embedded": {struct {
			located
			Mail struct{ Body pet } `json:"-"`
			Body any
		}{}, Whole, reflect.TypeFor[any]()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := compile(t, "/x", tt.model)
			require.Equal(t, tt.kind, r.Body())
			field := r.BodyField(own(tt.model))
			require.Equal(t, tt.typ != nil, field.IsValid())
			if tt.typ != nil {
				require.Equal(t, tt.typ, field.Type())
			}
			require.NoError(t, r.Encode(own(tt.model), new(Parts)))
		})
	}
}

func TestBodyFieldIsTheField(t *testing.T) {
	type inner struct{ Body string }
	type model struct {
		*inner
		Q string `query:"q"`
	}
	r := compile(t, "/x", model{})
	require.Equal(t, "text", r.BodyField(own(model{inner: &inner{"text"}})).String())
	require.False(t, r.BodyField(own(model{})).IsValid())
}

type opener func() (io.ReadCloser, error)

func TestBodyFactoryOfANamedType(t *testing.T) {
	type model struct{ Body opener }
	r := compile(t, "/x", model{})
	open, ok := r.BodyField(own(model{func() (io.ReadCloser, error) { return nil, io.EOF }})).Interface().(func() (io.ReadCloser, error))
	require.True(t, ok)
	_, err := open()
	require.ErrorIs(t, err, io.EOF)
}

func marshal(v any) ([]byte, error) { return json.Marshal(v) }

func TestAppendJSON(t *testing.T) {
	type Meta struct {
		Note string `json:"note,omitzero"`
	}
	type model struct {
		ID    int               `path:"id"`
		Token Secret            `header:"X-Token"`
		Name  string            `json:"na\"me"`
		Empty string            `json:"empty,omitempty"`
		Zero  time.Time         `json:"zero,omitzero"`
		Opt   Opt[int]          `json:"opt"`
		OptZ  Opt[int]          `json:"optz,omitzero"`
		Unix  time.Time         `json:"unix,format=unix"`
		Date  *time.Time        `json:"date,format=date"`
		Dates []time.Time       `json:"dates,format=date"`
		OptT  Opt[time.Time]    `json:"optt,format=http-date"`
		Str   int64             `json:"str,string"`
		StrS  string            `json:"strs,string,omitzero"`
		Any   any               `json:"any"`
		Map   map[string]string `json:"map"`
		Ptr   *pet              `json:"ptr"`
		Skip  string            `json:"-"`
		Go    string            `json:",omitempty"`
		*Meta
		Nested Meta `json:"nested"`
	}
	r := compile(t, "/{id}", model{})
	at := noon.Add(-500 * time.Millisecond)
	tests := map[string]struct {
		in   model
		want string
	}{
		"zero": {model{}, `{"na\"me":"","unix":-62135596800,"date":null,"dates":null,"str":"0","any":null,"map":null,"ptr":null,"nested":{}}`},
		"full": {model{ID: 1, Token: hide("t"), Name: "n", Empty: "e", Zero: at, Opt: some(0), OptZ: nullOf[int](), Unix: noon, Date: &noon,
			Dates: []time.Time{noon, noon}, OptT: some(noon), Str: 5, StrS: `"`, Any: []int{1}, Map: map[string]string{"k": "v"},
			Ptr: &pet{Name: "rex"}, Skip: "s", Go: "go", Meta: &Meta{"m"}, Nested: Meta{"n"}},
			`{"na\"me":"n","empty":"e","zero":"2019-12-16T23:48:18Z","opt":0,"optz":null,"unix":1576540098.5,"date":"2019-12-16",` +
				`"dates":["2019-12-16","2019-12-16"],"optt":"Mon, 16 Dec 2019 23:48:18 GMT","str":"5","strs":"\"\\\"\"","any":[1],"map":{"k":"v"},` +
				`"ptr":{"name":"rex"},"Go":"go","note":"m","nested":{"note":"n"}}`},
		"empty list and null": {model{Dates: []time.Time{}, OptT: nullOf[time.Time]()},
			`{"na\"me":"","unix":-62135596800,"date":null,"dates":[],"optt":null,"str":"0","any":null,"map":null,"ptr":null,"nested":{}}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := r.AppendJSON([]byte(" "), own(tt.in), marshal)
			require.NoError(t, err)
			require.Equal(t, " "+tt.want, string(got))
			require.True(t, json.Valid(got))
		})
	}
	t.Run("all left out", func(t *testing.T) {
		type model struct {
			ID int      `path:"id"`
			A  Opt[int] `json:"a"`
		}
		got, err := compile(t, "/{id}", model{}).AppendJSON(nil, own(model{}), marshal)
		require.NoError(t, err)
		require.Equal(t, "{}", string(got))
	})
	t.Run("errors", func(t *testing.T) {
		fail := func(any) ([]byte, error) { return nil, errors.New("hunter2") }
		_, err := r.AppendJSON(nil, own(model{}), fail)
		require.EqualError(t, err, `model.Name (json:"na"me") could not be written as JSON`)
		require.EqualError(t, errors.Unwrap(err), "hunter2")
		_, err = r.AppendJSON(nil, own(model{Date: new(time.Date(10001, 1, 1, 0, 0, 0, 0, time.UTC))}), marshal)
		require.ErrorContains(t, err, "has a year that date can't write")
	})
}

func TestAppendForm(t *testing.T) {
	type model struct {
		Z     string            `form:"z"`
		A     []string          `form:"a[]"`
		S     Secret            `form:"s,omitzero"`
		O     Opt[string]       `form:"o"`
		D     map[string]point  `form:"d,style=deepObject"`
		Extra map[string]string `form:"*"`
	}
	r := compile(t, "/", model{})
	require.Equal(t, Form, r.Body())
	got, err := r.AppendForm(nil, own(model{Z: "a b&", A: []string{"1", "2"}, S: hide("p=w"), O: nullOf[string](),
		D: map[string]point{"k": {1, "x"}}, Extra: map[string]string{"z": "lost", "y": "kept"}}))
	require.NoError(t, err)
	require.Equal(t, "z=a%20b%26&a%5B%5D=1&a%5B%5D=2&s=p%3Dw&o=null&d%5Bk%5D%5Bx%5D=1&d%5Bk%5D%5By%5D=x&y=kept", string(got))

	got, err = r.AppendForm([]byte("before:"), own(model{}))
	require.NoError(t, err)
	require.Equal(t, "before:z=", string(got))

	type bad struct {
		F any `form:"f"`
	}
	_, err = compile(t, "/", bad{}).AppendForm(nil, own(bad{make(chan int)}))
	require.ErrorContains(t, err, `bad.F (form:"f") has the type chan int`)
}
