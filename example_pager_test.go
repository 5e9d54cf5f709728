package crest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/crest-go/crest"
)

// Book is the item of the Examples' lists.
type Book struct {
	Title string `json:"title"`
}

type listBooks struct {
	Cursor string `query:"cursor,omitzero"`
	Page   int    `query:"page,omitzero"`
}

type bookList struct {
	Data []Book `json:"data"`
	Next string `json:"next_cursor"`
}

// library answers /books in pages of two, with a cursor and a Link header.
var library = fakeServer(func(w http.ResponseWriter, req *http.Request) {
	titles := []string{"Dune", "Emma", "Ulysses", "Walden", "Zorba"}
	from, _ := strconv.Atoi(req.URL.Query().Get("cursor"))
	if page, _ := strconv.Atoi(req.URL.Query().Get("page")); page > 1 {
		from = min(2*(page-1), len(titles))
	}
	body, to := "", min(from+2, len(titles))
	for _, title := range titles[from:to] {
		body += fmt.Sprintf(`,{"title":%q}`, title)
	}
	next := ""
	if to < len(titles) {
		next = strconv.Itoa(to)
		w.Header().Set("Link", `</books?cursor=`+next+`>; rel="next"`)
	}
	if body != "" {
		body = body[1:]
	}
	answering(200, fmt.Sprintf(`{"data":[%s],"next_cursor":%q}`, body, next))(w, req)
})

// A cursor in the body leads from page to page. Pages are fetched when the loop asks for them.
func ExampleNewPager() {
	var books = crest.NewPager[Book](
		crest.Get[listBooks, bookList]("/books"),
		crest.Paging{Items: "data", Cursor: "cursor", NextCursor: "next_cursor"},
	)
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(library))
	for book, err := range books.Items(context.Background(), c, listBooks{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(book.Title)
	}
	// Output:
	// Dune
	// Emma
	// Ulysses
	// Walden
	// Zorba
}

// The pages have counters, and everything about their answers. What Next says is enough to go on later, in another process if need be.
func ExamplePager_Pages() {
	books := crest.NewPager[Book](crest.Get[listBooks, bookList]("/books"), crest.Paging{Items: "data", Link: "next"})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(library))

	var saved string
	for page, err := range books.Pages(context.Background(), c, listBooks{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(page.Number, page.Items, page.StatusCode)
		saved = page.Next
		break
	}
	fmt.Println("to go on with", saved)
	for page, err := range books.Pages(context.Background(), c, listBooks{}, crest.WithURL(saved)) {
		fmt.Println(page.Number, page.Count, page.Items, err)
	}
	// Output:
	// 1 [{Dune} {Emma}] 200
	// to go on with https://api.example.com/books?cursor=2
	// 1 2 [{Ulysses} {Walden}] <nil>
	// 2 3 [{Zorba}] <nil>
}

// Numbered pages end with the first one that is empty. A bound keeps a server from sending pages for ever.
func ExamplePaging() {
	books := crest.NewPager[Book](crest.Get[listBooks, bookList]("/books"), crest.Paging{Items: "data", Page: "page", MaxPages: 2})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(library))
	n := 0
	for _, err := range books.Items(context.Background(), c, listBooks{}) {
		if errors.Is(err, crest.KindPageLimit) {
			fmt.Println(n, "books;", err)
			return
		}
		n++
	}
	// Output:
	// 4 books; crest: GET /books: response: page limit: there are more pages than the bound MaxPages of 2
}

// A loop that has enough leaves, and no further page is asked for.
func ExamplePager_Items() {
	books := crest.NewPager[Book](crest.Get[listBooks, bookList]("/books"), crest.Paging{Items: "data", Page: "page"})
	c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(library))
	var titles []string
	for book, err := range books.Items(context.Background(), c, listBooks{}) {
		if err != nil || len(titles) == 3 {
			break
		}
		titles = append(titles, book.Title)
	}
	fmt.Println(titles)
	// Output: [Dune Emma Ulysses]
}
