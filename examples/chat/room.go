package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/websocket"

	"github.com/crest-go/crest/examples/chat/chatapi"
)

// hear waits for what everyone in the room is to hear.
func hear(ctx context.Context, out io.Writer, want chatapi.Said, rooms ...*chatapi.Room) error {
	for _, room := range rooms {
		said, err := room.Receive(ctx)
		if err != nil {
			return err
		}
		if said != want {
			return fmt.Errorf("heard %v, should be %v", said, want)
		}
	}
	fmt.Fprintf(out, "%s: %s\n", want.From, want.Text)
	return nil
}

// showRoom brings two members together.
func showRoom(ctx context.Context, c *chatapi.Client, out io.Writer) error {
	ada, err := c.Enter(ctx, "lobby", "ada")
	if err != nil {
		return err
	}
	defer ada.Close(websocket.Normal, "")
	if err := hear(ctx, out, chatapi.Said{From: "room", Text: "ada is here"}, ada); err != nil {
		return err
	}
	grace, err := c.Enter(ctx, "lobby", "grace")
	if err != nil {
		return err
	}
	defer grace.Close(websocket.Normal, "")
	if err := hear(ctx, out, chatapi.Said{From: "room", Text: "grace is here"}, ada, grace); err != nil {
		return err
	}
	if err := grace.Send(ctx, chatapi.Say{Text: "hello, ada"}); err != nil {
		return err
	}
	if err := hear(ctx, out, chatapi.Said{From: "grace", Text: "hello, ada"}, ada, grace); err != nil {
		return err
	}
	if err := ada.Send(ctx, chatapi.Say{}); !errors.Is(err, crest.KindValidation) { // it never leaves
		return fmt.Errorf("saying nothing gave %v, should be a message that is not valid", err)
	}
	if err := grace.Close(websocket.Normal, ""); err != nil {
		return err
	}
	return hear(ctx, out, chatapi.Said{From: "room", Text: "grace has left"}, ada)
}

// showDoor is told to leave, and reads in the error why.
func showDoor(ctx context.Context, c *chatapi.Client, out io.Writer) error {
	ada, err := c.Enter(ctx, "library", "ada")
	if err != nil {
		return err
	}
	defer ada.Close(websocket.Normal, "")
	if err := ada.Send(ctx, chatapi.Say{Text: "HELLO?"}); err != nil {
		return err
	}
	for said, err := range ada.All(ctx) {
		if end, ok := errors.AsType[*websocket.CloseError](err); ok && end.Code == chatapi.Shouting {
			fmt.Fprintf(out, "%v\n", err)
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %s\n", said.From, said.Text)
	}
	return errors.New("the room closed in good order, should be with a code of its own")
}

// showRefused has no name, and then a name that is taken: one never leaves, the other is the API's own error.
func showRefused(ctx context.Context, c *chatapi.Client, out io.Writer) error {
	if _, err := c.Enter(ctx, "attic", ""); !errors.Is(err, crest.ErrRequest) {
		return fmt.Errorf("entering without a name gave %v, should be a request that is not valid", err)
	}
	ada, err := c.Enter(ctx, "attic", "ada")
	if err != nil {
		return err
	}
	defer ada.Close(websocket.Normal, "")
	again, err := c.Enter(ctx, "attic", "ada")
	if err == nil {
		again.Close(websocket.Normal, "")
	}
	failure, ok := errors.AsType[*chatapi.Error](err)
	if !ok || failure.Detail.Type != "conflict" {
		return fmt.Errorf("entering twice gave %v, should be the API's own error", err)
	}
	fmt.Fprintf(out, "%v\n", err)
	return nil
}
