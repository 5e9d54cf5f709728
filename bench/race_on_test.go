//go:build race

package bench

// raceEnabled says that the race detector's own memory and time are counted.
const raceEnabled = true
