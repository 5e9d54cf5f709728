package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"

	"github.com/crest-go/crest"
)

// movedServer has moved its books to another host. It says which of two headers came along.
func movedServer() http.RoundTripper {
	return fakeServer(func(w http.ResponseWriter, req *http.Request) {
		if req.Host == "api.example.com" {
			w.Header().Set("Location", "https://books.example.com"+req.URL.Path)
			w.WriteHeader(http.StatusPermanentRedirect)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "[%q, %q]", req.Header.Get("Authorization"), req.Header.Get("X-Tenant"))
	})
}

// Redirects are followed, ten at most. A secret stays at the origin that it is for.
func ExampleWithRedirects() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(movedServer()), crest.WithBearer(crest.NewSecret("k3y")))
	books := crest.Get[crest.Empty, []string]("/books")

	resp, err := books.Do(context.Background(), c, crest.Empty{})
	fmt.Printf("%q %v\n", resp.Model, err)
	fmt.Println(resp.History[0], "→", resp.URL)

	_, err = books.Call(context.Background(), c, crest.Empty{}, crest.WithRedirects(crest.Redirects{SameOrigin: true}))
	fmt.Println(errors.Is(err, crest.KindRedirect), err)
	_, err = books.Call(context.Background(), c, crest.Empty{}, crest.WithRedirects(crest.Redirects{Max: -1})) // none
	fmt.Println(err)
	// Output:
	// ["" ""] <nil>
	// 308 GET https://api.example.com/books → https://books.example.com/books
	// true crest: GET /books: transport: redirect: the redirect leads to another origin, which Redirects.SameOrigin refuses
	// crest: GET /books: 308 Permanent Redirect
}

// An API on two hosts: the credential may go to the second one, the rest stays.
func ExampleRedirects_keep() {
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(movedServer()),
		crest.WithBearer(crest.NewSecret("k3y")), crest.WithHeader("X-Tenant", "7"),
		crest.WithRedirects(crest.Redirects{Keep: func(from, to *url.URL, header string) bool {
			return header == "Authorization" && to.Host == "books.example.com"
		}}))
	got, err := crest.Get[crest.Empty, []string]("/books").Call(context.Background(), c, crest.Empty{})
	fmt.Printf("%q %v\n", got, err)
	// Output: ["Bearer k3y" ""] <nil>
}

// The rules of Python's requests: a PUT that is answered with 302 goes on as GET.
func ExampleRequestsRedirects() {
	server := fakeServer(func(w http.ResponseWriter, req *http.Request) {
		fmt.Println(req.Method, req.URL.Path)
		if req.Method == http.MethodPut {
			http.Redirect(w, req, "/jobs/1", http.StatusFound)
		}
	})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithRedirects(crest.RequestsRedirects()))
	_, err := crest.Put[crest.Empty, crest.Empty]("/books/7").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	// Output:
	// PUT /books/7
	// GET /jobs/1
	// <nil>
}

// A session: what the login sets goes out with what follows, redirects too.
func ExampleWithCookieJar() {
	server := fakeServer(func(w http.ResponseWriter, req *http.Request) {
		fmt.Printf("%s %s %q\n", req.Method, req.URL.Path, req.Header.Get("Cookie"))
		if req.URL.Path == "/login" {
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "s1", Secure: true})
			http.Redirect(w, req, "/home", http.StatusSeeOther)
		}
	})
	jar, _ := cookiejar.New(nil)
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server), crest.WithCookieJar(jar))
	_, err := crest.Post[crest.Empty, crest.Empty]("/login").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	_, err = crest.Get[crest.Empty, crest.Empty]("/books").Call(context.Background(), c, crest.Empty{})
	fmt.Println(err)
	// Output:
	// POST /login ""
	// GET /home "sid=s1"
	// <nil>
	// GET /books "sid=s1"
	// <nil>
}
