package conformance

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/internal/sse"
)

// sseFloor is how many cases of sse pass: all of them.
const sseFloor = 46

// sseCase is one stream. RetryMS is null where the stream leaves the delay as it is.
type sseCase struct {
	ID           string     `json:"id"`
	Stream       string     `json:"stream"`
	StreamBase64 string     `json:"stream_base64"`
	Events       []sseEvent `json:"events"`
	LastEventID  string     `json:"last_event_id"`
	RetryMS      *int64     `json:"retry_ms"`
}

type sseEvent struct {
	Type        string `json:"type"`
	Data        string `json:"data"`
	LastEventID string `json:"last_event_id"`
}

// TestSSE reads every stream of the suite whole, byte by byte, and split at every position, and once through a Stream.
func TestSSE(t *testing.T) {
	var suite struct{ Cases []sseCase }
	if err := json.Unmarshal(data(t, "suites/sse/cases.json"), &suite); err != nil {
		t.Fatal(err)
	}
	count := newTally("sse", nil)
	for _, c := range suite.Cases {
		count.run(c.ID, c.check)
	}
	count.done(t, sseFloor)
}

func (c sseCase) check() error {
	stream := c.Stream
	if c.StreamBase64 != "" {
		decoded, err := base64.StdEncoding.DecodeString(c.StreamBase64)
		if err != nil {
			return err
		}
		stream = string(decoded)
	}
	ways := []io.Reader{strings.NewReader(stream), iotest.OneByteReader(strings.NewReader(stream))}
	for i := range stream {
		ways = append(ways, io.MultiReader(strings.NewReader(stream[:i]), strings.NewReader(stream[i:])))
	}
	for i, src := range ways {
		if err := c.read(src); err != nil {
			return fmt.Errorf("way %d: %w", i, err)
		}
	}
	return c.call(stream)
}

// read looks at what the parser makes of a stream.
func (c sseCase) read(src io.Reader) error {
	r := sse.NewReader(src, 1<<20, "")
	got := []sseEvent{}
	for {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		got = append(got, sseEvent{e.Type, string(e.Data), r.LastID()})
	}
	delay, told := r.Retry()
	switch {
	case !reflect.DeepEqual(got, c.Events):
		return fmt.Errorf("the events are %q, should be %q", got, c.Events)
	case r.LastID() != c.LastEventID:
		return fmt.Errorf("the last event id is %q, should be %q", r.LastID(), c.LastEventID)
	case told != (c.RetryMS != nil):
		return fmt.Errorf("a delay was found: %v", told)
	case told && delay != time.Duration(*c.RetryMS)*time.Millisecond:
		return fmt.Errorf("the delay is %v, should be %d ms", delay, *c.RetryMS)
	}
	return nil
}

// call looks at what a user gets.
func (c sseCase) call(stream string) error {
	client, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithTransport(answering(stream)))
	if err != nil {
		return err
	}
	got := []sseEvent{}
	for e, err := range crest.NewStream[crest.Empty, string](http.MethodGet, "/").Events(context.Background(), client, crest.Empty{}) {
		if err != nil {
			return err
		}
		got = append(got, sseEvent{e.Type, e.Data, e.ID})
	}
	if !reflect.DeepEqual(got, c.Events) {
		return fmt.Errorf("the stream's events are %q, should be %q", got, c.Events)
	}
	return nil
}

// answering is a transport that answers with one event stream.
type answering string

func (a answering) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(string(a))), ContentLength: -1,
	}, nil
}
