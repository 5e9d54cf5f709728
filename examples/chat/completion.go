package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/crest-go/crest"

	"github.com/crest-go/crest/examples/chat/chatapi"
)

// ask prints the answer as it comes, and returns it.
func ask(ctx context.Context, c *chatapi.Client, out io.Writer, question string) (string, error) {
	fmt.Fprintf(out, "> %s\n", question)
	defer fmt.Fprintln(out)
	var answer strings.Builder
	req := chatapi.CompletionRequest{Model: "parrot-1", Messages: []chatapi.Message{{Role: "user", Content: question}}}
	for delta, err := range c.Complete(ctx, req) {
		if err != nil {
			return answer.String(), err
		}
		fmt.Fprint(out, delta.Content)
		answer.WriteString(delta.Content)
	}
	return answer.String(), nil
}

func showCompletion(ctx context.Context, c *chatapi.Client, out io.Writer) error {
	answer, err := ask(ctx, c, out, "Who are you?")
	if err != nil {
		return err
	}
	if answer != completion {
		return fmt.Errorf("the answer is %q, should be %q", answer, completion)
	}
	return nil
}

// showFailure asks what the API answers with an event of the type error.
func showFailure(ctx context.Context, c *chatapi.Client, out io.Writer) error {
	answer, err := ask(ctx, c, out, questionTooHard)
	failure, ok := errors.AsType[*chatapi.Error](err)
	if !ok || failure.Detail.Type != "overloaded" || answer == "" {
		return fmt.Errorf("got %q and %w, should be some words and the API's own error", answer, err)
	}
	fmt.Fprintf(out, "the API says: %v\n", failure)
	return nil
}

// showCut asks what the server drops. Without the mark of the end, what has come must not pass for the answer.
func showCut(ctx context.Context, c *chatapi.Client, out io.Writer) error {
	answer, err := ask(ctx, c, out, questionCut)
	if !errors.Is(err, crest.KindTruncated) || answer == "" {
		return fmt.Errorf("got %q and %w, should be some words and a truncated stream", answer, err)
	}
	fmt.Fprintf(out, "%v\n", err)
	return nil
}

// showLeaving leaves the loop: the server sees that at once and stops to work.
func showLeaving(ctx context.Context, c *chatapi.Client, out io.Writer) error {
	req := chatapi.CompletionRequest{Model: "parrot-1", Messages: []chatapi.Message{{Role: "user", Content: questionEndless}}}
	fmt.Fprintf(out, "> %s\n", questionEndless)
	n := 0
	for delta, err := range c.Complete(ctx, req) {
		if err != nil {
			return err
		}
		fmt.Fprint(out, delta.Content)
		if n++; n == 5 {
			break
		}
	}
	fmt.Fprintln(out)
	return nil
}
