// Command resty is a client of one operation with resty.
package main

import (
	"context"
	"fmt"
	"os"

	"resty.dev/v3"
)

type pet struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type failure struct {
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

func getPet(ctx context.Context, c *resty.Client, id string) (out pet, err error) {
	resp, err := c.R().SetContext(ctx).
		SetPathParam("id", id).
		SetResult(&out).
		SetResultError(&failure{}).
		Get("/pets/{id}")
	if err != nil {
		return out, err
	}
	if f, ok := resp.ResultError().(*failure); ok && resp.IsStatusFailure() {
		return out, f
	}
	return out, nil
}

func main() {
	c := resty.New().SetBaseURL(os.Args[1])
	defer c.Close()
	out, err := getPet(context.Background(), c, os.Args[2])
	fmt.Println(out.Name, err)
}
