//go:build !race

package crest_test

// raceEnabled says that the race detector's own memory and time are counted.
const raceEnabled = false
