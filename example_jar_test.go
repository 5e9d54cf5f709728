package crest_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/crest-go/crest"
)

// A session outlives the program: it is saved after the login and loaded at the next start.
func ExampleNewJar() {
	server := fakeServer(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			w.Header().Add("Set-Cookie", "__Host-sid=s3cr3t; Path=/; Secure; HttpOnly; Max-Age=3600")
		}
		fmt.Printf("the server got %q\n", r.Header.Get("Cookie"))
	})
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "cookies.json")

	start := func() (*crest.Client[*crest.Problem], *crest.Jar) {
		jar := crest.NewJar(crest.JarOptions{})
		if err := jar.Load(file); err != nil && !errors.Is(err, fs.ErrNotExist) { // the first time there is none
			fmt.Println(err)
		}
		c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithCookieJar(jar), crest.WithTransport(server))
		return c, jar
	}

	c, jar := start()
	_, _ = crest.Post[crest.Empty, crest.Empty]("/login").Call(context.Background(), c, crest.Empty{})
	fmt.Println(jar, jar.Save(file))

	c, jar = start() // another day
	_, _ = crest.Get[crest.Empty, crest.Empty]("/account").Call(context.Background(), c, crest.Empty{})
	for cookie := range jar.All() {
		fmt.Println(cookie.Domain, cookie.Path, cookie.Name, cookie.HttpOnly)
	}
	// Output:
	// the server got ""
	// crest.Jar(1 cookies) <nil>
	// the server got "__Host-sid=s3cr3t"
	// api.example.com / __Host-sid true
}
