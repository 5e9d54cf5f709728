// Command requests is a client of one operation with requests.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/carlmjohnson/requests"
)

type pet struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type failure struct {
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

func getPet(ctx context.Context, base, id string) (out pet, err error) {
	f := new(failure)
	err = requests.URL(base).
		Pathf("/pets/%s", id).
		ErrorJSON(f).
		ToJSON(&out).
		Fetch(ctx)
	if errors.Is(err, requests.ErrInvalidHandled) {
		return out, f
	}
	return out, err
}

func main() {
	out, err := getPet(context.Background(), os.Args[1], os.Args[2])
	fmt.Println(out.Name, err)
}
