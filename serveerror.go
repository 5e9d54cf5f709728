package crest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/crest-go/crest/internal/bind"
)

// answerError writes a failure that the endpoint declares, or returns err.
func (e *endpoint) answerError(w http.ResponseWriter, err error) error {
	if err == nil {
		return errors.New("there is no error to answer with")
	}
	if said, ok := errors.AsType[*Error](err); ok {
		return e.answerSaid(w, said)
	}
	if status, ok := errors.AsType[Status](err); ok {
		a := &reply{status: leading(int(status))}
		return a.write(w)
	}
	if model, status, found := e.settings.errors.statusOf(err); found != nil || model != nil {
		if found != nil {
			return found
		}
		return e.answerModel(w, status, model)
	}
	if p, ok := errors.AsType[*Problem](err); ok && p != nil && p.Status >= 100 {
		return e.answerModel(w, p.Status, p)
	}
	return fmt.Errorf("no entry of the endpoint's ErrorMap is for a %T: %w (a map that was given to crest.New is not known here: give failures := crest.WithErrors(…) "+
		"to the endpoints as well, or answer with a *crest.Error, which says the status)", err, err)
}

// answerSaid writes the answer that an Error describes.
func (e *endpoint) answerSaid(w http.ResponseWriter, said *Error) error {
	if said.StatusCode < 100 || said.StatusCode > 999 {
		return fmt.Errorf("the StatusCode %d of the *crest.Error is no status", said.StatusCode)
	}
	for name, values := range said.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if said.RetryAfter > 0 {
		seconds := int64((said.RetryAfter + time.Second - 1) / time.Second)
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	if !isNil(said.Model) {
		return e.answerModel(w, said.StatusCode, said.Model)
	}
	a := &reply{status: said.StatusCode, body: said.Body}
	return a.write(w)
}

// leading is a status that stands for its class.
func leading(status int) int {
	switch {
	case status == AnyStatus:
		return http.StatusInternalServerError
	case status < 10:
		return status * 100
	}
	return status
}

// statusOf finds the model of err that has an entry, and its status.
func (t errorTable) statusOf(err error) (model error, status int, _ error) {
	var exact, classes []int
	found := make(map[int]error)
	for key, entry := range t {
		as, ok := entry.(*asModel)
		if !ok {
			continue
		}
		target := reflect.New(as.t)
		if !errors.As(err, target.Interface()) {
			continue
		}
		found[key], _ = target.Elem().Interface().(error)
		if key >= 100 {
			exact = append(exact, key)
		} else {
			classes = append(classes, key)
		}
	}
	slices.Sort(exact)
	slices.Sort(classes)
	switch {
	case len(exact) == 1 || len(exact) == 0 && len(classes) == 1:
		key := append(exact, classes...)[0]
		return found[key], leading(key), nil
	case len(exact)+len(classes) == 0:
		return nil, 0, nil
	}
	return nil, 0, fmt.Errorf("the ErrorMap has %T for the statuses %v: answer with a *crest.Error, which says which one", found[append(exact, classes...)[0]], append(exact, classes...))
}

// answerModel writes an error model.
func (e *endpoint) answerModel(w http.ResponseWriter, status int, model error) error {
	a := &reply{status: status}
	if p, ok := model.(*Problem); ok {
		var err error
		if a.body, err = p.whole(); err != nil {
			return err
		}
		a.mediaType = "application/problem+json"
		return a.write(w)
	}
	t := reflect.TypeOf(model)
	plan, mistakes := bind.CompileResponse(t)
	if len(mistakes) > 0 {
		return declarationError(e.name, mistakes)
	}
	answer, mistakes := plan.Answer()
	if len(mistakes) > 0 {
		return declarationError(e.name, mistakes)
	}
	v := reflect.New(t).Elem()
	v.Set(reflect.ValueOf(model))
	failed := *e.settings
	failed.accept = nil // it speaks of successes
	if err := failed.answerModel(w.Header(), a, answer, v); err != nil {
		return err
	}
	return a.write(w)
}

// whole is the problem with its extensions (RFC 9457, section 3.2).
func (p *Problem) whole() ([]byte, error) {
	data, err := json.Marshal(p)
	if err != nil || len(p.Extensions) == 0 {
		return data, err
	}
	members := make(map[string]json.RawMessage)
	for name, value := range p.Extensions {
		members[name] = value
	}
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, err
	}
	return json.Marshal(members)
}
