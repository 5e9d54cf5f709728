package redislimit_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is also what the other processes of TestProcessesShareTheLimit run.
func TestMain(m *testing.M) {
	if os.Getenv(workerEnv) != "" {
		os.Exit(work())
	}
	fmt.Println("redislimit: tested with", backend())
	goleak.VerifyTestMain(m)
}
