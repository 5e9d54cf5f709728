package redislimit_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/redislimit"
)

// workerEnv makes the test binary one of the processes: "address of Redis, URL of the server".
const workerEnv = "REDISLIMIT_TEST_WORKER"

// The limit of TestProcessesShareTheLimit. A request that the machine holds up on its way to the server comes closer to
// the next one, which is what Options.Margin is for. A second is far more than a busy machine with two cores was
// seen to need, and costs the test nothing: processes that did not share would send four times n in one moment.
const (
	sharedN      = 20
	sharedPer    = 500 * time.Millisecond
	sharedMargin = time.Second
	sharedFor    = 3200 * time.Millisecond
	processes    = 4
)

// work is one process: 8 goroutines that send as fast as the limit lets them.
func work() int {
	addr, url, _ := strings.Cut(os.Getenv(workerEnv), " ")
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	limit, err := redislimit.New(client, "shared", sharedN, sharedPer, redislimit.Options{Margin: sharedMargin, Deadline: 3 * time.Second})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	c, err := crest.New[*crest.Problem](url, crest.WithLimiter(limit))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	hit := crest.Get[crest.Empty, crest.Empty]("/hit")
	ctx, cancel := context.WithTimeout(context.Background(), sharedFor)
	defer cancel()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				if _, err := hit.Call(ctx, c, crest.Empty{}); err != nil {
					return // no more units before the end
				}
			}
		})
	}
	wg.Wait()
	return 0
}

// Four processes that know nothing of each other never bring more than n requests into one window, by the clock of
// the server that they call, and together use what they may.
func TestProcessesShareTheLimit(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	var mu sync.Mutex
	var arrived []time.Time
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		arrived = append(arrived, time.Now())
		mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	}))
	defer api.Close()
	var wg sync.WaitGroup
	for range processes {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), workerEnv+"="+s.addr()+" "+api.URL)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("a process ended with %v: %s", err, out)
			}
		})
	}
	wg.Wait()
	most := busiest(arrived, sharedPer)
	t.Logf("%d requests of %d processes in %v, at most %d in %v", len(arrived), processes, sharedFor, most, sharedPer)
	require.LessOrEqual(t, most, sharedN)
	require.GreaterOrEqual(t, len(arrived), 2*sharedN, "the quota was not used")
}

// busiest is the most that any closed window of the length per holds.
func busiest(at []time.Time, per time.Duration) int {
	slices.SortFunc(at, time.Time.Compare)
	most, first := 0, 0
	for i := range at {
		for at[i].Sub(at[first]) > per {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
