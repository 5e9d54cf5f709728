package crest_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain holds every test to promise 8: no goroutine outlives its call (R37).
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
