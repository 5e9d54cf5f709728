package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"github.com/crest-go/crest"
)

// raiseForStatus: a call without WithSuccess against a status.
func raiseForStatus(r *row) (facts, error) {
	a := reply{status: r.in.number("status", 200), reason: r.in.text("reason")}
	if text := r.in.text("reason_latin1"); text != "" {
		a.reason = must1(charmap.ISO8859_1.NewEncoder().String(text))
	}
	_ = r.in.text("url") // any will do: the server of the row has its own
	_, err := r.answered(a, noModel)
	return facts{"message": check(func(want any) error {
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want.(string))) {
			return fmt.Errorf("the message is %v", err)
		}
		return nil
	})}, err
}

// The recipe "error classes by code": an API whose error body has a code finer than its status. A class may have a parent, which
// errors.Is finds as well; a class without a code is the status itself.

type diskClass struct {
	name   string
	parent *diskClass
}

func (c *diskClass) Error() string { return c.name }

func (c *diskClass) Unwrap() error {
	if c.parent == nil {
		return nil
	}
	return c.parent
}

var (
	pathExists  = &diskClass{name: "PathExists"}
	diskClasses = map[string]*diskClass{
		"FieldValidationError":                   {name: "FieldValidation"},
		"invalid_client":                         {name: "InvalidClient"},
		"invalid_grant":                          {name: "InvalidGrant"},
		"unsupported_token_type":                 {name: "UnsupportedTokenType"},
		"DiskPathDoesntExistsError":              {name: "ParentNotFound"},
		"DiskPathPointsToExistentDirectoryError": {name: "DirectoryExists", parent: pathExists},
		"MD5DifferError":                         {name: "MD5Differ"},
		"DiskOperationNotFoundError":             {name: "OperationNotFound"},
	}
)

// diskError is the error model of the API.
type diskError struct {
	Message     string `json:"message"`
	Description string `json:"description"`
	Code        string `json:"error"`

	status int
	class  *diskClass
}

func (e *diskError) Error() string {
	parts := []string{e.Message}
	if e.Description != "" {
		parts = append(parts, "Error description: "+strings.TrimSuffix(e.Description, ".")+".")
	}
	if e.Code != "" {
		parts = append(parts, "Error code: "+e.Code)
	}
	return strings.Join(append(parts, fmt.Sprintf("Status code: %d", e.status)), " | ")
}

func (e *diskError) Unwrap() error {
	if e.class == nil {
		return nil
	}
	return e.class
}

func diskErrors() crest.ErrorMap {
	return crest.ErrorMap{crest.AnyStatus: crest.ErrorFunc(func(e *crest.Error) error {
		model := &diskError{status: e.StatusCode}
		if json.Unmarshal(e.Body, model) != nil {
			return nil
		}
		model.class = diskClasses[model.Code]
		return model
	})}
}

// mapError: the error of an answer by its status and the code in its body.
func mapError(r *row) (facts, error) {
	status := r.in.number("status", 0)
	content, ok := r.in.get("body").(map[string]any)
	if !ok {
		content = map[string]any{"error": r.in.text("error")}
	}
	s := r.serve(jsonReply(status, show(content)).bytes())
	p := &plan{method: "GET", callOpts: []crest.CallOption{crest.WithErrors(diskErrors()), crest.WithRetry(r.retry())}}
	_, err := p.do(r, s.url())
	answer, ok := errors.AsType[*crest.Error](err)
	if !ok {
		return nil, err
	}
	f := facts{
		"class":             classCheck(err, status),
		"parent":            classCheck(err, status),
		"retriable":         s.count() > 1,
		"response_attached": answer.Header != nil && len(answer.Body) > 0,
	}
	if model, ok := errors.AsType[*diskError](err); ok {
		f["message"] = model.Error()
	}
	return f, nil
}

// classCheck finds a class by name: one that a code chooses by its own error, any other by the case's status.
func classCheck(err error, status int) check {
	return func(want any) error {
		name, _ := want.(string)
		if name == "" {
			return nil // a class without a parent
		}
		for _, class := range append(classList(), pathExists) {
			if class.name == name {
				return expectIs(err, class)
			}
		}
		return expectIs(err, crest.Status(status))
	}
}

func classList() []*diskClass {
	var all []*diskClass
	for _, code := range sortedKeys(diskClasses) {
		all = append(all, diskClasses[code])
	}
	return all
}

func expectIs(err, target error) error {
	if !errors.Is(err, target) {
		return fmt.Errorf("%v is no %v", err, target)
	}
	return nil
}

// errorString: the facts of an error are its fields; the wording is crest's.
func errorString(r *row) (facts, error) {
	switch kind := r.in.text("kind"); kind {
	case "", "http_status":
		return statusError(r)
	case "connection":
		return connectionError(r)
	case "server_disconnected":
		return disconnectedError(r)
	case "fingerprint":
		return pinMismatch(r)
	default:
		panic("no error of the kind " + kind)
	}
}

// statusError makes an answer with a status and looks at the *Error.
func statusError(r *row) (facts, error) {
	status, message, target := r.in.number("status", 0), r.in.text("message"), r.in.text("url")
	transport := roundTripper(func(req *http.Request) (*http.Response, error) {
		rec := http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: req}
		rec.Body = http.NoBody
		if message != "" {
			rec.Body = readCloser(show(map[string]string{"message": message}))
		}
		return &rec, nil
	})
	p := &plan{method: r.in.text("method"), clientOpts: []crest.ClientOption{crest.WithTransport(transport)}}
	if p.method == "" {
		p.method = "GET"
	}
	_, err := p.do(r, p.at(target))
	e, ok := errors.AsType[*crest.Error](err)
	if !ok {
		return nil, err
	}
	f := facts{"contains": contains(err.Error()), "field_url": sameURL(e.URL)}
	f["value"] = check(func(any) error {
		if said := (e.Model != nil && e.Model.Error() == message); e.StatusCode != status || !said {
			return fmt.Errorf("status %d, model %v", e.StatusCode, e.Model)
		}
		return sameURL(e.URL)(target)
	})
	return f, nil
}

func readCloser(text string) *closable { return &closable{bytes.NewReader([]byte(text))} }

type closable struct{ *bytes.Reader }

func (*closable) Close() error { return nil }

// connectionError makes a dial fail and looks for host, port and cause.
func connectionError(r *row) (facts, error) {
	cause := errors.New(r.in.text("cause"))
	address := fmt.Sprintf("%s:%d", r.in.text("host"), r.in.number("port", 0))
	transport := r.dialing(func(_ context.Context, network, addr string) (net.Conn, error) {
		if addr != address {
			return nil, fmt.Errorf("the address is %s", addr)
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: cause}
	})
	p := &plan{method: "GET", clientOpts: []crest.ClientOption{crest.WithTransport(transport)}}
	_, err := p.do(r, "http://"+address)
	return facts{"value": check(func(any) error {
		call, ok := errors.AsType[*crest.CallError](err)
		if !ok || !errorWords["connection"](err) || !errors.Is(err, cause) || !strings.Contains(call.URL, address) {
			return fmt.Errorf("the error is %v", err)
		}
		return nil
	})}, nil
}

// disconnectedError makes a server that hangs up without an answer.
func disconnectedError(r *row) (facts, error) {
	p := &plan{method: "GET"}
	_, err := p.do(r, r.serve(nil).url())
	return facts{"value": check(func(any) error { return expectIs(err, crest.KindDisconnected) })}, nil
}
