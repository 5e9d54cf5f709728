package crest_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// decoder reads a request's body by what its header says.
func decoder(r *http.Request) (io.Reader, error) {
	switch coding := strings.Join(r.Header["Content-Encoding"], "|"); coding {
	case "":
		return r.Body, nil
	case "gzip":
		return gzip.NewReader(r.Body)
	case "deflate":
		return zlib.NewReader(r.Body)
	default:
		return nil, fmt.Errorf("the coding %q", coding)
	}
}

func decoded(r *http.Request) (string, error) {
	body, err := decoder(r)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(body)
	return string(text), err
}

// bodyHeader is what a request says of its body.
func bodyHeader(r *http.Request) string {
	return fmt.Sprint(r.Header["Content-Encoding"], r.TransferEncoding, r.ContentLength, r.Header["Content-Type"])
}

type (
	asBytes   struct{ Body []byte }
	asText    struct{ Body string }
	asReader  struct{ Body io.Reader }
	asFactory struct {
		Body func() (io.ReadCloser, error)
	}
	asModel struct {
		Body *thing
	}
	asFields struct {
		Q    string `query:"q"`
		Name string `json:"name"`
	}
	asForm struct {
		A string `form:"a"`
	}
)

// opens is a function that opens text.
func opens(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

// sending is a call whose model is given.
type sending func(context.Context, crest.Caller, ...crest.CallOption) error

// compressing is an endpoint that compresses, as a call.
func compressing[Req any](method, coding string, req Req, opts ...crest.EndpointOption) sending {
	e := crest.NewEndpoint[Req, crest.Empty](method, "/x", append(opts, crest.WithCompression(coding))...)
	return func(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
		_, err := e.Call(ctx, c, req, opts...)
		return err
	}
}

// Every kind of body arrives whole under both codings, in chunks. What has no body says nothing of one.
func TestCompression(t *testing.T) {
	long := strings.Repeat("0123456789 ", 50_000)
	offset := func() io.Reader {
		r := strings.NewReader("skipped|the rest")
		_, _ = r.Seek(8, io.SeekStart)
		return r
	}
	const none = "none"
	for _, coding := range []string{"gzip", "deflate"} {
		for name, tt := range map[string]struct {
			call         sending
			body, header string // header without the coding; none for a request that says nothing
		}{
			"text":                {compressing("POST", coding, asText{"grüße"}), "grüße", "[chunked] -1 [text/plain; charset=utf-8]"},
			"long":                {compressing("PUT", coding, asBytes{[]byte(long)}), long, "[chunked] -1 [application/octet-stream]"},
			"fields":              {compressing("PATCH", coding, asFields{"q", "Rex"}), `{"name":"Rex"}`, "[chunked] -1 [application/json]"},
			"model":               {compressing("POST", coding, asModel{&thing{7, "Rex"}}), thingJSON, "[chunked] -1 [application/json]"},
			"form":                {compressing("POST", coding, asForm{"1 &"}), "a=1%20%26", "[chunked] -1 [application/x-www-form-urlencoded]"},
			"reader":              {compressing("POST", coding, asReader{onlyReader{strings.NewReader(long)}}), long, "[chunked] -1 [application/octet-stream]"},
			"seeker":              {compressing("POST", coding, asReader{offset()}), "the rest", "[chunked] -1 [application/octet-stream]"},
			"function":            {compressing("POST", coding, asFactory{opens(long)}), long, "[chunked] -1 [application/octet-stream]"},
			"function of nothing": {compressing("POST", coding, asFactory{opens("")}), "", "[chunked] -1 [application/octet-stream]"},
			"GET with a body":     {compressing("GET", coding, asText{"abc"}, crest.WithGetBody()), "abc", "[chunked] -1 [text/plain; charset=utf-8]"},
			"GET":                 {compressing("GET", coding, crest.Empty{}), none, "[] 0 []"},
			"POST of nothing":     {compressing("POST", coding, crest.Empty{}), none, "[] 0 []"},
			"empty text":          {compressing("POST", coding, asText{}), none, "[] 0 [text/plain; charset=utf-8]"},
			"empty seeker":        {compressing("POST", coding, asReader{strings.NewReader("")}), none, "[] 0 [application/octet-stream]"},
			"nil reader":          {compressing("POST", coding, asReader{}), none, "[] 0 []"},
			"nil model":           {compressing("POST", coding, asModel{}), none, "[] 0 []"},
		} {
			t.Run(name+" "+coding, func(t *testing.T) {
				body, header, want := "", "", tt.body
				c := newClient(t, serve(t, func(_ http.ResponseWriter, r *http.Request) {
					header = bodyHeader(r)
					text, err := decoded(r)
					body = fmt.Sprint(text, err)
				}))
				require.NoError(t, tt.call(t.Context(), c))
				said := "[" + coding + "] "
				if want == none {
					said, want = "[] ", ""
				}
				require.Equal(t, said+tt.header, header)
				require.Equal(t, want+"<nil>", body)
			})
		}
	}
}

// The nearer level wins, identity and WithoutHeader end it, and a call that leaves the origin is bare.
func TestCompressionLevels(t *testing.T) {
	var other *httptest.Server
	var header string
	note := func(_ http.ResponseWriter, r *http.Request) {
		header = strings.Join(r.Header["Content-Encoding"], "|")
		if text, err := decoded(r); text != "abc" || err != nil {
			header = fmt.Sprintf("%q %v", text, err)
		}
	}
	home := serve(t, note)
	other = httptest.NewServer(http.HandlerFunc(note))
	t.Cleanup(other.Close)
	opts := func(o ...crest.CallOption) []crest.CallOption { return o }
	for name, tt := range map[string]struct {
		client   []crest.ClientOption
		endpoint []crest.EndpointOption
		call     []crest.CallOption
		want     string
	}{
		"client":                  {[]crest.ClientOption{crest.WithCompression("gzip")}, nil, nil, "gzip"},
		"endpoint":                {nil, []crest.EndpointOption{crest.WithCompression("deflate")}, nil, "deflate"},
		"the nearer one":          {[]crest.ClientOption{crest.WithCompression("gzip")}, []crest.EndpointOption{crest.WithCompression("deflate")}, nil, "deflate"},
		"the last one":            {nil, []crest.EndpointOption{crest.WithCompression("deflate"), crest.WithCompression("gzip")}, nil, "gzip"},
		"taken back":              {[]crest.ClientOption{crest.WithCompression("gzip")}, []crest.EndpointOption{crest.WithCompression("identity")}, nil, ""},
		"without the header":      {[]crest.ClientOption{crest.WithCompression("gzip")}, nil, opts(crest.WithoutHeader("content-encoding")), ""},
		"without, at an endpoint": {[]crest.ClientOption{crest.WithCompression("gzip")}, []crest.EndpointOption{crest.WithoutHeader("Content-Encoding")}, nil, ""},
		"without, farther":        {[]crest.ClientOption{crest.WithoutHeader("Content-Encoding")}, []crest.EndpointOption{crest.WithCompression("gzip")}, nil, "gzip"},
		"another origin":          {[]crest.ClientOption{crest.WithCompression("gzip")}, []crest.EndpointOption{crest.WithCompression("gzip")}, opts(crest.WithURL(other.URL)), ""},
		"another path":            {[]crest.ClientOption{crest.WithCompression("gzip")}, nil, opts(crest.WithURL(home + "/elsewhere")), "gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			header = "unseen"
			_, err := crest.Post[asText, crest.Empty]("/x", tt.endpoint...).Call(t.Context(), newClient(t, home, tt.client...), asText{"abc"}, tt.call...)
			require.NoError(t, err)
			require.Equal(t, tt.want, header)
		})
	}
}

func TestCompressionMistakes(t *testing.T) {
	both := []crest.Option{crest.WithHeader("content-encoding", "br"), crest.WithoutHeader("Content-Encoding")}
	for i, want := range []string{
		`WithCompression("gzip") and WithHeader("Content-Encoding") at one level: keep one of them; WithCompression sets the header`,
		`WithCompression("gzip") and WithoutHeader("Content-Encoding") at one level: keep one of them`,
	} {
		_, err := crest.New[*failure]("https://api.example.com", both[i], crest.WithCompression("gzip"))
		require.EqualError(t, err, "crest: New: "+want)
		require.PanicsWithValue(t, "crest: POST /x: "+want, func() { crest.Post[asText, crest.Empty]("/x", crest.WithCompression("gzip"), both[i]) })
	}
	for _, coding := range []string{"", "br", "GZIP", "gzip, deflate", "x-gzip"} {
		want := fmt.Sprintf("WithCompression: %q is no coding that crest writes: use gzip or deflate, or identity for none", coding)
		_, err := crest.New[*failure]("https://api.example.com", crest.WithCompression(coding))
		require.EqualError(t, err, "crest: New: "+want)
		require.PanicsWithValue(t, "crest: GET /x: "+want, func() { crest.Get[crest.Empty, thing]("/x", crest.WithCompression(coding)) })
	}
	_, err := crest.New[*failure]("https://api.example.com", crest.WithCompression("identity"), crest.WithHeader("Content-Encoding", "br"))
	require.NoError(t, err)
}

// A Content-Encoding from elsewhere is an error that names the place, before anything is sent.
func TestCompressionConflicts(t *testing.T) {
	type field struct {
		Coding string `header:"Content-Encoding"`
		Body   string
	}
	type secret struct {
		Coding crest.Secret `header:"Content-Encoding"`
		Body   string
	}
	type common struct {
		Coding string `header:"Content-Encoding"`
	}
	header := crest.WithHeader("Content-Encoding", "br")
	gzip := crest.WithCompression("gzip")
	for name, tt := range map[string]struct {
		client []crest.ClientOption
		call   sending
		opts   []crest.CallOption
		where  string
	}{
		"header of the client":   {[]crest.ClientOption{header}, compressing("POST", "gzip", asText{"abc"}), nil, `an option of the client, and by WithCompression("gzip") of the endpoint`},
		"header of the endpoint": {[]crest.ClientOption{gzip}, putOfOptions(asText{"abc"}, header), nil, `an option of the endpoint, and by WithCompression("gzip") of the client`},
		"header of the call":     {[]crest.ClientOption{gzip}, putOfOptions(asText{"abc"}), []crest.CallOption{header}, `an option of the call, and by WithCompression("gzip") of the client`},
		"defaults":               {[]crest.ClientOption{crest.WithDefaults(common{"br"})}, compressing("POST", "deflate", asText{"abc"}), nil, `a field of the model or of WithDefaults, and by WithCompression("deflate") of the endpoint`},
		"model":                  {nil, compressing("POST", "gzip", field{"br", "abc"}), nil, `a field of the model or of WithDefaults, and by WithCompression("gzip") of the endpoint`},
		"secret":                 {nil, compressing("POST", "gzip", secret{crest.NewSecret("br"), "abc"}), nil, `a field of the model or of WithDefaults, and by WithCompression("gzip") of the endpoint`},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{}
			err := tt.call(t.Context(), newClient(t, "https://api.example.com", append(tt.client, crest.WithTransport(rec))...), tt.opts...)
			fails(t, err, crest.ErrRequest, "", crest.SentNo)
			require.ErrorContains(t, err, "the header Content-Encoding is set by "+tt.where+
				`: leave the header out, or give the endpoint WithCompression("identity") for a body that is compressed already`)
			rec.none(t)
		})
	}
	t.Run("a field that is not set", func(t *testing.T) {
		type field struct {
			Coding *string `header:"Content-Encoding"`
			Body   string
		}
		rec := &recorder{}
		require.NoError(t, compressing("POST", "gzip", field{nil, "abc"})(t.Context(), newClient(t, "https://api.example.com", crest.WithTransport(rec))))
		require.Equal(t, []string{"gzip"}, rec.last(t).Header["Content-Encoding"])
	})
	t.Run("no body", func(t *testing.T) {
		rec := &recorder{}
		require.NoError(t, compressing("POST", "gzip", crest.Empty{})(t.Context(), newClient(t, "https://api.example.com", crest.WithTransport(rec), header)))
		require.Equal(t, []string{"br"}, rec.last(t).Header["Content-Encoding"], "the caller's own, as without the option")
	})
}

func putOfOptions[Req any](req Req, opts ...crest.EndpointOption) sending {
	e := crest.Put[Req, crest.Empty]("/x", opts...)
	return func(ctx context.Context, c crest.Caller, opts ...crest.CallOption) error {
		_, err := e.Call(ctx, c, req, opts...)
		return err
	}
}

// Prepare, middleware and signers see what is sent.
func TestCompressionIsSeen(t *testing.T) {
	var outer string
	var signed []byte
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithCompression("gzip"),
		crest.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return inMemory(func(req *http.Request) (*http.Response, error) {
				body, err := req.GetBody()
				require.NoError(t, err)
				copied := req.Clone(req.Context())
				copied.Body = body
				text, err := decoded(copied)
				outer = fmt.Sprint(bodyHeader(req), text, err)
				return next.RoundTrip(req)
			})
		}), crest.WithAuth(crest.AuthFunc(func(req *http.Request) error {
			body, err := req.GetBody()
			require.NoError(t, err)
			signed, err = io.ReadAll(body)
			require.NoError(t, err)
			return body.Close()
		})))
	p, err := crest.Post[asText, crest.Empty]("/x").Prepare(t.Context(), c, asText{"abc"})
	require.NoError(t, err)
	body, known := p.Body()
	require.True(t, known)
	require.Equal(t, gzipped("abc"), string(body))
	require.Equal(t, "gzip", p.Header().Get("Content-Encoding"))
	for range 2 {
		_, err = p.Send(t.Context())
		require.NoError(t, err)
		require.Equal(t, "[gzip] [] -1 [text/plain; charset=utf-8]abc<nil>", outer)
		require.Equal(t, gzipped("abc"), string(signed))
		require.Equal(t, gzipped("abc"), rec.last(t).body)
	}
	_, known = prepared(t, c, asFactory{opens("abc")}).Body()
	require.False(t, known)
}

func prepared[Req any](t *testing.T, c crest.Caller, req Req) *crest.Prepared[crest.Empty] {
	p, err := crest.Post[Req, crest.Empty]("/x").Prepare(t.Context(), c, req)
	require.NoError(t, err)
	return p
}

// crumbs hands out a text in pieces of many sizes, others each time that it is opened.
type crumbs struct {
	r    io.Reader
	size int
}

func (c *crumbs) Read(p []byte) (int, error) {
	c.size = c.size*7%1013 + 1
	return c.r.Read(p[:min(len(p), c.size)])
}

// What is signed is what is sent, however the source hands out its bytes: two openings give the same.
func TestCompressionIsTheSameEachTime(t *testing.T) {
	var text bytes.Buffer
	for i := range 6000 {
		fmt.Fprintf(&text, "%x|", sha256.Sum256([]byte{byte(i), byte(i >> 3)}))
	}
	opened := 0
	open := func() (io.ReadCloser, error) {
		opened++
		return io.NopCloser(&crumbs{bytes.NewReader(text.Bytes()), opened * 17}), nil
	}
	s := &digestServer{algorithm: "SHA-256", qop: "auth-int"}
	c := newClient(t, serve(t, s.ServeHTTP), withDigest(), crest.WithCompression("gzip"))
	require.NoError(t, putBody(open)(c), s.wrong)
	require.Equal(t, 3, opened, "twice sent, once signed")
	require.True(t, s.bodies[0] == s.bodies[1], "the two requests")
	require.Less(t, len(s.bodies[0]), text.Len())
	unzipped, err := gzip.NewReader(strings.NewReader(s.bodies[1]))
	require.NoError(t, err)
	got, err := io.ReadAll(unzipped)
	require.NoError(t, err)
	require.True(t, text.String() == string(got))
}

// Whatever can be read again is sent again, under its coding. A redirect that turns into GET leaves body and coding behind.
func TestCompressionRepeats(t *testing.T) {
	for _, status := range []int{503, 307, 308, 301, 303} {
		for name, tt := range map[string]struct {
			call sending
			once bool
		}{
			"text":     {compressing("PUT", "gzip", asText{"abc"}), false},
			"seeker":   {compressing("PUT", "gzip", asReader{strings.NewReader("abc")}), false},
			"function": {compressing("PUT", "gzip", asFactory{opens("abc")}), false},
			"reader":   {compressing("PUT", "gzip", asReader{onlyReader{strings.NewReader("abc")}}), true},
		} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				var seen []string
				c, _ := onWire(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
					text, err := decoded(r)
					seen = append(seen, fmt.Sprint(r.Method, r.Header["Content-Encoding"], r.TransferEncoding, text, err))
					if len(seen) == 1 {
						w.Header().Set("Location", "/elsewhere")
						w.WriteHeader(status)
					}
				}), nil)
				err := tt.call(t.Context(), c)
				const first = "PUT[gzip] [chunked]abc<nil>"
				switch {
				case status == 303:
					require.NoError(t, err)
					require.Equal(t, []string{first, "GET[] []<nil>"}, seen)
				case tt.once:
					require.ErrorContains(t, err, "its body cannot be read again")
					require.Equal(t, []string{first}, seen)
				default:
					require.NoError(t, err)
					require.Equal(t, []string{first, first}, seen)
				}
			})
		}
	}
}
