// Command start measures once what a program does once, and prints it as JSON.
// The command ratios runs it in processes of their own. Its argument is how many
// endpoints are many; with 0 none are declared beyond the few.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/crest-go/crest/bench"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("want one argument, the number of endpoints")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	ratios, err := bench.Start(context.Background(), n)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(ratios)
}
