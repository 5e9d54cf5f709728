package crest_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/crest-go/crest"
)

// The code between "recipe: name" and "end of recipe" stands in docs/recipes.md, word for word; TestDocsRecipes holds the two together.

// recipe: user-agent

// userAgent names an integration: who made it, for which product, which build, and what it runs on.
func userAgent(vendor, product, build string) string {
	return fmt.Sprintf("Integration/1.0 (%s; %s; Build/%s) crest/%s (%s/%s; %s)",
		cmp.Or(vendor, "unknown"), cmp.Or(product, "unknown"), cmp.Or(build, "unknown"),
		crest.Version, runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// end of recipe

func Example_userAgent() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) {
		ours, _, _ := strings.Cut(r.UserAgent(), " crest/")
		fmt.Println(ours)
	})
	// recipe: user-agent-use
	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server),
		crest.WithHeader("User-Agent", userAgent("Example Ltd.", "petstore", "20261105")))
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = crest.Get[crest.Empty, crest.Empty]("/pets").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	// Output:
	// Integration/1.0 (Example Ltd.; petstore; Build/20261105)
	// <nil>
}

// recipe: flatten

// flatten writes nested parameters with dotted keys: {"address": {"city": "Oslo"}} becomes address.city=Oslo. Lists repeat
// their key, nil is left out.
func flatten(into map[string][]string, prefix string, parameters map[string]any) map[string][]string {
	for name, v := range parameters {
		name = prefix + name
		switch v := v.(type) {
		case nil:
		case map[string]any:
			flatten(into, name+".", v)
		case []any:
			for _, entry := range v {
				into[name] = append(into[name], fmt.Sprint(entry))
			}
		default:
			into[name] = append(into[name], fmt.Sprint(v))
		}
	}
	return into
}

// end of recipe

func Example_flatten() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.URL.RawQuery) })
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))
	// recipe: flatten-use
	type Search struct {
		Parameters map[string][]string `query:"*"`
	}
	find := crest.Get[Search, crest.Empty]("/people")
	_, err := find.Call(context.Background(), c, Search{flatten(map[string][]string{}, "", map[string]any{
		"address": map[string]any{"city": "cityname", "zipcode": 12345},
		"tag":     []any{"a", "b"},
		"name":    nil,
	})})
	// end of recipe
	fmt.Println(err)
	// Output:
	// address.city=cityname&address.zipcode=12345&tag=a&tag=b
	// <nil>
}

// recipe: credentials-from-url

// splitCredentials takes user and password out of a URL, as they stand in settings such as https://user:password@api.example.com.
// The error of url.Parse would show the password.
func splitCredentials(text string) (base string, opts []crest.ClientOption, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", nil, errors.New("the URL in the settings cannot be parsed")
	}
	if u.User != nil {
		password, _ := u.User.Password()
		opts = append(opts, crest.WithBasic(u.User.Username(), crest.NewSecret(password)))
		u.User = nil
	}
	return u.String(), opts, nil
}

// end of recipe

func Example_credentialsFromURL() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		fmt.Printf("%s %q %q\n", r.Host, user, password)
	})
	// recipe: credentials-from-url-use
	base, opts, err := splitCredentials("https://user:pass%23pass@api.example.com/v1")
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := crest.New[*crest.Problem](base, append(opts, crest.WithTransport(server))...)
	// end of recipe
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = crest.Get[crest.Empty, crest.Empty]("/pets").Call(context.Background(), c, crest.Empty{})
	// Output: api.example.com "user" "pass#pass"
}

func Example_endpointList() {
	// recipe: endpoint-list
	type byID struct {
		ID int `path:"id"`
	}
	var (
		listPets  = crest.Get[crest.Empty, []string]("/pets")
		getPet    = crest.Get[byID, any]("/pets/{id}")
		deletePet = crest.Delete[byID, crest.Empty]("/pets/{id}")
	)
	for _, endpoint := range []fmt.Stringer{listPets, getPet, deletePet} {
		fmt.Println(endpoint)
	}
	// end of recipe
	// Output:
	// GET /pets
	// GET /pets/{id}
	// DELETE /pets/{id}
}

func Example_latin1() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(fakeServer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("caf\xe9"))
	})))
	// recipe: latin1
	page, err := crest.Get[crest.Empty, []byte]("/menu").Call(context.Background(), c, crest.Empty{})
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := charmap.ISO8859_1.NewDecoder().Bytes(page) // golang.org/x/text/encoding/charmap
	fmt.Println(string(text), err)
	// end of recipe
	// Output: café <nil>
}

func Example_formCharset() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(r.Header.Get("Content-Type"))
		fmt.Println(string(body))
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server))
	// recipe: form-charset
	type Form struct {
		Type string `header:"Content-Type"`
		Body []byte
	}
	encoder := charmap.KOI8R.NewEncoder()
	name, err := encoder.String("имя")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = crest.Post[Form, crest.Empty]("/search").Call(context.Background(), c, Form{
		Type: "application/x-www-form-urlencoded; charset=koi8-r",
		Body: []byte(url.Values{"q": {name}}.Encode()),
	})
	// end of recipe
	fmt.Println(err)
	// Output:
	// application/x-www-form-urlencoded; charset=koi8-r
	// q=%C9%CD%D1
	// <nil>
}

// recipe: poll

// operation is what the API says about work that goes on after its answer.
type operation struct {
	Status string `json:"status" validate:"oneof=in-progress success failed"`
}

// wait asks for an operation until it has ended or ctx has.
func wait(ctx context.Context, c crest.Caller, every time.Duration, link string) error {
	getOperation := crest.Get[crest.Empty, operation]("/operation")
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		op, err := getOperation.Call(ctx, c, crest.Empty{}, crest.WithURL(link))
		switch {
		case err != nil:
			return err
		case op.Status == "failed":
			return errors.New("the operation failed")
		case op.Status == "success":
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// end of recipe

func Example_poll() {
	answers := []string{"in-progress", "in-progress", "success"}
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(fakeServer(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.URL.Path, answers[0])
		answering(200, `{"status": "`+answers[0]+`"}`)(w, r)
		answers = answers[1:]
	})))
	fmt.Println(wait(context.Background(), c, time.Millisecond, "https://api.example.com/operations/7"))
	// Output:
	// /operations/7 in-progress
	// /operations/7 in-progress
	// /operations/7 success
	// <nil>
}

func Example_upgradeLink() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.URL, r.Header.Get("Authorization")) })
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithBearer(crest.NewSecret("t0ken")))
	follow := crest.Get[crest.Empty, crest.Empty]("/")
	link := "http://api.example.com/operations/7"

	_, err := follow.Call(context.Background(), c, crest.Empty{}, crest.WithURL(link))
	fmt.Println(errors.Is(err, crest.ErrRequest))
	// recipe: upgrade-link
	if rest, ok := strings.CutPrefix(link, "http://"); ok {
		link = "https://" + rest // this API writes http and means https
	}
	_, err = follow.Call(context.Background(), c, crest.Empty{}, crest.WithURL(link))
	// end of recipe
	fmt.Println(err)
	// Output:
	// true
	// https://api.example.com/operations/7 Bearer t0ken
	// <nil>
}
