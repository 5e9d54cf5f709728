package bind

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func compileResponse(t testing.TB, v any) *Response {
	t.Helper()
	r, mistakes := CompileResponse(reflect.TypeOf(v))
	require.Empty(t, mistakes)
	return r
}

func TestResponseKinds(t *testing.T) {
	type located struct {
		ETag string `header:"ETag"`
	}
	tests := map[string]struct {
		model   any
		kind    BodyKind
		located bool
	}{
		"empty":        {struct{}{}, NoBody, false},
		"located only": {located{}, NoBody, true},
		"struct":       {pet{}, Whole, false},
		"pointer":      {&pet{}, Whole, false},
		"slice":        {[]pet{}, Whole, false},
		"bytes":        {[]byte{}, Raw, false},
		"string":       {"", Raw, false},
		"raw message":  {json.RawMessage{}, Whole, false},
		"hidden fields": {struct {
			ETag string `header:"ETag" json:"-"`
			Name string `json:"name"`
		}{}, Whole, true},
		"exposed fields": {struct {
			ETag string `header:"ETag"`
			Name string `json:"name"`
		}{}, JSONFields, true},
		"pointer to located": {&struct {
			ETag string `header:"ETag"`
			Name string `json:"name"`
		}{}, JSONFields, true},
		"format": {struct {
			At time.Time `json:"at,format=unix"`
		}{}, JSONFields, false},
		"opt": {struct {
			At Opt[int] `json:"at"`
		}{}, Whole, false},
		"Body": {struct {
			located
			Body []pet
		}{}, Whole, true},
		"Body bytes":  {struct{ Body []byte }{}, Raw, false},
		"Body reader": {struct{ Body io.ReadCloser }{}, Reader, false},
		"xml":         {envelope{}, Whole, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := compileResponse(t, tt.model)
			require.Equal(t, tt.kind, r.BodyKind())
			require.Equal(t, tt.located, r.Located())
		})
	}
	for typ, kind := range map[reflect.Type]BodyKind{
		reflect.TypeFor[any](): Whole, reflect.TypeFor[io.ReadCloser](): Reader, reflect.TypeFor[io.Reader](): Reader,
	} {
		r, mistakes := CompileResponse(typ)
		require.Empty(t, mistakes)
		require.Equal(t, kind, r.BodyKind())
	}
}

func TestBodyTarget(t *testing.T) {
	type inner struct{ Body pet }
	type Model struct {
		ETag string `header:"ETag" json:"-"`
		Name string `json:"name"`
	}
	v := reflect.New(reflect.TypeFor[*inner]()).Elem()
	compileResponse(t, (*inner)(nil)).BodyTarget(v).Field(0).SetString("rex")
	require.Equal(t, "rex", v.Interface().(*inner).Body.Name)

	v = reflect.New(reflect.TypeFor[*Model]()).Elem()
	compileResponse(t, (*Model)(nil)).BodyTarget(v).Field(1).SetString("rex")
	require.Equal(t, "rex", v.Interface().(*Model).Name)

	v = reflect.New(reflect.TypeFor[*pet]()).Elem()
	require.Equal(t, v, compileResponse(t, (*pet)(nil)).BodyTarget(v), "the codec decides whether a pointer is nil")
}

func TestDecodeLocated(t *testing.T) {
	type Shown struct {
		Shown string `header:"X-Shown"`
	}
	type model struct {
		Remaining int                 `header:"X-Remaining" default:"100"`
		Ratio     float32             `header:"X-Ratio"`
		Partial   bool                `header:"X-Partial"`
		Modified  time.Time           `header:"Last-Modified,format=http-date"`
		Dates     []time.Time         `header:"X-Dates,format=http-date"`
		At        *time.Time          `header:"X-At"`
		Tags      []string            `header:"X-Tags"`
		IDs       []int               `header:"X-Ids"`
		Pair      [2]uint8            `header:"X-Pair"`
		Sum       []byte              `header:"X-Sum"`
		Note      *string             `header:"X-Note"`
		Opt       Opt[int]            `header:"X-Opt"`
		IP        netip.Addr          `header:"X-Ip"`
		Token     Secret              `header:"X-Token"`
		Any       any                 `header:"X-Any"`
		Color     map[string]int      `header:"X-Color"`
		Point     *point              `header:"X-Point,explode=true"`
		Meta      map[string]string   `header:"X-Meta-*"`
		All       map[string][]string `header:"*"`
		SID       string              `cookie:"sid"`
		Form      []string            `cookie:"form,style=form"`
		*Shown
	}
	noon := noon.Truncate(time.Second)
	all := func(name, value string) map[string][]string { return map[string][]string{name: {value}} }
	tests := map[string]struct {
		header  http.Header
		cookies []*http.Cookie
		want    model
	}{
		"nothing":        {want: model{Remaining: 100}},
		"int":            {header: http.Header{"X-Remaining": {"-5"}}, want: model{Remaining: -5, All: all("x-remaining", "-5")}},
		"same twice":     {header: http.Header{"X-Ratio": {"0.5", "0.5"}}, want: model{Remaining: 100, Ratio: 0.5, All: map[string][]string{"x-ratio": {"0.5", "0.5"}}}},
		"bool":           {header: http.Header{"X-Partial": {"True"}}, want: model{Remaining: 100, Partial: true, All: all("x-partial", "True")}},
		"http-date":      {header: http.Header{"Last-Modified": {"Mon, 16 Dec 2019 23:48:18 GMT"}}, want: model{Remaining: 100, Modified: noon, All: all("last-modified", "Mon, 16 Dec 2019 23:48:18 GMT")}},
		"dates":          {header: http.Header{"X-Dates": {"Mon, 16 Dec 2019 23:48:18 GMT, Mon, 16 Dec 2019 23:48:18 GMT"}}, want: model{Remaining: 100, Dates: []time.Time{noon, noon}, All: all("x-dates", "Mon, 16 Dec 2019 23:48:18 GMT, Mon, 16 Dec 2019 23:48:18 GMT")}},
		"date-time":      {header: http.Header{"X-At": {"2019-12-16T23:48:18Z"}}, want: model{Remaining: 100, At: &noon, All: all("x-at", "2019-12-16T23:48:18Z")}},
		"list":           {header: http.Header{"X-Tags": {`"b,c", "\"def\"", a,, `, "d"}}, want: model{Remaining: 100, Tags: []string{"b,c", `"def"`, "a", "d"}, All: map[string][]string{"x-tags": {`"b,c", "\"def\"", a,, `, "d"}}}},
		"quoted empty":   {header: http.Header{"X-Tags": {`"", x`}}, want: model{Remaining: 100, Tags: []string{"", "x"}, All: all("x-tags", `"", x`)}},
		"open quote":     {header: http.Header{"X-Tags": {`"a, b\`}}, want: model{Remaining: 100, Tags: []string{"a, b"}, All: all("x-tags", `"a, b\`)}},
		"ints":           {header: http.Header{"X-Ids": {"1,2 ,\t3"}}, want: model{Remaining: 100, IDs: []int{1, 2, 3}, All: all("x-ids", "1,2 ,\t3")}},
		"array":          {header: http.Header{"X-Pair": {"1,2"}}, want: model{Remaining: 100, Pair: [2]uint8{1, 2}, All: all("x-pair", "1,2")}},
		"bytes":          {header: http.Header{"X-Sum": {"//4="}}, want: model{Remaining: 100, Sum: []byte{0xff, 0xfe}, All: all("x-sum", "//4=")}},
		"pointer":        {header: http.Header{"X-Note": {""}}, want: model{Remaining: 100, Note: new(""), All: all("x-note", "")}},
		"opt":            {header: http.Header{"X-Opt": {"0"}}, want: model{Remaining: 100, Opt: some(0), All: all("x-opt", "0")}},
		"opt null":       {header: http.Header{"X-Opt": {"null"}}, want: model{Remaining: 100, Opt: nullOf[int](), All: all("x-opt", "null")}},
		"unmarshaler":    {header: http.Header{"X-Ip": {"::1"}}, want: model{Remaining: 100, IP: netip.MustParseAddr("::1"), All: all("x-ip", "::1")}},
		"any":            {header: http.Header{"X-Any": {"a", "b"}}, want: model{Remaining: 100, Any: "a, b", All: map[string][]string{"x-any": {"a", "b"}}}},
		"map":            {header: http.Header{"X-Color": {"R, 1, G, 2"}}, want: model{Remaining: 100, Color: map[string]int{"R": 1, "G": 2}, All: all("x-color", "R, 1, G, 2")}},
		"struct":         {header: http.Header{"X-Point": {"x=1,y=b,z=?"}}, want: model{Remaining: 100, Point: &point{1, "b"}, All: all("x-point", "x=1,y=b,z=?")}},
		"prefix":         {header: http.Header{"X-Meta-Abc": {"v"}, "X-Meta-": {"no"}}, want: model{Remaining: 100, Meta: map[string]string{"abc": "v"}, All: map[string][]string{"x-meta-abc": {"v"}, "x-meta-": {"no"}}}},
		"cookie":         {cookies: []*http.Cookie{{Name: "sid", Value: "1"}, {Name: "sid", Value: "2"}, {Name: "SID", Value: "3"}}, want: model{Remaining: 100, SID: "2"}},
		"form cookies":   {cookies: []*http.Cookie{{Name: "form", Value: "a%2Cb,c"}, {Name: "form", Value: "d"}}, want: model{Remaining: 100, Form: []string{"a,b", "c", "d"}}},
		"behind pointer": {header: http.Header{"X-Shown": {"s"}}, want: model{Remaining: 100, Shown: &Shown{"s"}, All: all("x-shown", "s")}},
	}
	r := compileResponse(t, model{})
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := own(model{Partial: true, SID: "stale", Tags: []string{"stale"}, Opt: some(9), Note: new("stale")})
			require.NoError(t, r.DecodeLocated(v, tt.header, func() []*http.Cookie { return tt.cookies }))
			require.Equal(t, tt.want, v.Interface())
		})
	}
	t.Run("secret", func(t *testing.T) {
		v := own(model{})
		require.NoError(t, r.DecodeLocated(v, http.Header{"X-Token": {"tok"}}, func() []*http.Cookie { return nil }))
		require.Equal(t, "tok", v.Interface().(model).Token.Reveal())
	})
	t.Run("errors name the field", func(t *testing.T) {
		for name, value := range map[string]string{"X-Remaining": "hunter2", "X-Partial": "hunter2", "X-Ratio": "NaN", "Last-Modified": "hunter2",
			"X-Ids": "1, hunter2", "X-Pair": "1", "X-Sum": "hunter2!", "X-Color": "R, 1, hunter2", "X-Point": "hunter2", "X-Opt": "hunter2", "X-Ip": "hunter2"} {
			err := r.DecodeLocated(own(model{}), http.Header{name: {value}}, func() []*http.Cookie { return nil })
			_, ok := errors.AsType[*FieldError](err)
			require.True(t, ok, name)
			require.ErrorContains(t, err, `header:"`+name)
			require.NotContains(t, err.Error(), "hunter2")
		}
	})
}

func TestDecodeLocatedAsksForCookiesOnlyIfNeeded(t *testing.T) {
	type model struct {
		ETag string `header:"ETag"`
	}
	require.NoError(t, compileResponse(t, model{}).DecodeLocated(own(model{}), nil, nil))
}

func TestDecodeJSON(t *testing.T) {
	type Shared struct {
		Note string `json:"note"`
	}
	type model struct {
		ETag  string         `header:"ETag"`
		Name  string         `json:"name" default:"none"`
		NAME  string         `json:"NAME"`
		At    time.Time      `json:"at,format=unix"`
		Date  *time.Time     `json:"date,format=date"`
		Dates []time.Time    `json:"dates,format=date"`
		OptT  Opt[time.Time] `json:"optt,format=date"`
		Opt   Opt[int]       `json:"opt"`
		N     int            `json:"n,string"`
		*Shared
	}
	day := time.Date(2020, 2, 29, 0, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		in   string
		want model
	}{
		"null":        {`null`, model{Name: "none"}},
		"empty":       {`{}`, model{Name: "none"}},
		"fields":      {`{"name":"rex","opt":null,"n":"5","note":"x","ETag":5,"etag":"evil"}`, model{Name: "rex", Opt: nullOf[int](), N: 5, Shared: &Shared{"x"}}},
		"exact first": {`{"NAME":"a","Name":"b"}`, model{Name: "b", NAME: "a"}},
		"folded":      {`{"Opt":3,"DATE":"2020-02-29"}`, model{Name: "none", Opt: some(3), Date: &day}},
		"unix":        {`{"at":1576540098.5}`, model{Name: "none", At: noon}},
		"unix text":   {`{"at":"1.5765400985e9"}`, model{}},
		"unix e":      {`{"at":1e3}`, model{Name: "none", At: time.Unix(1000, 0).UTC()}},
		"negative":    {`{"at":-0.25}`, model{Name: "none", At: time.Unix(0, -250e6).UTC()}},
		"dates":       {`{"dates":["2020-02-29","2020-02-29"],"optt":"2020-02-29"}`, model{Name: "none", Dates: []time.Time{day, day}, OptT: some(day)}},
		"nulls":       {`{"at":null,"date":null,"dates":null,"optt":null,"n":null}`, model{Name: "none", OptT: nullOf[time.Time]()}},
		"wrong date":  {`{"date":"hunter2"}`, model{}},
		"wrong type":  {`{"name":5}`, model{}},
		"no object":   {`[]`, model{}},
	}
	r := compileResponse(t, model{})
	require.Equal(t, JSONFields, r.BodyKind())
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := own(model{})
			r.ApplyDefaults(v)
			v.FieldByName("Shared").SetZero()
			err := r.DecodeJSON(v, []byte(tt.in), json.Unmarshal)
			if tt.want.Name == "" {
				require.Error(t, err)
				require.NotContains(t, err.Error(), "hunter2")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, v.Interface())
		})
	}
}

// placedError is one of a codec that tells places.
type placedError struct{}

func (e placedError) Error() string { return "hunter2" }
func (e placedError) Within(name string, start int64) error {
	if name == "" {
		return nil
	}
	return fmt.Errorf("%s at byte %d", name, start)
}

// The error of a member says where in the document it is, where the codec knows how to; any other codec's text may quote the value.
func TestDecodeJSONPlacesErrors(t *testing.T) {
	type model struct {
		ETag string    `header:"ETag"`
		N    int       `json:"n"`
		M    []int     `json:"m"`
		At   time.Time `json:"at,format=date"`
	}
	for name, tt := range map[string]struct{ in, want string }{
		"first":    {`{"n":"x"}`, `model.N (json:"n") could not be read from the JSON body: n at byte 5`},
		"later":    {` { "m" : [1], "n" : "x" }`, `model.N (json:"n") could not be read from the JSON body: n at byte 20`},
		"folded":   {`{"m":"x","N":"x"}`, `model.N (json:"n") could not be read from the JSON body: n at byte 13`},
		"the last": {`{"n":"x","n":"x"}`, `model.N (json:"n") could not be read from the JSON body: n at byte 13`},
		"no text":  {`{"at":"hunter2"}`, "model.At"},
		"number":   {`{"at":5}`, "model.At"},
	} {
		t.Run(name, func(t *testing.T) {
			refuse := func(data []byte, v any) error {
				if _, whole := v.(*map[string]json.RawMessage); whole {
					return json.Unmarshal(data, v)
				}
				if string(data) == `"x"` {
					return placedError{}
				}
				return json.Unmarshal(data, v)
			}
			err := compileResponse(t, model{}).DecodeJSON(own(model{}), []byte(tt.in), refuse)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
	err := compileResponse(t, model{}).DecodeJSON(own(model{}), []byte(`{"n":"x"}`), json.Unmarshal)
	require.EqualError(t, err, `model.N (json:"n") could not be read from the JSON body`)
}

type ownReader struct {
	ETag string `header:"ETag"`
	Name string `json:"name"`
}

func (*ownReader) UnmarshalJSON([]byte) error { return nil }

type hiddenEmbed struct {
	ETag string `header:"ETag"`
}

func TestResponseMistakes(t *testing.T) {
	tests := map[string]struct {
		model any
		want  string
	}{
		"query": {struct {
			Q string `query:"q"`
		}{}, `struct.Q (query:"q") is in a response, which has no query: use header, cookie or json`},
		"path": {onePath{}, "which has no path"},
		"form": {struct {
			Q string `form:"q"`
		}{}, "which has no form"},
		"loose": {struct {
			ETag string `header:"ETag"`
			Name string
		}{}, "has no place"},
		"Body and json": {struct {
			Name string `json:"name"`
			Body []byte
		}{}, "is the whole body"},
		"sealed":    {struct{ *hiddenEmbed }{}, "is behind an embedded pointer that is not exported"},
		"interface": {struct{ R io.Writer }{}, "struct.R is the interface io.Writer"},
		"chan":      {make(chan int), "chan int is a chan, which can't be read from JSON"},
		"reader":    {struct{ Body *io.SectionReader }{}, "can't be filled from an answer: use io.ReadCloser or []byte"},
		"func":      {func() {}, "is a func, which can't be filled"},
		"no reader of text": {struct {
			L level `header:"X-L"`
		}{}, "give bind.level an UnmarshalText"},
		"header interface": {struct {
			L io.Reader `header:"X-L"`
		}{}, "has the interface type io.Reader"},
		"deep format": {[]nestedFormat{}, "has a format below the top level"},
		"deep opt":    {[]nestedOpt{}, ""},
		"own reader":  {ownReader{}, ""},
		"bad default": {struct {
			N int `header:"N" default:"x"`
		}{}, "has a default that is not an integer"},
		"json field": {struct {
			ETag string   `header:"ETag"`
			C    chan int `json:"c"`
		}{}, "can't be read: chan int"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, mistakes := CompileResponse(reflect.TypeOf(tt.model))
			if tt.want == "" {
				require.Empty(t, mistakes)
			}
			require.Contains(t, text(mistakes), tt.want)
		})
	}
}
