package crest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// nested makes the error of somebody else fit to stand in that of a call.
func nested(err error) error {
	if _, ok := errors.AsType[*CallError](err); ok {
		return &nestedError{err}
	}
	return hideURLs(err)
}

// nestedError is the error of another call, which a middleware or a token source made through crest. What is
// inside it is that call's: neither its step nor its status may be taken for those of this one. The context's
// errors stay findable.
type nestedError struct{ err error }

func (e *nestedError) Error() string { return textOf(e.err) }

// Is knows the error itself, as the cause of a context, and the context's own.
func (e *nestedError) Is(target error) bool {
	if target == context.Canceled || target == context.DeadlineExceeded {
		return errors.Is(e.err, target)
	}
	return reflect.TypeOf(target).Comparable() && target == e.err
}

// hideURLs returns err without the URLs that net/url writes into its messages: whoever failed, a token source, a middleware or the transport,
// its queries can hold what no message may have.
func hideURLs(err error) error {
	all := urlErrors(err)
	if len(all) == 0 {
		return err
	}
	text := textOf(err)
	for _, e := range all {
		text = strings.ReplaceAll(text, strconv.Quote(e.URL), "the URL")
	}
	return &hiddenURL{err, all[0], text}
}

// urlErrors are all within err, the outermost first.
func urlErrors(err error) (all []*url.Error) {
	if e, ok := err.(*url.Error); ok && e != nil {
		all = append(all, e)
	}
	switch outer := err.(type) {
	case interface{ Unwrap() []error }:
		for _, inner := range outer.Unwrap() {
			all = append(all, urlErrors(inner)...)
		}
	case interface{ Unwrap() error }:
		all = append(all, urlErrors(outer.Unwrap())...)
	}
	return all
}

// hiddenURL is an error without the URL that net/url writes into its messages, query and all. What it wraps is found in it, and not
// handed out by Unwrap: who walks the chain prints each error.
type hiddenURL struct {
	err  error
	url  *url.Error // somewhere in err
	text string
}

func (e *hiddenURL) Error() string { return e.text }

func (e *hiddenURL) Is(target error) bool { return errors.Is(e.err, target) }

// As gives a url.Error without its URL.
func (e *hiddenURL) As(target any) bool {
	if to, ok := target.(**url.Error); ok {
		*to = &url.Error{Op: e.url.Op, URL: redacted, Err: e.Unwrap()}
		return true
	}
	return errors.As(e.err, target)
}

// Unwrap returns what went wrong with the URL.
func (e *hiddenURL) Unwrap() error { return hideURLs(e.url.Err) }

// textOf is what err says. A method of somebody else's answers, and one that panics (on a nil pointer that its model embeds, or that is the
// error itself) must not take down who only wants to print a failure.
func textOf(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("the Error method of %T panicked", err)
		}
	}()
	return err.Error()
}
