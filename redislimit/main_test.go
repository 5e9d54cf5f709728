package redislimit_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"
)

// TestMain is also what the other processes of TestProcessesShareTheLimit run.
func TestMain(m *testing.M) {
	if os.Getenv(workerEnv) != "" {
		os.Exit(work())
	}
	logging.Disable() // go-redis writes a line for each dial that fails
	fmt.Println("redislimit: tested with", backend())
	goleak.VerifyTestMain(m)
}
