package crest

import (
	"net/http"
	"reflect"
	"sync"

	"github.com/crest-go/crest/internal/bind"
)

// DecodeRequest reads a request as a server gets it, with the plan that [Endpoint.Call] writes it with: what the call encoded comes
// back as an equal model. The model is validated; fields that the request lacks have their default. It is there for fake servers,
// such as those of package cresttest, and checks as strictly as they want to: an endpoint is no web framework.
//
// The error is a [*CallError] with [ErrRequest], and with [KindRoute] where method, path or the route's constants say that the request is
// for another endpoint; then its body is not read. A path is matched as a whole: take the path of the API's base URL off before, as
// [http.StripPrefix] does. Bodies are held in memory, decompressed, up to [Bounds.Body] of the endpoint (10 MiB). A Body that is a
// reader, a function or a [File] reads from there.
func (e *Endpoint[Req, Res]) DecodeRequest(r *http.Request) (Req, error) {
	if e == nil || e.plain == nil {
		return *new(Req), &CallError{Step: ErrRequest, Endpoint: e.String(), Err: errUndeclared}
	}
	return received[Req](e.plain, r)
}

// WriteResponse answers with a model, as a server would: the first status of [WithSuccess], else 200, or 204 for [Empty]; header and cookie
// fields; the body, in the first type of [WithAccept] or of the endpoint's codec. A Content-Type that w has already stays. A
// model that cannot be written is an error, and then nothing was. The model is not validated, so that tests can send what they like.
func (e *Endpoint[Req, Res]) WriteResponse(w http.ResponseWriter, res Res) error {
	if e == nil || e.plain == nil {
		return errUndeclared
	}
	v := reflect.ValueOf(&res).Elem()
	if e.plain.dynamic {
		own, err := e.plain.result.owned(v)
		if err != nil {
			return err
		}
		v = own
	}
	return e.plain.answer(w, v)
}

// WriteError answers with a failure that the endpoint declares:
//
//   - an error model of its [ErrorMap], with the status that the map gives it: of a class the first, 400 or 500;
//   - an [*Error], with its StatusCode, Header and RetryAfter, and with its Model or else its Body: for models of the client, and where
//     one model stands for several statuses;
//   - a [*Problem], with its Status;
//   - a [Status], without a body.
//
// Models are found with [errors.As]. Any other error is returned, and nothing was written.
func (e *Endpoint[Req, Res]) WriteError(w http.ResponseWriter, err error) error {
	if e == nil || e.plain == nil {
		return errUndeclared
	}
	return e.plain.answerError(w, err)
}

// serverSide is an endpoint's plan read the other way. It is compiled when it is first asked for: clients need none of it.
type serverSide struct {
	once     sync.Once
	incoming *bind.Incoming
	answer   *bind.Answer // nil where no model is written
	mistakes []error
}

// served returns the compiled other side.
func (e *endpoint) served() (*serverSide, error) {
	s := &e.server
	s.once.Do(func() {
		s.incoming, s.mistakes = e.request.Incoming()
		if m := e.result.model; m != nil {
			answer, mistakes := m.bind.Answer()
			s.answer, s.mistakes = answer, append(s.mistakes, mistakes...)
		}
	})
	if len(s.mistakes) > 0 {
		return nil, declarationError(e.name, s.mistakes)
	}
	return s, nil
}
