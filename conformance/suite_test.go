package conformance

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTally(t *testing.T) {
	right := func() error { return nil }
	wrong := func() error { return errors.New("wrong") }
	tests := map[string]struct {
		feed func(y *tally)
		want string
	}{
		"a pass":                        {func(y *tally) { y.run("a", right) }, "s: 1 passed, 0 failed, 0 skipped"},
		"a failure":                     {func(y *tally) { y.run("a", wrong) }, "s: 0 passed, 1 failed, 0 skipped"},
		"a panic is a failure":          {func(y *tally) { y.run("a", func() error { panic("x") }) }, "s: 0 passed, 1 failed, 0 skipped"},
		"a failure on the list":         {func(y *tally) { y.run("listed", wrong) }, "s: 0 passed, 0 failed, 1 skipped"},
		"a pass on the list is stale":   {func(y *tally) { y.run("listed", right) }, "s: 0 passed, 1 failed, 0 skipped"},
		"left out with a reason":        {func(y *tally) { y.leave("a", "why") }, "s: 0 passed, 0 failed, 1 skipped"},
		"left out without a reason":     {func(y *tally) { y.leave("a", "") }, "s: 0 passed, 1 failed, 0 skipped"},
		"two faults of a case are one":  {func(y *tally) { y.fail("a", "x"); y.fail("a", "y") }, "s: 0 passed, 1 failed, 0 skipped"},
		"the next case runs on a panic": {func(y *tally) { y.run("a", func() error { panic("x") }); y.run("b", right) }, "s: 1 passed, 1 failed, 0 skipped"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			y := newTally("s", map[string]string{"listed": "a reason"})
			tt.feed(y)
			require.Equal(t, tt.want, y.String())
		})
	}
}
