package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSizes(t *testing.T) {
	tests := map[string]struct {
		body []byte
		want int
	}{
		"order":   {orderAnswer.body, 285},
		"new":     {mustMarshal(postInput), 1024},
		"receipt": {receiptAnswer.body, 257},
		"error":   {errorAnswer.body, 207},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { require.Len(t, string(test.body), test.want) })
	}
	require.Len(t, wantList, 2000)
	require.InDelta(t, 1<<20, len(listAnswer.body), 1<<15)
}
