package crest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// part is one part of a form as mime/multipart reads it.
type part struct {
	name, file, text string
	header           textproto.MIMEHeader
}

// readForm reads a multipart body.
func readForm(t testing.TB, contentType, body string) []part {
	t.Helper()
	mediaType, params, err := mime.ParseMediaType(contentType)
	require.NoError(t, err)
	require.Equal(t, "multipart/form-data", mediaType)
	var parts []part
	for r := multipart.NewReader(strings.NewReader(body), params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return parts
		}
		require.NoError(t, err, "%q", body)
		text, err := io.ReadAll(p)
		require.NoError(t, err)
		_, params, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
		require.NoError(t, err, "%q", p.Header)
		parts = append(parts, part{p.FormName(), params["filename"], string(text), p.Header})
	}
}

// formOf sends a model and returns its form as it arrived.
func formOf[Req any](t testing.TB, req Req, opts ...crest.CallOption) ([]part, seen) {
	t.Helper()
	server := &recorder{}
	_, err := crest.Post[Req, crest.Empty]("/x").Call(context.Background(), newClient(t, "https://api.example.com", crest.WithTransport(server)), req, opts...)
	require.NoError(t, err)
	sent := server.last(t)
	return readForm(t, sent.Header.Get("Content-Type"), sent.body), sent
}

// textFile is a File of a text.
func textFile(name, text string) crest.File {
	return crest.File{Name: name, Content: strings.NewReader(text)}
}

type uploadForm struct {
	Title string       `form:"title"`
	File  crest.File   `form:"file"`
	Tags  []string     `form:"tags"`
	More  []crest.File `form:"more"`
	Thumb *crest.File  `form:"thumb"`
	Last  string       `form:"last,omitzero"`
}

// Text and files arrive in declared order; what has no file is left out.
func TestMultipartForm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	require.NoError(t, os.WriteFile(path, []byte("from disk"), 0o600))
	file, err := crest.OpenFile(path)
	require.NoError(t, err)
	parts, sent := formOf(t, uploadForm{
		Title: "T", File: file, Tags: []string{"a", "b"}, Last: "end",
		More: []crest.File{textFile("x", "xx"), {}, {Name: "y", Content: bytes.NewReader(nil), ContentType: "image/png", Header: http.Header{"X-B": {"2", "3"}, "X-A": {"1"}}}},
	})
	var got []string
	for _, p := range parts {
		got = append(got, fmt.Sprintf("%s %s %s", p.name, p.file, p.text))
	}
	require.Equal(t, []string{"title  T", "file a.txt from disk", "tags  a", "tags  b", "more x xx", "more y ", "last  end"}, got)
	require.Equal(t, []string{"application/octet-stream"}, parts[1].header["Content-Type"])
	require.Empty(t, parts[0].header["Content-Type"], "a text field is text/plain (RFC 7578, section 4.4)")
	require.Equal(t, textproto.MIMEHeader{"Content-Disposition": {`form-data; name="more"; filename="y"`}, "Content-Type": {"image/png"}, "X-A": {"1"}, "X-B": {"2", "3"}}, parts[5].header)
	require.EqualValues(t, len(sent.body), sent.ContentLength, "all sizes are known")
}

func TestMultipartOfNothing(t *testing.T) {
	type onlyFiles struct {
		File *crest.File `form:"file"`
	}
	parts, sent := formOf(t, onlyFiles{})
	require.Empty(t, parts)
	require.EqualValues(t, len(sent.body), sent.ContentLength)
	parts, _ = formOf(t, uploadForm{})
	require.Len(t, parts, 1)
	require.Equal(t, "title", parts[0].name)
}

// The boundary is drawn for each call and is the same for each attempt, as are all bytes.
func TestR22Boundary(t *testing.T) {
	server := play(gives(503), gives(503), gives(204))
	c := retried(t, server)
	put := crest.Put[uploadForm, crest.Empty]("/x")
	for range 2 {
		_, err := put.Call(t.Context(), c, uploadForm{Title: "T", File: textFile("a", "the file")})
		require.NoError(t, err)
	}
	types, bodies := server.headers("Content-Type"), server.all
	require.Len(t, bodies, 4)
	for i := range 3 {
		require.Equal(t, types[0], types[i])
		require.Equal(t, bodies[0].body, bodies[i].body)
	}
	require.NotEqual(t, types[0], types[3])
	_, params, err := mime.ParseMediaType(types[0])
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(params["boundary"]), 26, "128 random bits in base 32")
	require.LessOrEqual(t, len(params["boundary"]), 70, "RFC 2046, section 5.1.1")
}

// R22: what would break out of a part's header is refused before anything is sent, and never shown.
func TestR22PartHeaders(t *testing.T) {
	type form struct {
		File crest.File        `form:"file"`
		All  map[string]string `form:"*"`
	}
	content := func(f crest.File) form {
		f.Content = strings.NewReader("x")
		return form{File: f}
	}
	for name, tt := range map[string]struct {
		in   form
		want string
	}{
		"name CRLF":           {content(crest.File{Name: "a\r\nEvil: 1"}), "Name holds a control character"},
		"name NUL":            {content(crest.File{Name: "a\x00Evil"}), "Name holds a control character"},
		"name DEL":            {content(crest.File{Name: "Evil\x7f"}), "Name holds a control character"},
		"name NEL":            {content(crest.File{Name: "Evil\u0085"}), "Name holds a control character"},
		"name not UTF-8":      {content(crest.File{Name: "Evil\xff"}), "Name is not UTF-8"},
		"name a folder":       {content(crest.File{Name: "Evil/"}), "Name names no file"},
		"name ..":             {content(crest.File{Name: `Evil\..`}), "Name names no file"},
		"type CRLF":           {content(crest.File{ContentType: "text/plain\r\nEvil: 1"}), "ContentType is not a media type"},
		"type without slash":  {content(crest.File{ContentType: "Evil"}), "ContentType is not a media type"},
		"type in parameter":   {content(crest.File{ContentType: "text/plain; a=\"\r\nEvil: 1\""}), "ContentType is not a media type"},
		"header value":        {content(crest.File{Header: http.Header{"X-A": {"a\r\nEvil: 1"}}}), "the value of header X-A holds a control character"},
		"header name":         {content(crest.File{Header: http.Header{"X-A: 1\r\nEvil": {"1"}}}), "is not a token"},
		"header type":         {content(crest.File{Header: http.Header{"content-type": {"text/plain"}}}), "which crest writes from the file's other fields"},
		"header disposition":  {content(crest.File{Header: http.Header{"Content-Disposition": {"form-data"}}}), "which crest writes from the file's other fields"},
		"header length":       {content(crest.File{Header: http.Header{"Content-Length": {"1"}}}), "cannot be set by hand"},
		"field name":          {form{All: map[string]string{"a\r\nEvil: 1": "x"}}, "name holds a control character"},
		"field name no UTF-8": {form{All: map[string]string{"Evil\xff": "x"}}, "name is not UTF-8"},
		"negative size":       {content(crest.File{Size: -1}), "Size is -1"},
		"size of Content":     {content(crest.File{Size: 5}), "Size is 5 and its Content has 1 bytes"},
		"no source":           {form{File: crest.File{Name: "a"}}, "neither Content nor Open"},
		"two sources":         {content(crest.File{Open: func() (io.ReadCloser, error) { return nil, nil }}), "both Content and Open"},
	} {
		t.Run(name, func(t *testing.T) {
			server := &recorder{}
			_, err := crest.Post[form, crest.Empty]("/x").Call(t.Context(), newClient(t, "https://x.example", crest.WithTransport(server)), tt.in)
			fails(t, err, crest.ErrRequest, "", crest.SentNo)
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, "form.")
			require.False(t, strings.Contains(err.Error(), "Evil") && !strings.Contains(name, "header name"), "%v", err)
			server.none(t)
		})
	}
	t.Run("one reader twice", func(t *testing.T) {
		r := strings.NewReader("x")
		_, err := crest.Post[uploadForm, crest.Empty]("/x").Call(t.Context(), newClient(t, "https://x.example"),
			uploadForm{File: crest.File{Content: r}, Thumb: &crest.File{Content: r}})
		require.ErrorContains(t, err, "uploadForm.Thumb")
		require.ErrorContains(t, err, "give each its own reader")
	})
	t.Run("Content-Type by hand", func(t *testing.T) {
		for _, opt := range []crest.CallOption{crest.WithHeader("Content-Type", "multipart/form-data; boundary=mine"), crest.WithoutHeader("Content-Type")} {
			_, err := crest.Post[uploadForm, crest.Empty]("/x").Call(t.Context(), newClient(t, "https://x.example"), uploadForm{File: textFile("a", "b")}, opt)
			fails(t, err, crest.ErrRequest, "", crest.SentNo)
			require.ErrorContains(t, err, "the header Content-Type cannot be set or removed")
		}
	})
}

// R22: file names are cut to their base; the names of other alphabets stand there twice.
func TestR22FileNames(t *testing.T) {
	for name, want := range map[string]string{
		"a.txt":             `filename="a.txt"`,
		"/etc/passwd":       `filename="passwd"`,
		`C:\dir\a b.txt`:    `filename="a b.txt"`,
		`say "hi".txt`:      `filename="say \"hi\".txt"`,
		"%22.txt":           `filename="%22.txt"`,
		"naïve €.txt":       `filename="naïve €.txt"; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.txt`,
		"é\"+;.txt":         `filename="é\"+;.txt"; filename*=UTF-8''%C3%A9%22%2B%3B.txt`,
		"dir/\u202egnp.txt": "filename=\"\u202egnp.txt\"; filename*=UTF-8''%E2%80%AEgnp.txt",
		"":                  "",
	} {
		parts, _ := formOf(t, struct {
			File crest.File `form:"f"`
		}{textFile(name, "x")})
		want = strings.TrimSuffix(`form-data; name="f"; `+want, "; ")
		require.Equal(t, want, parts[0].header.Get("Content-Disposition"))
		require.Equal(t, name[strings.LastIndexAny(name, `/\`)+1:], parts[0].file)
	}
}

// A Secret beside a file goes out in clear, to the client's own origin alone.
func TestMultipartSecrets(t *testing.T) {
	type form struct {
		Key  crest.Secret `form:"key"`
		File crest.File   `form:"file"`
	}
	key := crest.NewSecret("hunter2")
	parts, _ := formOf(t, form{key, textFile("a", "x")})
	require.Equal(t, "hunter2", parts[0].text)

	server := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(server))
	_, err := crest.Post[form, crest.Empty]("/x").Call(t.Context(), c, form{key, textFile("a", "x")}, crest.WithURL("https://elsewhere.example/x"))
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
	require.ErrorContains(t, err, "holds a Secret")
	server.none(t)
	_, err = crest.Post[form, crest.Empty]("/x").Call(t.Context(), c, form{File: textFile("a", "x")}, crest.WithURL("https://elsewhere.example/x"))
	require.NoError(t, err)
}

// FuzzR22Multipart: whatever the names and contents, an error sends nothing, and what is sent is read back by mime/multipart as
// exactly the parts that were meant, with no header line that was not.
func FuzzR22Multipart(f *testing.F) {
	for _, s := range []string{"a", "", "a\r\nb: c", `"`, `\`, `a\"b`, `C:\x`, "%22", "é", "\xff", "a;b=c", "--", "\r\n--", "a=b&c", " a ", "\x00", "..", "filename*=UTF-8''x", "\u2028", "a/b"} {
		f.Add(s, s, s, "text/plain", "X-A", s)
		f.Add("n", "f", s, s, s, s)
	}
	type form struct {
		All  map[string]string `form:"*"`
		File crest.File        `form:"file"`
		End  string            `form:"end"`
	}
	server := &recorder{}
	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))
	require.NoError(f, err)
	post := crest.Post[form, crest.Empty]("/x")
	f.Fuzz(func(t *testing.T, name, fileName, content, contentType, header, value string) {
		server.all = nil
		_, err := post.Call(context.Background(), c, form{map[string]string{name: value}, crest.File{
			Name: fileName, ContentType: contentType, Header: http.Header{header: {value}}, Content: onlyReader{strings.NewReader(content)},
		}, content})
		if err != nil {
			require.ErrorIs(t, err, crest.ErrRequest)
			require.Empty(t, server.all)
			return
		}
		base := fileName[strings.LastIndexAny(fileName, `/\`)+1:]
		require.True(t, utf8.ValidString(name+base) && !strings.ContainsFunc(name+base, unicode.IsControl))
		sent := server.last(t)
		parts := readForm(t, sent.Header.Get("Content-Type"), sent.body)
		if name == "file" || name == "end" { // the named field has it
			parts = append([]part{{name: name, text: value}}, parts...)
		}
		require.Len(t, parts, 3)
		require.Equal(t, part{name, "", value, parts[0].header}, parts[0])
		require.Equal(t, part{"file", base, content, parts[1].header}, parts[1])
		require.Equal(t, part{"end", "", content, parts[2].header}, parts[2])
		require.Len(t, parts[1].header, 3, "Content-Disposition, Content-Type and its own")
		require.Equal(t, []string{value}, parts[1].header[textproto.CanonicalMIMEHeaderKey(header)])
	})
}
