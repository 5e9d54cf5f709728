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
	Messages []Message `json:"messages" validate:"min=1"`
	Stream   bool      `json:"stream" default:"true"`
}

// Delta is what one event adds to the answer.
type Delta struct {
	Content string `json:"content"`
	Finish  string `json:"finish_reason"` // "stop" in the last one
}

// Every whole answer ends with [DONE], so that one that was cut off is an error and not a short answer.
var complete = crest.NewStream[CompletionRequest, Delta](http.MethodPost, "/v1/completions", crest.WithDone("[DONE]"), crest.WithCheck(errorInside))

// errorInside tells an error from a Delta, which has no member of that name.
func errorInside(e *crest.Error) bool {
	var piece struct {
		Error any `json:"error"`
	}
	return json.Unmarshal(e.Body, &piece) == nil && piece.Error != nil
}

// Complete gives the pieces of the answer as they come. An error that the API sends in the middle is an [*Error], as one that it answers with
// at once; both are found with errors.As in the error of the call, which is crest's.
func (c *Client) Complete(ctx context.Context, req CompletionRequest) iter.Seq2[Delta, error] {
	return complete.Call(ctx, c, req)
}
