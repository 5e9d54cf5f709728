package crest_test

import (
	"encoding/xml"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// R34: strict mode refuses what a model does not name.
func TestR34StrictFields(t *testing.T) {
	type located struct {
		ETag string `header:"ETag"`
		ID   int    `json:"id"`
		Name string `json:"name"`
	}
	std, strict := crest.WithCodec(crest.StdJSON()), crest.WithStrictFields()
	for name, body := range map[string]string{
		"unknown field": `{"id":7,"name":"Rex","more":1}`,
		"twice":         `{"id":7,"name":"Rex","name":"Tom"}`,
		"other case":    `{"id":7,"Name":"Rex"}`,
		"not UTF-8":     "{\"id\":7,\"name\":\"R\xffx\"}",
	} {
		t.Run(name, func(t *testing.T) {
			headers := typed("application/json")
			_, err := answered[thing](t, 200, body, headers)
			require.NoError(t, err)
			_, err = answered[located](t, 200, body, headers)
			require.NoError(t, err)
			_, err = answered[thing](t, 200, body, headers, std)
			require.NoError(t, err)

			_, err = answered[thing](t, 200, body, headers, strict)
			fails(t, err, crest.ErrResponse, crest.KindDecode, crest.SentYes)
			_, err = answered[located](t, 200, body, headers, strict)
			fails(t, err, crest.ErrResponse, crest.KindDecode, crest.SentYes)
			_, err = answered[thing](t, 200, body, headers, strict, std)
			require.Equal(t, name == "unknown field", err != nil, "all that encoding/json can see: %v", err)
		})
	}
}

// Requests are written by the nearest codec; a Secret never leaves as [redacted].
func TestRequestCodecs(t *testing.T) {
	type login struct {
		User     string       `json:"user" xml:"user"`
		Password crest.Secret `json:"password" xml:"password"`
	}
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
	send := func(opts ...crest.CallOption) (seen, error) {
		_, err := crest.Post[login, crest.Empty]("/login").Call(t.Context(), c, login{"u", crest.NewSecret("s3cr3t")}, opts...)
		if err != nil {
			rec.none(t)
			return seen{}, err
		}
		return rec.last(t), nil
	}
	got, err := send()
	require.NoError(t, err)
	require.Equal(t, `{"user":"u","password":"s3cr3t"}`, got.body, "R44: a body with a Secret arrives whole")
	for name, codec := range map[string]crest.Codec{"StdJSON": crest.StdJSON(), "XML": crest.XML()} {
		_, err = send(crest.WithCodec(codec))
		fails(t, err, crest.ErrRequest, "", crest.SentNo)
		require.NotContains(t, err.Error(), "s3cr3t", name)
	}
	_, err = crest.Post[xmlThing, crest.Empty]("/x").Call(t.Context(), c, xmlThing{ID: 1, Name: "a<b"}, crest.WithCodec(crest.XML()))
	require.NoError(t, err)
	sent := rec.last(t)
	require.Equal(t, "<thing><id>1</id><name>a&lt;b</name></thing>", sent.body)
	require.Equal(t, "application/xml", sent.Header.Get("Content-Type"))
}

func TestUnencodableBody(t *testing.T) {
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
	_, err := crest.Post[map[string]any, crest.Empty]("/x").Call(t.Context(), c, map[string]any{"f": func() {}})
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
	require.ErrorContains(t, err, "the body cannot be encoded")
	rec.none(t)
}

type xmlThing struct {
	XMLName xml.Name `xml:"thing" json:"-"`
	ID      int      `xml:"id" json:"id"`
	Name    string   `xml:"name" json:"name" validate:"required"`
}

type upper string

func (u upper) MarshalText() ([]byte, error)  { return []byte(strings.ToLower(string(u))), nil }
func (u *upper) UnmarshalText(b []byte) error { *u = upper(strings.ToUpper(string(b))); return nil }

func TestCodecs(t *testing.T) {
	const doc = `<thing><id>7</id><name>Rex</name></thing>`
	xmlCodec, text, form := crest.WithCodec(crest.XML()), crest.WithCodec(crest.Text()), crest.WithCodec(crest.Form())
	t.Run("XML", func(t *testing.T) {
		for _, contentType := range []string{"application/xml", "text/xml; charset=utf-8", "application/atom+xml"} {
			got, err := answered[xmlThing](t, 200, doc+"\n<!-- end -->", typed(contentType), xmlCodec)
			require.NoError(t, err)
			require.Equal(t, "Rex", got.Name)
		}
		for name, body := range map[string]string{"second element": doc + doc, "cut": doc[:20], "wrong element": "<other/>", "text after": doc + "<", "invalid": "<thing/>"} {
			_, err := answered[xmlThing](t, 200, body, typed("application/xml"), xmlCodec)
			require.ErrorIs(t, err, crest.ErrResponse, name)
		}
		_, err := answered[xmlThing](t, 200, thingJSON, typed("application/json"), xmlCodec)
		fails(t, err, crest.ErrResponse, crest.KindContentType, crest.SentYes)
	})
	t.Run("XML and JSON", func(t *testing.T) {
		both := []crest.CallOption{xmlCodec, crest.WithCodec(crest.JSON())}
		got, err := answered[xmlThing](t, 200, thingJSON, typed("application/json"), both...)
		require.NoError(t, err)
		require.Equal(t, 7, got.ID)
		got, err = answered[xmlThing](t, 200, doc, typed("application/xml"), both...)
		require.NoError(t, err)
		require.Equal(t, 7, got.ID)
	})
	t.Run("StdJSON", func(t *testing.T) {
		got, err := answered[thing](t, 200, thingJSON, typed("application/json"), crest.WithCodec(crest.StdJSON()))
		require.NoError(t, err)
		require.Equal(t, thing{7, "Rex"}, got)
		_, err = answered[thing](t, 200, thingJSON+"x", typed("application/json"), crest.WithCodec(crest.StdJSON()))
		fails(t, err, crest.ErrResponse, crest.KindDecode, crest.SentYes)
	})
	t.Run("Text", func(t *testing.T) {
		got, err := answered[upper](t, 200, "abc", typed("text/plain"), text)
		require.NoError(t, err)
		require.Equal(t, upper("ABC"), got)
		_, err = answered[thing](t, 200, "abc", typed("text/plain"), text)
		fails(t, err, crest.ErrResponse, crest.KindDecode, crest.SentYes)
	})
	t.Run("Form", func(t *testing.T) {
		header := typed("application/x-www-form-urlencoded")
		values, err := answered[url.Values](t, 200, "a=1&a=2&b=x%20y\n", header, form)
		require.NoError(t, err)
		require.Equal(t, url.Values{"a": {"1", "2"}, "b": {"x y"}}, values)
		flat, err := answered[map[string]string](t, 200, "a=1&b=", header, form)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"a": "1", "b": ""}, flat)
		_, err = answered[map[string]string](t, 200, "a=%zz", header, form)
		fails(t, err, crest.ErrResponse, crest.KindDecode, crest.SentYes)
		var got struct{ Type string }
		require.ErrorContains(t, crest.Form().Unmarshal([]byte("token_type=bearer"), &got), "use url.Values or map[string]string")
	})
}

// ring is a model that can hold itself, and says so where XML need not look.
type ring struct {
	Next   *ring   `xml:"next" json:"next,omitempty"`
	All    []*ring `xml:"all" json:"all,omitempty"`
	Any    any     `xml:"any" json:"any,omitempty"`
	Parent *ring   `xml:"-" json:"-"`
	hidden *ring
}

// R45: a cycle of pointers is an error under every codec. encoding/xml would follow it until the stack is full, which no recover mends.
func TestCyclesOfXML(t *testing.T) {
	for name, link := range map[string]func(r *ring){
		"pointer":   func(r *ring) { r.Next = r },
		"slice":     func(r *ring) { r.All = []*ring{{}, {Next: r}} },
		"interface": func(r *ring) { r.Any = &ring{Any: r} },
	} {
		t.Run(name, func(t *testing.T) {
			for _, codec := range []crest.Codec{crest.XML(), crest.JSON(), crest.StdJSON()} {
				rec, r := &recorder{}, &ring{}
				link(r)
				c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithCodec(codec))
				_, err := crest.Post[*ring, crest.Empty]("/x").Call(t.Context(), c, r)
				fails(t, err, crest.ErrRequest, "", crest.SentNo)
				rec.none(t)
			}
		})
	}
	child := &ring{Next: &ring{}, All: []*ring{nil, {}}}
	child.Parent, child.hidden = child, child
	text, err := crest.XML().Marshal(child)
	require.NoError(t, err)
	require.Equal(t, "<ring><next></next><all></all></ring>", string(text))
}
