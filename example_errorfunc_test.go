package crest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/crest-go/crest"
)

// diskError is an error value of an API that says what went wrong by a code in the body. A value can have a parent,
// which errors.Is finds by way of Unwrap.
type diskError struct {
	code   string
	parent error
}

func (e *diskError) Error() string { return e.code }
func (e *diskError) Unwrap() error { return e.parent }

// The values that callers compare with. A directory that exists is also a path that exists.
var (
	ErrDiskNotFound    = &diskError{code: "DiskNotFoundError"}
	ErrPathExists      = &diskError{code: "DiskPathPointsToExistentResourceError"}
	ErrDirectoryExists = &diskError{code: "DiskPathPointsToExistentDirectoryError", parent: ErrPathExists}
)

// diskErrors finds the value for a failed answer. nil means that it knows none, and the client's E decides.
func diskErrors(e *crest.Error) error {
	var body struct {
		Code string `json:"error"`
	}
	if json.Unmarshal(e.Body, &body) != nil {
		return nil
	}
	for _, known := range []*diskError{ErrDiskNotFound, ErrPathExists, ErrDirectoryExists} {
		if known.code == body.Code {
			return known
		}
	}
	return nil
}

// An ErrorFunc looks at status, header and body, for APIs that tell their errors apart by a code.
func ExampleErrorFunc() {
	makeDirectory := crest.Put[crest.Empty, crest.Empty]("/disk/resources")
	call := func(server fakeServer) error {
		c, _ := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(server),
			crest.WithErrors(crest.ErrorMap{crest.Status4XX: crest.ErrorFunc(diskErrors)}))
		_, err := makeDirectory.Call(context.Background(), c, crest.Empty{})
		return err
	}

	err := call(answering(409, `{"error": "DiskPathPointsToExistentDirectoryError"}`))
	fmt.Println(err)
	fmt.Println("directory exists:", errors.Is(err, ErrDirectoryExists))
	fmt.Println("path exists:", errors.Is(err, ErrPathExists))
	fmt.Println("not found:", errors.Is(err, ErrDiskNotFound))
	fmt.Println("409:", errors.Is(err, crest.Status(409)))
	// Output:
	// crest: PUT /disk/resources: 409 Conflict: DiskPathPointsToExistentDirectoryError
	// directory exists: true
	// path exists: true
	// not found: false
	// 409: true
}
