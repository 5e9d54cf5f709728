// Command nethttp is a client of one operation with net/http and encoding/json.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
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
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/pets/"+url.PathEscape(id), nil)
	if err != nil {
		return out, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		f := new(failure)
		return out, errors.Join(json.NewDecoder(resp.Body).Decode(f), f)
	}
	return out, json.NewDecoder(resp.Body).Decode(&out)
}

func main() {
	out, err := getPet(context.Background(), os.Args[1], os.Args[2])
	fmt.Println(out.Name, err)
}
