//go:build unix

package crest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type curlJSON struct {
	Shelf string   `path:"shelf"`
	Query string   `query:"q"`
	Tags  []string `query:"tag"`
	Note  string   `header:"X-Note"`
	Some  []string `header:"X-Some"`
	Name  string   `json:"name"`
}

type curlSecrets struct {
	Path   crest.Secret `path:"tenant"`
	Query  crest.Secret `query:"key"`
	Page   crest.Secret `query:"page"`
	Header crest.Secret `header:"Range"`
	Cookie crest.Secret `cookie:"sid"`
	Body   crest.Secret `json:"password"`
}

type (
	curlText   struct{ Body string }
	curlBytes  struct{ Body []byte }
	curlReader struct{ Body io.Reader }
	curlFields struct {
		Title string     `form:"title"`
		File  crest.File `form:"file"`
	}
)

type curlFiles struct {
	Files []crest.File `form:"files"`
}

// curlFile is the name of a file where commands are run. It has awkward in it.
const curlFile = "-it's $HOME.txt"

// curlCase is a request that crest and curl send.
type curlCase struct {
	prepare func(t *testing.T, c crest.Caller) (*crest.Prepared[crest.Empty], error)
	stdin   string
	chunked bool // by crest; curl knows the length of what it has read
}

// prepared is a case of one endpoint and request.
func preparedBy[Req any](e *crest.Endpoint[Req, crest.Empty], req Req, opts ...crest.CallOption) curlCase {
	return curlCase{prepare: func(t *testing.T, c crest.Caller) (*crest.Prepared[crest.Empty], error) {
		return e.Prepare(t.Context(), c, req, opts...)
	}}
}

func (c curlCase) reading(text string) curlCase {
	c.stdin, c.chunked = text, true
	return c
}

// awkward is what shells, printf and curl could take for something else.
const awkward = "it's \"$HOME\" `id` $(id) \\ \\n %s %% !! ~ * # & ; | < > é 日本\n@x -y\n'"

func everyByte() []byte {
	all := []byte("-")
	for b := range 256 {
		all = append(all, byte(b), '7') // a digit behind an octal escape must not become part of it
	}
	return all
}

func curlCases(base string) map[string]curlCase {
	books := "/shelves/{shelf}/books"
	empty := crest.Empty{}
	sized := preparedBy(crest.Post[crest.File, crest.Empty]("/x"), crest.File{Name: "x", Content: strings.NewReader(awkward)})
	sized.stdin = awkward
	big := bytes.Repeat([]byte("0123456789abcde\n"), 20<<10)
	return map[string]curlCase{
		"GET":                 preparedBy(crest.Get[crest.Empty, crest.Empty]("/x"), empty),
		"dots":                preparedBy(crest.Get[crest.Empty, crest.Empty]("/x"), empty, crest.WithURL(base+"/a/./b/../c?q={1-3},[4]&r=it's#part")),
		"no query":            preparedBy(crest.Get[crest.Empty, crest.Empty]("/x"), empty, crest.WithURL(base+"/a?")),
		"query as it is":      preparedBy(crest.Get[crest.Empty, crest.Empty]("/x"), empty, crest.WithURL(base+"/a?q=a b é|\"^`<>")),
		"HEAD":                preparedBy(crest.Head[crest.Empty, crest.Empty]("/x"), empty),
		"OPTIONS":             preparedBy(crest.NewEndpoint[crest.Empty, crest.Empty]("OPTIONS", "/x"), empty),
		"own method":          preparedBy(crest.NewEndpoint[crest.Empty, crest.Empty]("M-'$!`", "/x"), empty),
		"DELETE":              preparedBy(crest.Delete[crest.Empty, crest.Empty]("/x"), empty),
		"POST without body":   preparedBy(crest.Post[crest.Empty, crest.Empty]("/x"), empty),
		"empty body":          preparedBy(crest.Post[curlText, crest.Empty]("/x"), curlText{}),
		"JSON":                preparedBy(crest.Post[curlJSON, crest.Empty](books), curlJSON{Shelf: "a/b c[1]{2}", Query: awkward, Tags: []string{"a&b", ""}, Note: "it's \"$HOME\" `id`", Some: []string{"a", "b, c"}, Name: awkward}),
		"compressed":          preparedBy(crest.Put[curlJSON, crest.Empty](books, crest.WithCompression("gzip")), curlJSON{Shelf: "1", Name: awkward}).reading(""),
		"secrets":             preparedBy(crest.Post[curlSecrets, crest.Empty]("/{tenant}/login"), newCurlSecrets()),
		"text":                preparedBy(crest.Put[curlText, crest.Empty]("/x"), curlText{awkward}),
		"text with an at":     preparedBy(crest.Put[curlText, crest.Empty]("/x"), curlText{"@/etc/hostname"}),
		"text with a return":  preparedBy(crest.Put[curlText, crest.Empty]("/x"), curlText{"a\r\nb\tc\x1b[31m"}),
		"text turned around":  preparedBy(crest.Put[curlText, crest.Empty]("/x"), curlText{"a\u202eb"}),
		"bytes":               preparedBy(crest.Post[curlBytes, crest.Empty]("/x"), curlBytes{everyByte()}),
		"many bytes":          preparedBy(crest.Post[curlBytes, crest.Empty]("/x"), curlBytes{big}),
		"reader":              preparedBy(crest.Post[curlReader, crest.Empty]("/x"), curlReader{io.MultiReader(strings.NewReader(awkward))}).reading(awkward),
		"file":                sized,
		"multipart":           preparedBy(crest.Post[curlFields, crest.Empty]("/x"), curlFields{"it's\x00", crest.File{Name: curlFile, Content: strings.NewReader(awkward)}}),
		"files of a form":     preparedBy(crest.Post[curlFiles, crest.Empty]("/x"), curlFiles{[]crest.File{{Name: curlFile, Content: strings.NewReader(awkward)}, {Name: curlFile, ContentType: "text/plain", Content: strings.NewReader(awkward)}}}),
		"standard input":      preparedBy(crest.Post[curlFields, crest.Empty]("/x"), curlFields{"a file, and not what cat takes its name for", crest.File{Name: "-", Content: strings.NewReader(awkward)}}),
		"multipart in memory": preparedBy(crest.Post[curlFields, crest.Empty]("/x"), curlFields{"it's", crest.File{}}),
		"no headers": preparedBy(crest.Post[curlText, crest.Empty]("/x"), curlText{strings.Repeat("a", 2<<20)},
			crest.WithoutHeader("User-Agent"), crest.WithoutHeader("Accept"), crest.WithoutHeader("Accept-Encoding"), crest.WithoutHeader("Content-Type")),
		"other headers": preparedBy(crest.Get[crest.Empty, crest.Empty]("/x"), empty,
			crest.WithHeader("Accept-Encoding", "br"), crest.WithHeader("Host", "other.example"), crest.WithHeader("X-Empty", ""), crest.WithHeader("X-At", "@/etc/hostname"),
			crest.WithHeader("Authorization", "Own x"), crest.WithCookie("a", "b")),
	}
}

func newCurlSecrets() curlSecrets {
	secret := func(place string) crest.Secret { return crest.NewSecret("S3CR3T-" + place) }
	return curlSecrets{secret("path's"), secret("query&"), secret("page"), secret("header"), secret("cookie"), secret("body'")}
}

// received is a request as a server has it.
type received struct {
	Method, URI, Host string
	Header            http.Header
	Length            int64
	Body              string
}

// curlServer keeps the newest request that it got.
func curlServer(t *testing.T) (base string, last func() received) {
	var mu sync.Mutex
	var got received
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = received{r.Method, r.RequestURI, r.Host, r.Header, r.ContentLength, string(body)}
		if len(body) > 10_000 { // for messages that can be read
			got.Body = fmt.Sprintf("%x", sha256.Sum256(body))
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, func() received {
		mu.Lock()
		defer mu.Unlock()
		defer func() { got = received{} }()
		return got
	}
}

// What a shell and curl make of the line is what crest sends. Each case is run by a curl in Go, and by the real one where there is one.
func TestCurlSendsWhatCrestSends(t *testing.T) {
	noProxies(t)
	base, last := curlServer(t)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	home, err := url.Parse(base)
	require.NoError(t, err)
	jar.SetCookies(home, []*http.Cookie{{Name: "kept", Value: "c"}})
	c := newClient(t, base, crest.WithBearer(crest.NewSecret("S3CR3T-token")), crest.WithAPIKey("X-Key", crest.NewSecret("S3CR3T-key'")), crest.WithCookieJar(jar))
	for name, cs := range curlCases(base) {
		t.Run(name, func(t *testing.T) {
			p, err := cs.prepare(t, c)
			require.NoError(t, err)
			line, err := p.CurlWithSecrets(t.Context())
			require.NoError(t, err)
			masked := p.Curl()
			require.NotContains(t, masked, "S3CR3T")
			_, err = p.Send(t.Context())
			require.NoError(t, err)
			want := last()
			if cs.chunked {
				require.Equal(t, int64(-1), want.Length)
				want.Length = int64(len(want.Body))
			}
			for by, run := range curls(t) {
				run(t, line, cs.stdin)
				got := last()
				if cs.chunked {
					got.Header.Del("Content-Length")
				}
				require.Equal(t, want, got, "%s: %.2000s", by, line)
				run(t, masked, cs.stdin)
				require.Equal(t, want.Method, last().Method, "%s: %.2000s", by, masked)
			}
		})
	}
}

// curls are the ways to run a line.
func curls(t *testing.T) map[string]func(t *testing.T, line, stdin string) {
	ways := map[string]func(t *testing.T, line, stdin string){"a curl in Go": runOwnCurl}
	if _, err := exec.LookPath("curl"); err == nil {
		ways["curl"] = func(t *testing.T, line, stdin string) {
			out, err := shell(t, line, stdin)
			require.NoError(t, err, "%s", out)
		}
	}
	return ways
}

// shell runs a line as a file is run, whose lines may be longer than an argument.
func shell(t *testing.T, line, stdin string) ([]byte, error) {
	dir := t.TempDir()
	script := dir + "/line.sh"
	require.NoError(t, os.WriteFile(script, []byte(line+"\n"), 0o600))
	for _, name := range []string{curlFile, "-"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(awkward), 0o600))
	}
	run := exec.CommandContext(t.Context(), "sh", script)
	run.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()} // no .curlrc
	run.Dir, run.Stdin = dir, strings.NewReader(stdin)
	var out, log bytes.Buffer
	run.Stdout, run.Stderr = &out, &log
	err := run.Run()
	if err != nil {
		err = errors.New(err.Error() + ": " + log.String())
	}
	return out.Bytes(), err
}

// runOwnCurl lets the shell say what words and what input curl would get, and sends that.
func runOwnCurl(t *testing.T, line, stdin string) {
	t.Helper()
	const curl = `curl() { printf '%s\0' "$@"; printf 'end\0'; cat; }` + "\n"
	out, err := shell(t, curl+line, stdin)
	require.NoError(t, err)
	words, input, found := strings.Cut(string(out), "end\x00")
	require.True(t, found)
	req, err := ownCurl(t.Context(), strings.Split(strings.TrimSuffix(words, "\x00"), "\x00"), input)
	require.NoError(t, err)
	wire := &http.Transport{DisableCompression: true}
	defer wire.CloseIdleConnections()
	resp, err := wire.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
}

// ownCurl is the request that curl makes of its words.
func ownCurl(ctx context.Context, words []string, input string) (*http.Request, error) {
	method, target, body, sends := http.MethodGet, "", "", false
	header := http.Header{"User-Agent": {"curl/1"}, "Accept": {"*/*"}, "Accept-Encoding": nil}
	for ; len(words) > 0; words = words[1:] {
		switch word := words[0]; word {
		case "--globoff", "--path-as-is", "--compressed":
		case "--head":
			method = http.MethodHead
		case "-X", "-H", "--data-raw", "--data-binary":
			words = words[1:]
			switch value := words[0]; word {
			case "-X":
				method = value
			case "-H":
				ownCurlHeader(header, value)
			case "--data-raw":
				body, sends = value, true
			default:
				if value != "@-" {
					return nil, errors.New("not the standard input: " + value)
				}
				body, sends = input, true
			}
		default:
			if target != "" || !strings.HasPrefix(word, "http") {
				return nil, errors.New("an unknown word: " + word)
			}
			target = word
		}
	}
	if _, set := header["Content-Type"]; sends && !set {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if sends && body == "" {
		req.TransferEncoding = []string{"identity"} // a Content-Length: 0
	}
	if host := header.Get("Host"); host != "" {
		req.Host = host
		header.Del("Host")
	}
	req.Header = header
	return req, nil
}

// ownCurlHeader does what -H does: "A: b" adds, "A;" is empty, "A:" takes away what curl would add. What the user says replaces that.
func ownCurlHeader(header http.Header, value string) {
	if name, empty := strings.CutSuffix(value, ";"); empty && !strings.Contains(name, ":") {
		header.Add(name, "")
		return
	}
	name, text, _ := strings.Cut(value, ":")
	switch text = strings.TrimSpace(text); {
	case text == "":
		header[name] = nil
	case name == "User-Agent" || name == "Accept":
		header[name] = []string{text}
	default:
		header.Add(name, text)
	}
}

// The whole line, as it is given out.
func TestCurlLines(t *testing.T) {
	c := newClient(t, "https://api.example.com", crest.WithBearer(crest.NewSecret("t")), crest.WithHeader("User-Agent", "sdk/1"))
	p, err := crest.Post[curlSecrets, crest.Empty]("/{tenant}/login").Prepare(t.Context(), c, newCurlSecrets(), crest.WithQuery("limit", "5"), crest.WithHeader("X-Own", "o"))
	require.NoError(t, err)
	require.Equal(t, `curl -X POST --globoff 'https://api.example.com/%5Bredacted%5D/login?limit=5&key=[redacted]&page=%5Bredacted%5D' --compressed `+
		`-H 'Accept: */*' -H 'Accept-Encoding: gzip, deflate' -H 'Authorization: [redacted]' -H 'Content-Type: application/json' -H 'Cookie: [redacted]' `+
		`-H 'Range: [redacted]' -H 'User-Agent: sdk/1' -H 'X-Own: [redacted]' --data-raw '[redacted]'`, p.Curl())
	line, err := p.CurlWithSecrets(t.Context())
	require.NoError(t, err)
	require.Equal(t, `curl -X POST 'https://api.example.com/S3CR3T-path%27s/login?limit=5&key=S3CR3T-query%26&page=S3CR3T-page' --compressed `+
		`-H 'Accept: */*' -H 'Accept-Encoding: gzip, deflate' -H 'Authorization: Bearer t' -H 'Content-Type: application/json' -H 'Cookie: sid=S3CR3T-cookie' `+
		`-H 'Range: S3CR3T-header' -H 'User-Agent: sdk/1' -H 'X-Own: o' --data-raw '{"password":"S3CR3T-body'\''"}'`, line)
}

// A form with files has its own bytes in the line, and the names of the files. Secrets and names of WithRedact cannot be found among them: nothing is shown.
func TestCurlOfForms(t *testing.T) {
	c := newClient(t, "https://api.example.com")
	of := func(req any, opts ...crest.EndpointOption) *crest.Prepared[any] {
		e, err := crest.NewEndpointOf(http.MethodPost, "/x", reflect.TypeOf(req), reflect.TypeFor[crest.Empty](), opts...)
		require.NoError(t, err)
		p, err := e.Prepare(t.Context(), c, req)
		require.NoError(t, err)
		return p
	}
	file := crest.File{Name: "cover.png", Content: strings.NewReader("png")}
	form := of(curlFields{"Dune", file})
	require.Regexp(t, `^\{ printf '\\055-[A-Z2-7]+\\015\\012Content-Disposition: form-data; name="title"\\015\\012\\015\\012Dune\\015\\012--.* && cat -- cover\.png && printf '.*--\\015\\012'; \} \| curl -X POST `, form.Curl())
	cut, err := shell(t, "curl() { cat; }\n"+form.Curl(), "") // there is no such file
	require.NoError(t, err)
	require.Contains(t, string(cut), "Dune")
	require.False(t, strings.HasSuffix(string(cut), "--\r\n"), "a form with an empty file in its place would be a whole one")
	type secretForm struct {
		Pin  crest.Secret `form:"pin"`
		File crest.File   `form:"file"`
	}
	secret := of(secretForm{crest.NewSecret("S3CR3T"), file})
	require.NotContains(t, secret.Curl(), "S3CR3T")
	clear, err := secret.CurlWithSecrets(t.Context())
	require.NoError(t, err)
	require.Contains(t, clear, "S3CR3T")
	for name, hidden := range map[string]string{
		"a Secret":     secret.Curl(),
		"a name":       of(curlFields{"Dune", file}, crest.WithRedact("title")).Curl(),
		"all":          of(curlFields{"Dune", file}, crest.WithRedact("*")).Curl(),
		"no file name": of(curlFields{"Dune", crest.File{Content: strings.NewReader("png")}}).Curl(),
		"compressed":   of(curlFields{"Dune", file}, crest.WithCompression("gzip")).Curl(),
	} {
		require.True(t, strings.HasPrefix(hidden, "curl "), name)
		require.True(t, strings.HasSuffix(hidden, "--data-binary @-"), name)
	}
}

// What WithRedact names is hidden in URL, headers and body.
func TestCurlRedacts(t *testing.T) {
	c := newClient(t, "https://api.example.com")
	named := func(names ...string) string {
		p, err := crest.Post[curlJSON, crest.Empty]("/{shelf}", crest.WithRedact(names...)).Prepare(t.Context(), c, curlJSON{Shelf: "1", Name: "Rex"}, crest.WithQuery("limit", "5"))
		require.NoError(t, err)
		return p.Curl()
	}
	require.Contains(t, named("other"), `{"name":"Rex"}`)
	shown := named("name", "limit", "user-agent")
	require.Contains(t, shown, `{"name":"[redacted]"}`)
	require.Contains(t, shown, "limit=[redacted]")
	require.Contains(t, shown, "'User-Agent: [redacted]'")
	require.NotContains(t, named("*"), "limit")
	require.Contains(t, named("*"), "--data-raw '[redacted]'")
}

// A signer is given the request of the first attempt, with its body.
func TestCurlIsSigned(t *testing.T) {
	signed := 0
	c := newClient(t, "https://api.example.com", crest.WithAuth(crest.AuthFunc(func(req *http.Request) error {
		body, err := io.ReadAll(req.Body)
		signed++
		req.Header.Set("X-Signature", strings.ToUpper(string(body)))
		return err
	})))
	p, err := crest.Put[curlText, crest.Empty]("/x").Prepare(t.Context(), c, curlText{"text"})
	require.NoError(t, err)
	require.NotContains(t, p.Curl(), "X-Signature")
	require.Zero(t, signed)
	line, err := p.CurlWithSecrets(t.Context())
	require.NoError(t, err)
	require.Contains(t, line, "'X-Signature: TEXT'")
	require.Equal(t, 1, signed)
}

func TestCurlFailures(t *testing.T) {
	var zero crest.Prepared[crest.Empty]
	require.Empty(t, zero.Curl())
	_, err := zero.CurlWithSecrets(t.Context())
	require.ErrorIs(t, err, crest.ErrRequest)

	c := newClient(t, "https://api.example.com", crest.WithBearer(crest.NewToken("")))
	p, err := crest.Get[crest.Empty, crest.Empty]("/x").Prepare(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	_, err = p.CurlWithSecrets(t.Context())
	fails(t, err, crest.ErrCredentials, "", crest.SentNo)
	var none context.Context
	_, err = p.CurlWithSecrets(none)
	fails(t, err, crest.ErrRequest, "", crest.SentNo)
	_, err = p.CurlWithSecrets(cancelledWith(t, errLeft))
	require.ErrorIs(t, err, errLeft)
}
