package crest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/crest-go/crest"
)

func ExampleWithBasic() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.BasicAuth()) })
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server),
		crest.WithBasic("имя", crest.NewSecret("пароль")))

	_, _ = crest.Get[crest.Empty, crest.Empty]("/books").Call(context.Background(), c, crest.Empty{})

	_, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithBasic("a:b", crest.NewSecret("x")))
	fmt.Println(err)
	// Output:
	// имя пароль true
	// crest: New: WithBasic: the user holds a colon, which would end it
}

// The first request is challenged; those after it carry their answer at once.
func ExampleWithDigest() {
	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("answered:", r.Header.Get("Authorization") != "")
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Digest realm="books", nonce="7ypf", qop="auth", algorithm=SHA-256`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server),
		crest.WithDigest("Mufasa", crest.NewSecret("Circle of Life")))

	for range 2 {
		r, err := crest.Get[crest.Empty, crest.Empty]("/books").Do(context.Background(), c, crest.Empty{})
		fmt.Println(r.History, err)
	}
	// Output:
	// answered: false
	// answered: true
	// [401 GET https://api.example.com/books] <nil>
	// answered: true
	// [] <nil>
}

func ExampleWithAPIKey() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Printf("%q\n", r.Header.Get("X-Api-Key")) })
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server),
		crest.WithAPIKey("X-Api-Key", crest.NewSecret("k3y")))
	public := crest.Get[crest.Empty, crest.Empty]("/public", crest.WithoutHeader("X-Api-Key"))

	_, _ = crest.Get[crest.Empty, crest.Empty]("/books").Call(context.Background(), c, crest.Empty{})
	_, _ = public.Call(context.Background(), c, crest.Empty{})
	// Output:
	// "k3y"
	// ""
}

// A key in the query is on the wire, and in no URL that crest shows.
func ExampleWithQueryKey() {
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.URL.RawQuery) })
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server),
		crest.WithQueryKey("api_key", crest.NewSecret("k3y")))

	r, _ := crest.Get[crest.Empty, crest.Empty]("/books").Do(context.Background(), c, crest.Empty{}, crest.WithQuery("page", "2"))
	fmt.Println(r.URL)
	// Output:
	// page=2&api_key=k3y
	// https://api.example.com/books?page=2
}

// A signature over the method, the path and the body.
func ExampleWithAuth() {
	key := crest.NewSecret("k3y")
	sign := crest.AuthFunc(func(req *http.Request) error {
		mac := hmac.New(sha256.New, []byte(key.Reveal()))
		fmt.Fprintln(mac, req.Method, req.URL.EscapedPath())
		if req.Body != nil && req.Body != http.NoBody {
			if req.GetBody == nil {
				return errors.New("a body that can be read only once cannot be signed")
			}
			body, err := req.GetBody()
			if err != nil {
				return err
			}
			defer body.Close()
			if _, err := io.Copy(mac, body); err != nil {
				return err
			}
		}
		req.Header.Set("X-Signature", fmt.Sprintf("%x", mac.Sum(nil)[:4]))
		return nil
	})
	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.Method, r.Header.Get("X-Signature")) })
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithAuth(sign))

	type book struct {
		Body []byte
	}
	_, _ = crest.Get[crest.Empty, crest.Empty]("/books").Call(context.Background(), c, crest.Empty{})
	_, _ = crest.Post[book, crest.Empty]("/books").Call(context.Background(), c, book{[]byte("Emil")})
	// Output:
	// GET 9a586b6b
	// POST dea667a5
}

func ExampleWithNetrc() {
	dir, _ := os.MkdirTemp("", "netrc")
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "netrc")
	_ = os.WriteFile(file, []byte("machine api.example.com login me password s3cret\n"), 0o600)

	server := fakeServer(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.BasicAuth()) })
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithNetrc(file))

	_, _ = crest.Get[crest.Empty, crest.Empty]("/books").Call(context.Background(), c, crest.Empty{})
	// Output: me s3cret true
}

// A token is fetched once, and again when the server refuses it.
func ExampleNewTokenSource() {
	fetched := 0
	source := crest.NewTokenSource(func(context.Context) (crest.Grant, error) {
		fetched++
		return crest.Grant{Token: crest.NewSecret(fmt.Sprint("t0ken", fetched)), Expires: time.Now().Add(time.Hour)}, nil
	})
	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Header.Get("Authorization"))
		if r.Header.Get("Authorization") == "Bearer t0ken1" { // it was revoked
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithBearer(source))

	for range 2 {
		_, err := crest.Get[crest.Empty, crest.Empty]("/books").Call(context.Background(), c, crest.Empty{})
		fmt.Println(err)
	}
	// Output:
	// Bearer t0ken1
	// Bearer t0ken2
	// <nil>
	// Bearer t0ken2
	// <nil>
}
