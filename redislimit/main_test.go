package redislimit_test

import (
	"fmt"
	"os"
	"testing"
	"time"

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
	code := m.Run()
	if err := leaks(); err != nil && code == 0 {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

// leaks allows for go-redis, which sleeps between two tries even if the client is closed meanwhile.
func leaks() error {
	err := goleak.Find()
	for end := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(end); {
		err = goleak.Find()
	}
	return err
}
