package cresttest_test

import (
	"context"
	"encoding/json"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
)

// guarded has rules that hardly anything but its own values keeps.
type guarded struct {
	A int            `json:"a" validate:"gt=5"`
	B uint8          `json:"b" validate:"oneof=7 8"`
	C float64        `json:"c" validate:"gt=1.5"`
	D bool           `json:"d" validate:"eq=true"`
	E time.Time      `json:"e" validate:"required"`
	G []int          `json:"g" validate:"min=2,unique,dive,gt=2"`
	H map[string]int `json:"h" validate:"min=1,dive,gt=2"`
	I guardedPart    `json:"i"`
	J *int           `json:"j" validate:"required,gt=4"`
	K crest.Opt[int] `json:"k,omitzero"`
	L []byte         `json:"l" validate:"min=2"`
	N json.Number    `json:"n" validate:"required"`
	O any            `json:"o"`
	P []guardedPart  `json:"p" validate:"min=1"`
	Q string         `json:"q" validate:"email"`
	R netip.Addr     `json:"r"`
	S *big.Int       `json:"s"`
	U []string       `json:"u" validate:"unique,min=2,dive,len=3"`
	V string         `json:"v" validate:"eqfield=Q"`
	W string         `json:"w" validate:"required_if=D true,len=4"`
}

type guardedPart struct {
	X int    `json:"x" validate:"gt=3"`
	Y string `json:"y" validate:"len=5"`
}

type guardedForm struct {
	A  int            `form:"a" validate:"gt=5"`
	E  time.Time      `form:"e,format=date" validate:"required"`
	G  []int          `form:"g" validate:"min=2,dive,gt=2"`
	QA int            `query:"qa" validate:"gt=5"`
	QE time.Time      `query:"qe,format=unix" validate:"required"`
	QG []int          `query:"qg" validate:"min=2,dive,gt=2"`
	QD map[string]int `query:"qd,style=deepObject" validate:"min=1,dive,gt=3"`
}

// Whatever is hidden of a good recording, nothing is said of it when it is loaded.
func TestCassetteHiddenIsNoMistake(t *testing.T) {
	nine, at, part := 9, time.Unix(1e9, 0).UTC(), guardedPart{4, "abcde"}
	model := guarded{
		6, 7, 2, true, at, []int{3, 4}, map[string]int{"a": 3}, part, &nine, crest.Some(4), []byte{1, 2, 3}, "12.5", map[string]any{"z": 1.0}, []guardedPart{part},
		"a@b.example", netip.MustParseAddr("1.2.3.4"), big.NewInt(99), []string{"abc", "def"}, "a@b.example", "four",
	}
	form := guardedForm{6, at.Truncate(24 * time.Hour), []int{3, 4}, 6, at, []int{3, 4}, map[string]int{"k": 4}}
	names := append(strings.Split("a b c d e g h i j k l n o p q r s u v w x y z qa qe qg qd *", " "), "a,q,w", "a,b,c,d,e,g,h,j,k,l,n,o,q,r,s,u,v,w,x,y")
	for _, hidden := range names {
		t.Run(hidden, func(t *testing.T) {
			srv := cresttest.NewServer(t, cresttest.Prefix("/v1"))
			redact := crest.WithRedact(strings.Split(hidden, ",")...)
			post := crest.Post[guarded, guarded]("/json", redact)
			send := crest.Post[guardedForm, guarded]("/form", redact)
			cresttest.Handle(srv, post, func(context.Context, guarded) (guarded, error) { return model, nil })
			cresttest.Handle(srv, send, func(context.Context, guardedForm) (guarded, error) { return model, nil })
			d := newDeck(t, srv.Transport(), cresttest.Of(post), cresttest.Of(send))
			require.Empty(t, d.run("record", func(c *crest.Client[*apiError]) {
				_, err := post.Call(t.Context(), c, model)
				require.NoError(t, err)
				_, err = send.Call(t.Context(), c, form)
				require.NoError(t, err)
			}))
			require.Equal(t, 2, strings.Count(d.text(), "=== answer"))
			require.Empty(t, d.run("", func(*crest.Client[*apiError]) {}))
		})
	}
}
