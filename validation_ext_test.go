package crest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

type ctxKey struct{}

func TestValidationModes(t *testing.T) {
	const broken = `{"id":7}`
	var reported []*crest.CallError
	var from any
	observe := crest.WithValidation(crest.Validation{Mode: crest.Observe, Report: func(ctx context.Context, err *crest.CallError) {
		reported, from = append(reported, err), ctx.Value(ctxKey{})
	}})
	off, strict := crest.WithValidation(crest.Validation{Mode: crest.Off}), crest.WithValidation(crest.Validation{})
	for name, tt := range map[string]struct {
		client, call crest.Option
		ok           bool
		reports      int
	}{
		"default":           {nil, nil, false, 0},
		"strict":            {strict, nil, false, 0},
		"observe":           {observe, nil, true, 1},
		"off":               {off, nil, true, 0},
		"nearest wins":      {off, strict, false, 0},
		"nearest wins, off": {observe, off, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			reported, from = nil, nil
			base := append(levelled[crest.ClientOption](some(tt.client)), crest.WithTransport(fixed(200, broken, "Content-Type", "application/json")))
			c := newClient(t, "https://x.example", base...)
			ctx := context.WithValue(t.Context(), ctxKey{}, "mine")
			got, err := getThing.Call(ctx, c, crest.Empty{}, levelled[crest.CallOption](some(tt.call))...)
			require.Len(t, reported, tt.reports)
			if !tt.ok {
				fails(t, err, crest.ErrResponse, crest.KindValidation, crest.SentYes)
				require.Zero(t, got, "no half model beside an error")
				return
			}
			require.NoError(t, err)
			require.Equal(t, thing{ID: 7}, got)
			for _, err := range reported {
				fails(t, err, crest.ErrResponse, crest.KindValidation, crest.SentYes)
				require.Equal(t, "GET /thing", err.Endpoint)
				require.Equal(t, "mine", from)
			}
		})
	}
}

var errBalance = errors.New("debits and credits differ")

// ledger is a model that asks itself.
type ledger struct {
	Debit, Credit int
}

func (l *ledger) Validate() error {
	if l.Debit == 13 {
		panic("unlucky")
	}
	if l.Debit != l.Credit {
		return errBalance
	}
	return nil
}

func TestValidateMethod(t *testing.T) {
	rec := &recorder{answer: nil}
	c := newClient(t, "https://x.example", crest.WithTransport(rec))
	post := crest.Post[ledger, crest.Empty]("/x", crest.WithValidation(crest.Validation{Mode: crest.Off}))
	_, err := post.Call(t.Context(), c, ledger{1, 2})
	fails(t, err, crest.ErrRequest, crest.KindValidation, crest.SentNo)
	require.ErrorIs(t, err, errBalance, "requests are validated in every mode")
	rec.none(t)
	_, err = post.Call(t.Context(), c, ledger{13, 13})
	fails(t, err, crest.ErrRequest, crest.KindValidation, crest.SentNo) // R46: a panic is an error
	rec.none(t)
	_, err = post.Call(t.Context(), c, ledger{1, 1})
	require.NoError(t, err)

	_, err = answered[ledger](t, 200, `{"Debit":1,"Credit":2}`, typed("application/json"))
	fails(t, err, crest.ErrResponse, crest.KindValidation, crest.SentYes)
	require.ErrorIs(t, err, errBalance)
	_, err = answered[ledger](t, 200, `{"Debit":13}`, typed("application/json"))
	fails(t, err, crest.ErrResponse, crest.KindValidation, crest.SentYes)
	_, err = answered[[]ledger](t, 200, `[{"Debit":1,"Credit":1},{"Debit":1}]`, typed("application/json"))
	fails(t, err, crest.ErrResponse, crest.KindValidation, crest.SentYes)
}

// R43: what is wrong is said by the field's name, never by its value.
func TestR43ValidationHidesValues(t *testing.T) {
	type request struct {
		Pin  string       `json:"pin" validate:"len=4"`
		Card crest.Secret `json:"card" validate:"required"`
		URL  string       `json:"url" validate:"url"`
	}
	c := newClient(t, "https://x.example")
	_, err := crest.Post[request, crest.Empty]("/x").Call(t.Context(), c, request{Pin: "marker1", URL: "marker2"})
	fails(t, err, crest.ErrRequest, crest.KindValidation, crest.SentNo)
	for _, text := range printed(err) {
		require.NotContains(t, text, "marker")
		require.Contains(t, text, "Pin")
		require.Contains(t, text, "Card")
	}
}
