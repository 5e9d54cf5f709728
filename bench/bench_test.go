package bench

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkCalls runs every cell as link/workload/contender:
//
//	go test -bench 'Calls/loopback/GET' -benchmem ./bench/
func BenchmarkCalls(b *testing.B) {
	field, err := NewField(context.Background(), Full)
	require.NoError(b, err)
	b.Cleanup(field.Close)
	for _, c := range field.Cells {
		b.Run(c.Link+"/"+c.Workload+"/"+c.Contender, c.Run)
	}
}
