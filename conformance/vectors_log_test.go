package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/crest-go/crest"
)

// journal keeps the records of a row's clients, as JSON. It is for several goroutines.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) option() crest.ClientOption {
	return crest.WithLogger(slog.New(slog.NewJSONHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

func (j *journal) records() (list []map[string]any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.text.String()) {
		list = append(list, asObject(asJSON(json.RawMessage(line))))
	}
	return list
}

// warnings are the messages of the warnings.
func (j *journal) warnings() (messages []string) {
	for _, record := range j.records() {
		if record["level"] == "WARN" {
			messages = append(messages, record["msg"].(string))
		}
	}
	return messages
}

// warned is a check that there is one warning, or none.
func (j *journal) warned() check {
	said := j.warnings()
	return holds(len(said) == 1, "the warnings are %q", said)
}

// requestBody is the body that the log shows.
func (j *journal) requestBody() string {
	for _, record := range j.records() {
		if body, ok := record["request_body"].(string); ok {
			return body
		}
	}
	return ""
}

// asLogged is how the rows write what crest's log has: the marker is another, and there is no white space.
var asLogged = strings.NewReplacer("REDACTED", "[redacted]", `": `, `":`)

// loggedExchange: a call whose body is logged.
func loggedExchange(r *row) (facts, error) {
	if level := r.when.text("log"); level != "debug" {
		panic("no log of the level " + level)
	}
	s := r.site()
	p := &plan{method: r.method(), route: "/" + r.when.text("path")}
	bodyOf(r, &p.request)
	body, err := p.logged(r, s, r.in.texts("redact_fields"))
	if err != nil {
		return nil, err
	}
	return facts{
		"log_contains": check(func(want any) error {
			for _, part := range asTexts(want) {
				if err := contains(body)(asLogged.Replace(part)); err != nil {
					return err
				}
			}
			return nil
		}),
		"log_absent": check(func(want any) error {
			for _, part := range asTexts(want) {
				if err := holds(!strings.Contains(body, asLogged.Replace(part)), "%s has %s", body, part)(true); err != nil {
					return err
				}
			}
			return nil
		}),
		"server_json": asJSON(json.RawMessage(s.requests()[0].body)),
	}, nil
}

// logged makes the call and returns the body that the log shows.
func (p *plan) logged(r *row, s *site, hidden []string) (string, error) {
	log := &journal{}
	p.clientOpts = append(p.clientOpts, crest.WithTransport(s.transport(r)), log.option(), crest.WithLogDetail(crest.LogDetail{Body: 1 << 10}), crest.WithRedact(hidden...))
	_, err := p.do(r, "http://example.com")
	return log.requestBody(), err
}

// redactValues: what a log shows of a body.
func redactValues(r *row) (facts, error) {
	p := &plan{method: http.MethodPost}
	p.request.addAll("json", asObject(r.in.get("in")))
	body, err := p.logged(r, r.site(), r.in.texts("keys"))
	if err != nil {
		return nil, err
	}
	return facts{"value": asJSON(json.RawMessage(strings.ReplaceAll(body, "[redacted]", "REDACTED")))}, nil
}

// closedSession: calls of a client that was closed.
func closedSession(r *row) (facts, error) {
	if words := r.in.text("client"); words != "closed" {
		panic("no client that is " + words)
	}
	s, log := r.site(), &journal{}
	c, err := r.client("http://example.com", crest.WithTransport(s.transport(r)), log.option())
	if err != nil {
		return nil, err
	}
	must(c.Close())
	e := crest.NewEndpoint[crest.Empty, crest.Empty](r.method(), "/")
	_, _ = e.Call(context.Background(), c, crest.Empty{})
	_, err = e.Call(context.Background(), c, crest.Empty{})
	return facts{"requests_sent": s.count(), "log_warning": log.warned()}, err
}
