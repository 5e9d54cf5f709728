package crest

import (
	"context"
	"fmt"
)

// Empty is the request or response model of a call that has none. As a response model it
// accepts any body and reads nothing of it.
type Empty struct{}

// ValidationMode says what happens when an answer breaks the rules of its model.
type ValidationMode int

// The modes of [Validation].
const (
	// Strict makes it an error: ErrResponse, KindValidation.
	Strict ValidationMode = iota
	// Observe hands the error to Validation.Report and returns the model as it came.
	Observe
	// Off does not validate answers. Requests are always validated.
	Off
)

// Validation says how answers are held to the rules of their models: the validate tags, and
// Validate() error where the model has it. The zero value is Strict.
type Validation struct {
	Mode ValidationMode
	// Report gets each failure under Observe, such as a contract that has drifted. It must not be nil then.
	// It runs within the call, in its goroutine.
	Report func(ctx context.Context, err *CallError)

	set bool
}

// WithValidation sets how answers are validated; without it they are [Strict]. The nearest level's says all of it. Observe without a
// Report is a mistake.
func WithValidation(v Validation) Option {
	return anyOption(func(s *settings) error {
		switch {
		case v.Mode < Strict || v.Mode > Off:
			return fmt.Errorf("WithValidation: %d is no mode: use Strict, Observe or Off", v.Mode)
		case v.Mode == Observe && v.Report == nil:
			return fmt.Errorf("WithValidation: Observe needs a Report function, or nobody sees what it observes")
		}
		v.set = true
		s.validation = v
		return nil
	})
}
