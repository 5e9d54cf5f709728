// Package realproxies holds tests alone: a client of crest in front of the proxies that people run. nginx and haproxy are started from their
// Debian packages, each on ports and files of its own, and a test is skipped where they are not installed; toxiproxy runs in the test's own process.
package realproxies
