package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// retryFloor is how many of the cases of the retry suite pass.
const retryFloor = 311

// resumable is why scenario 7 is left out.
const resumable = "resumable uploads: a session that asks the server how much has arrived and sends the rest is a protocol of one service, which crest does not have"

// retryScenario is an entry of retry_tests.json: every method meets every case.
type retryScenario struct {
	ID                   int
	Description          string
	Cases                []struct{ Instructions []string }
	Methods              []retryMethod
	PreconditionProvided bool
	ExpectSuccess        bool
}

// retryMethod is an operation of the API. Resources are what a server of theirs has to create first; ours answers without.
type retryMethod struct {
	Name, Group string
	Resources   []string
}

// retryCase is one operation against one server that fails as it is told.
type retryCase struct {
	scenario     retryScenario
	operation    string
	method       string
	instructions []string
}

func (c *retryCase) String() string {
	return fmt.Sprintf("scenario %d %s %s", c.scenario.ID, c.operation, strings.Join(c.instructions, " "))
}

// plain reports whether the method alone does not allow a repetition (RFC 9110, section 9.2.2).
func (c *retryCase) plain() bool { return c.method == "POST" || c.method == "PATCH" }

// TestRetrySuite holds Retry to googleapis' retry conformance tests: which operations are repeated after which failure.
func TestRetrySuite(t *testing.T) {
	count := newTally("retry", nil)
	for _, c := range readRetrySuite(t) {
		if c.scenario.ID == 7 {
			count.leave(c.String(), resumable)
			continue
		}
		count.run(c.String(), c.check)
	}
	count.done(t, retryFloor)
}

func readRetrySuite(t *testing.T) []*retryCase {
	t.Helper()
	var suite struct{ RetryTests []retryScenario }
	var operations struct {
		About   string
		Methods map[string]string
	}
	for name, into := range map[string]any{"retry_tests.json": &suite, "methods.json": &operations} {
		d := json.NewDecoder(strings.NewReader(string(data(t, "suites/retry/"+name))))
		d.DisallowUnknownFields()
		require.NoError(t, d.Decode(into))
	}
	var cases []*retryCase
	for _, s := range suite.RetryTests {
		for _, m := range s.Methods {
			require.Contains(t, operations.Methods, m.Name)
			for _, c := range s.Cases {
				cases = append(cases, &retryCase{s, m.Name, operations.Methods[m.Name], c.Instructions})
			}
		}
	}
	return cases
}

// declaration is one way to tell crest what the suite says of an operation, with what has to come of it.
type declaration struct {
	name     string
	keyed    bool // the client gives an idempotency key to calls whose method is not idempotent
	ownKey   bool // the caller gives one
	endpoint []crest.EndpointOption
	call     []crest.CallOption
	live     bool   // the caller reads the body
	reset    bool   // a broken stream ends with a reset
	requests int    // that the server must see
	ends     ending // of the call
}

// check plays the case under each declaration that says what the suite says.
func (c *retryCase) check() error {
	for _, d := range c.declarations() {
		if err := c.play(d); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	return nil
}

// declarations are the table in the suite's README.
func (c *retryCase) declarations() []declaration {
	n := len(c.instructions)
	switch c.scenario.ID {
	case 1:
		return c.repeatable(n+1, succeeds)
	case 2:
		return c.conditional(n+1, succeeds)
	case 3, 4:
		return c.unrepeatable(1, failsWith(c.instructions[0]))
	case 5:
		return append(c.repeatable(1, failsWith(c.instructions[0])), c.unrepeatable(1, failsWith(c.instructions[0]))...)
	case 6:
		return c.repeatable(2, failsWith(c.instructions[1]))
	case 8:
		return c.streamed(n + 1)
	}
	panic(fmt.Sprintf("the driver does not know scenario %d", c.scenario.ID))
}

// repeatable operations are declared so, whatever their method; or they are as they come, with a key where the method says nothing.
func (c *retryCase) repeatable(requests int, ends ending) []declaration {
	return []declaration{
		{name: "declared idempotent", requests: requests, ends: ends, endpoint: []crest.EndpointOption{crest.WithIdempotent()}},
		{name: "idempotent by method or key", requests: requests, ends: ends, keyed: true},
	}
}

// conditional operations are idempotent in the call that sends a precondition, or whenever a key goes with them.
func (c *retryCase) conditional(requests int, ends ending) []declaration {
	not := []crest.EndpointOption{crest.WithoutIdempotent()}
	return []declaration{
		{name: "idempotent in this call", requests: requests, ends: ends, endpoint: not, call: []crest.CallOption{crest.WithIdempotent()}},
		{name: "with a key of the caller's", requests: requests, ends: ends, endpoint: not, ownKey: true},
	}
}

// unrepeatable operations are declared so, whatever their method; POST and PATCH need not be.
func (c *retryCase) unrepeatable(requests int, ends ending) []declaration {
	d := []declaration{
		{name: "declared not idempotent", requests: requests, ends: ends, endpoint: []crest.EndpointOption{crest.WithoutIdempotent()}},
	}
	if c.plain() {
		d = append(d, declaration{name: "not idempotent by method", requests: requests, ends: ends})
	}
	return d
}

// streamed answers break in the middle: a body read whole is asked for again, one that the caller reads is not.
func (c *retryCase) streamed(requests int) []declaration {
	return []declaration{
		{name: "read whole, cut", requests: requests, ends: succeeds},
		{name: "read whole, reset", requests: requests, ends: succeeds, reset: true},
		{name: "read by the caller, cut", requests: 1, ends: breaks, live: true},
		{name: "read by the caller, reset", requests: 1, ends: breaks, live: true, reset: true},
	}
}
