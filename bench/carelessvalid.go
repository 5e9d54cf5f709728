package bench

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-playground/validator/v10"
)

// carelessValid is careless with validator/v10 on what goes out and comes in:
// the same promises about models that crest makes.
func carelessValid() Contender {
	return Contender{
		Name:   "careless+validator",
		Module: "github.com/go-playground/validator/v10",
		Note:   "careless with validator/v10 on request, answer and each event; for files it would be careless itself",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			plain := &everyday{base: base, do: (&http.Client{Transport: rt}).Do}
			v := validator.New(validator.WithRequiredStructEnabled())
			return Calls{
				Get:  checked(plain.get, v.Struct, structRule[Order](v)),
				Post: checked(plain.post, v.Struct, structRule[Receipt](v)),
				List: checked(plain.list, v.Struct, func(out []Order) error { return v.Var(out, "dive") }),
				Watch: func(ctx context.Context, in WatchChanges, each func(Change) error) error {
					if err := v.Struct(&in); err != nil {
						return err
					}
					return plain.watch(ctx, in, func(c Change) error { return errors.Join(v.Struct(&c), each(c)) })
				},
			}, nil
		},
	}
}

func structRule[T any](v *validator.Validate) func(T) error {
	return func(out T) error { return v.Struct(&out) }
}

// checked puts a check before and after a call.
func checked[Req, Res any](
	call func(context.Context, Req) (Res, error), before func(any) error, after func(Res) error,
) func(context.Context, Req) (Res, error) {
	return func(ctx context.Context, in Req) (out Res, err error) {
		if err := before(&in); err != nil {
			return out, err
		}
		if out, err = call(ctx, in); err != nil {
			return out, err
		}
		return out, after(out)
	}
}
