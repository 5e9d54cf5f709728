package redislimit

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/crest-go/crest"
)

// substitute decides instead of Redis, which failed with err.
func (l *Limiter) substitute(ctx context.Context, req *http.Request, cost int, err error) (verdict, error) {
	switch l.mode {
	case Open:
		return verdict{granted: true}, nil
	case Local:
		return l.askLocal(ctx, req, cost, err)
	}
	return verdict{}, refused(0, err)
}

// askLocal asks the limiter of this process, in which nobody waits: the line does, so that it turns to Redis as soon
// as that answers.
func (l *Limiter) askLocal(ctx context.Context, req *http.Request, cost int, cause error) (verdict, error) {
	s, err := l.local.Slot(ctx, req, cost)
	if err == nil {
		return verdict{granted: true, slot: s}, nil
	}
	own, ok := errors.AsType[*crest.CallError](err)
	if !ok || own.Wait <= 0 {
		return verdict{}, refused(0, fmt.Errorf("%w, and this process alone: %w", cause, inner(own, err)))
	}
	return verdict{wait: own.Wait, loose: true}, nil
}

func inner(own *crest.CallError, err error) error {
	if own != nil {
		return own.Err
	}
	return err
}
