//go:build race

package codec

// raceEnabled says that the race detector's own allocations are counted.
const raceEnabled = true
