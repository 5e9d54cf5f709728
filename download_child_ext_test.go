package crest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// childTask names the variable that makes the test binary a process of a test.
const childTask = "CREST_TEST_CHILD"

// fetchTask is what a child does, and childResult what it tells.
type fetchTask struct {
	URL, Path string
	How       crest.Transfer
	Retries   int
	User      int    // to become, if it is not 0
	Room      uint64 // that a file has at first, if it is not 0; without a bound afterwards
	Measure   bool   // what memory it takes
}

type childResult struct {
	Got  *crest.Downloaded
	Err  string
	Kind crest.Kind
	Is   []string // the errors that were found in it
	Sum  string   // the SHA-256 of the file
	Peak int64    // what the process ever had resident
}

// beChild does the task and prints the result.
func beChild(text string) int {
	var task fetchTask
	if err := json.Unmarshal([]byte(text), &task); err != nil {
		fmt.Println(err)
		return 2
	}
	if err := task.prepare(); err != nil {
		fmt.Println(err)
		return 3
	}
	c, err := crest.New[*failure](task.URL, crest.WithTransfer(task.How), atOnce(task.Retries))
	if err != nil {
		fmt.Println(err)
		return 2
	}
	if task.Measure {
		return task.measure(c)
	}
	results := []childResult{task.fetch(c)}
	if task.Room != 0 {
		if err := limitFiles(math.MaxUint64); err != nil {
			fmt.Println(err)
			return 3
		}
		results = append(results, task.fetch(c))
	}
	_ = json.NewEncoder(os.Stdout).Encode(results)
	return 0
}

// measure fetches, and tells what the process had resident at most before and after: the folder is one that holds nothing.
func (task *fetchTask) measure(c crest.Caller) int {
	fetch := func(route, path string) (peak int64, err error) {
		_, err = crest.DownloadFile(context.Background(), c, crest.Get[crest.Empty, io.ReadCloser](route), crest.Empty{}, path)
		return peakMemory(&testing.T{}), err
	}
	before, err := fetch("/small", task.Path+".small")
	after, err2 := fetch("/large", task.Path)
	r := childResult{Peak: after - before}
	if err := errors.Join(err, err2); err != nil {
		r.Err = err.Error()
	}
	_ = json.NewEncoder(os.Stdout).Encode([]childResult{r})
	return 0
}

func (task *fetchTask) prepare() error {
	if task.User != 0 {
		return becomeUser(task.User)
	}
	if task.Room != 0 {
		return limitFiles(task.Room)
	}
	return nil
}

func (task *fetchTask) fetch(c crest.Caller) (r childResult) {
	got, err := crest.DownloadFile(context.Background(), c, download, crest.Empty{}, task.Path)
	r.Got = got
	if err == nil {
		content, _ := os.ReadFile(task.Path)
		r.Sum = fmt.Sprintf("%x", sums(content)["sha256"])
		return r
	}
	r.Err = err.Error()
	if failed, ok := err.(*crest.CallError); ok {
		r.Kind = failed.Kind
	}
	for name, is := range map[string]error{"permission": os.ErrPermission, "no room": syscall.EFBIG, "request": crest.ErrRequest, "response": crest.ErrResponse} {
		if errors.Is(err, is) {
			r.Is = append(r.Is, name)
		}
	}
	return r
}

// child prepares a process that does a task.
func child(t testing.TB, task fetchTask) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(task)
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childTask+"="+string(text), "GORACE=atexit_sleep_ms=0")
	return cmd
}

// results runs a child to its end.
func results(t testing.TB, cmd *exec.Cmd) (all []childResult) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	require.NoError(t, cmd.Run(), out.String())
	require.NoError(t, json.Unmarshal(out.Bytes(), &all), out.String())
	return all
}
