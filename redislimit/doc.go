// Package redislimit shares one rate limit among all processes that use the same Redis and key.
//
//	limit, err := redislimit.New(redis.NewClient(&redis.Options{Addr: "localhost:6379"}),
//		"shop-api", 100, time.Minute, redislimit.Options{})
//	…
//	c, err := crest.New[*Error]("https://api.example.com/v1", crest.WithLimiter(limit))
//
// # What it guarantees
//
// While Redis answers, no closed window of the length per, wherever it begins, holds more than n units on the
// wire, of all processes together, by Redis' clock. As with [crest.RateLimiter] it is the writing of a
// request's headers that counts, not the grant: from the grant until the process reports the writing, a unit
// is pending and counts as if it were sent now, so a connection that opens slowly does not bring two windows'
// worth together. The report does not delay the request; that it comes late is the safe side. What was
// never written is given back.
//
// A pending unit has a lease of 10 seconds, which the living renew. If a process dies between grant and report, or
// Redis does not take its reports, the unit counts as sent when the lease ends: it is free again per later.
// Only where a process is cut off from Redis for the whole lease and then writes the request after all, that
// request counts too early.
//
// Redis is trusted to remember: one that restarts empty, or a replica that takes over without the last writes, lets
// up to n go again. A clock of Redis that is set forward frees what it skips; one that is set back, or that of a
// replica which is behind, makes nobody wait longer than per (or than what was left of a pause).
//
// # Waiting
//
// The requests of one process go in order. Among processes there is none: the first of each asks again when
// Redis said that a unit is free, so every process sends one script per wait, however many requests wait in it. A
// process can take no more units in a second than it can make round trips to Redis.
//
// A wait that would outlast the context fails at once, as with crest's own limiter.
// A 429 or 503 with Retry-After stops the limit for all processes, for an hour at most; then they go on one by one at
// random within the limit's pace. A shorter one takes nothing back.
//
// # When Redis fails
//
// Each call to Redis has 100 ms ([Options].Deadline), whatever the client's own timeouts and retries are: with the
// defaults of go-redis a stopped Redis would hold a request for 10 seconds. A request that gets no answer, or an
// error, is refused ([Closed], the default), let go ([Open]), or counted in the process alone ([Local]). After a failure
// Redis is left alone for as long as the deadline, then twice that, up to a second, and one request tries it
// again; so not every request pays the deadline. Recovery needs nobody's help. In the window in which one mode of
// counting follows the other, what both let go can come together.
//
// At most 16 goroutines wait for a client that does not return; they end with its own timeouts, or soon after it is closed.
package redislimit
