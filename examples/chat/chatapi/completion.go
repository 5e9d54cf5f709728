package chatapi

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"

	"github.com/crest-go/crest"
)

// Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role" validate:"oneof=system user assistant"`
	Content string `json:"content" validate:"required"`
}

// CompletionRequest asks for the next turn.
type CompletionRequest struct {
	Model    string    `json:"model" validate:"required"`
	Messages []Message `json:"messages" validate:"min=1,dive"`
	Stream   bool      `json:"stream" default:"true"`
}

// Delta is what one event adds to the answer.
type Delta struct {
	Content string `json:"content"`
	Finish  string `json:"finish_reason"` // "stop" in the last one
}

// complete has raw data: the data of an event of the type error is another model. Every whole answer ends with [DONE], so that one that was
// cut off is an error and not a short answer.
var complete = crest.NewStream[CompletionRequest, json.RawMessage](http.MethodPost, "/v1/completions", crest.WithDone("[DONE]"))

// Complete gives the pieces of the answer as they come. An error that the API sends in the middle is an [*Error], as one that it answers with
// at once; both are found with errors.As. The error of a failed call is crest's.
func (c *Client) Complete(ctx context.Context, req CompletionRequest) iter.Seq2[Delta, error] {
	return func(yield func(Delta, error) bool) {
		for event, err := range complete.Events(ctx, c, req) {
			var delta Delta
			if err == nil {
				delta, err = read(event)
			}
			if !yield(delta, err) || err != nil {
				return
			}
		}
	}
}

// read tells the two kinds of events apart.
func read(event crest.Event[json.RawMessage]) (delta Delta, err error) {
	if event.Type == "error" {
		failure := &Error{}
		if err := json.Unmarshal(event.Data, failure); err != nil {
			return Delta{}, err
		}
		return Delta{}, failure
	}
	err = json.Unmarshal(event.Data, &delta)
	return delta, err
}
