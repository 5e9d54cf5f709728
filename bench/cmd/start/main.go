// Command start measures once what a program does once, and prints it as JSON.
// The command ratios runs it in processes of their own.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/crest-go/crest/bench"
)

func main() {
	ratios, err := bench.Start(context.Background(), bench.Endpoints)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(ratios)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		os.Exit(1)
	}
}
