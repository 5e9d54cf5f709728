package crest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A ring that is on its way must not meet another call: in a synctest bubble that has another clock it would end it.
func TestBellThatRangServesNoOtherCall(t *testing.T) {
	for range 20 { // a pool may forget what it was given
		var mine *bell
		synctest.Test(t, func(t *testing.T) {
			l := &lifetime{}
			l.begins(t.Context(), Timeouts{Total: time.Hour, Header: time.Minute}, false)
			mine = l.bell
			time.Sleep(2 * time.Minute) // the header was not waited for: it rang in vain, and will again
			synctest.Wait()
			l.end()
			require.Nil(t, mine.life.Load())
		})
		other := &lifetime{}
		other.begins(t.Context(), Timeouts{Total: time.Hour}, false)
		require.NotSame(t, mine, other.bell)
		other.end()
	}
}
