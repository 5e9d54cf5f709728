// Package bind compiles struct tags into plans that turn models into requests
// and answers into models. A plan is made once per declaration; a call walks it.
//
// [ParseRoute] reads a route, [CompileRequest] and [CompileResponse] read a
// model, and each returns all of a declaration's mistakes at once, every one
// with its mend. What they return is immutable and safe for concurrent use.
//
// Nothing here trusts a value: path values are escaped exactly once and can't
// become dot segments, header and cookie values can't end their line, and no
// error holds the value that caused it.
package bind
