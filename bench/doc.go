// Package bench runs the same REST calls through crest, through hand-written
// net/http and through other client libraries, and compares what they cost.
//
// A [Contender] is one way of writing the three functions of [Calls]; a
// [Workload] is one call with its expected outcome; a [Link] is what it runs
// over: memory, which isolates the client, or a loopback socket. Before
// anything is timed, the tests check that every contender sends the same
// request and decodes the same value. A [Comparison] sets one thing that crest
// does, such as taking a slot of a limit, beside what it is measured by.
//
// Only ratios within one run are worth quoting. The command in cmd/ratios
// prints them:
//
//	go run ./bench/cmd/ratios
//
// The same cells run as ordinary benchmarks:
//
//	go test -bench . -benchmem ./bench/
package bench
