package redislimit_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/redislimit"
)

// Two processes with one quota of three requests a minute; here they are two clients. While Redis is away each
// goes on with one request a minute of its own.
func ExampleNew() {
	server, _ := miniredis.Run() // yours is a Redis that all the processes reach
	defer server.Close()
	api := httptest.NewServer(http.NotFoundHandler())
	defer api.Close()

	process := func() *crest.Client[*crest.Problem] {
		limit, err := redislimit.New(redis.NewClient(&redis.Options{Addr: server.Addr()}), "shop-api", 3, time.Minute,
			redislimit.Options{
				Fallback:   redislimit.Local,
				Share:      1,
				Deadline:   time.Second,
				OnFallback: func(err error) { log.Println("shop-api's limit:", err) },
			})
		if err != nil {
			log.Fatal(err)
		}
		c, _ := crest.New[*crest.Problem](api.URL, crest.WithLimiter(limit))
		return c
	}
	one, other := process(), process()
	get := crest.Get[crest.Empty, crest.Empty]("/orders", crest.WithTimeout(10*time.Second))
	for i, c := range []*crest.Client[*crest.Problem]{one, other, one, other} {
		_, err := get.Call(context.Background(), c, crest.Empty{})
		fmt.Println(i+1, "sent:", !errors.Is(err, crest.ErrLimited))
	}
	// Output:
	// 1 sent: true
	// 2 sent: true
	// 3 sent: true
	// 4 sent: false
}
