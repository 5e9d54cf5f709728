// Package crestdebug shows what the clients of a program do, on a page for people: operations with their rates, latencies, statuses and
// retries, limiters, the newest errors, and the bodies that are open.
//
//	mux.Handle("GET /debug/api", crestdebug.Handler(client))
//
// The page is one answer without scripts and without anything from elsewhere, and reloads itself every three seconds: ?refresh=10 asks for
// another pace, ?refresh=0 stops it. A client has figures if it was made with [crest.WithStats]; they are read when the page is asked for,
// and cost calls nothing more.
//
// The package listens nowhere and registers nothing. Put the page where only those get who may see it, as with net/http/pprof: it has no
// secrets that crest knows of, and yet tells which API is used how, and the texts of errors.
package crestdebug
