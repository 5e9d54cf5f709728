package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/crest-go/crest/examples/chat/chatapi"
)

// What the server answers, and to what.
const (
	key             = "sk-chat-demonstration"
	completion      = "I am a parrot, and I say the same thing to everyone."
	questionTooHard = "Why is there something rather than nothing?"
	questionCut     = "What does the cable say when it breaks?"
	questionEndless = "How does the song that never ends go?"

	pause = 30 * time.Millisecond // between two tokens
)

// newServer is an API with one model, which has learnt one sentence.
func newServer() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/completions", serveCompletion)
	mux.HandleFunc("GET /v1/rooms/{room}", newRooms().serve)
	return mux
}

func serveCompletion(w http.ResponseWriter, r *http.Request) {
	var req chatapi.CompletionRequest
	switch err := json.NewDecoder(r.Body).Decode(&req); {
	case r.Header.Get("Authorization") != "Bearer "+key:
		refuse(w, http.StatusUnauthorized, "unauthorized", "the key is wrong")
	case err != nil || len(req.Messages) == 0 || !req.Stream:
		refuse(w, http.StatusBadRequest, "invalid_request", "a stream of at least one message is wanted")
	default:
		w.Header().Set("Content-Type", "text/event-stream")
		answer(&events{w, r}, req.Messages[len(req.Messages)-1].Content)
	}
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"type": kind, "message": message}})
}

// answer says the sentence, or a part of it where the question is too much.
func answer(e *events, question string) {
	for question == questionEndless && e.send("", chatapi.Delta{Content: "la "}) {
	}
	for i, token := range strings.SplitAfter(completion, " ") {
		switch {
		case i == 4 && question == questionTooHard:
			e.send("error", json.RawMessage(`{"error": {"type": "overloaded", "message": "too many parrots at once"}}`))
			return
		case i == 4 && question == questionCut:
			panic(http.ErrAbortHandler)
		case !e.send("", chatapi.Delta{Content: token}):
			return
		}
	}
	e.send("", chatapi.Delta{Finish: "stop"})
	fmt.Fprint(e.w, "data: [DONE]\n\n")
}

// events writes an event stream.
type events struct {
	w http.ResponseWriter
	r *http.Request
}

// send writes one event; false says that nobody reads it.
func (e *events) send(kind string, v any) bool {
	data, err := json.Marshal(v)
	if err != nil {
		return false
	}
	if kind != "" {
		fmt.Fprintf(e.w, "event: %s\n", kind)
	}
	fmt.Fprintf(e.w, "data: %s\n\n", data)
	if http.NewResponseController(e.w).Flush() != nil {
		return false
	}
	select {
	case <-time.After(pause):
		return true
	case <-e.r.Context().Done():
		return false
	}
}
