package crest_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain holds every test to promise 8: no goroutine outlives its call (R37). Some tests need another process, which is this one
// again.
func TestMain(m *testing.M) {
	if task := os.Getenv(childTask); task != "" {
		os.Exit(beChild(task))
	}
	goleak.VerifyTestMain(m)
}
