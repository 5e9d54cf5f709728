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
//
// # How values look
//
// Paths and queries percent-encode everything but unreserved characters, in
// OpenAPI's styles. Times are RFC 3339 unless format= says otherwise, bytes are
// base64, numbers and booleans as in JSON, and an encoding.TextMarshaler is
// asked first. Nil pointers (also those that an interface holds), nil interfaces,
// empty lists and unset optional fields are left out; null is the text null. In a
// path all of them are errors.
//
// A header with a list is one line, "a, b, c". An item with a comma, a quote or
// white space around it is written as a quoted-string; a date never is.
// explode=true repeats the line instead. Objects are "R, 100, G, 200", or
// "R=100, G=200" when exploded. A map for X-Meta-* or * takes each header by
// itself, and gets the names in lower case when an answer is read.
//
// A cookie's list is several cookies, or joined with commas when explode=false.
// style=form percent-encodes a cookie's value; without it, what a cookie can't
// carry is refused.
//
// A wildcard map never repeats what a named field sends, nor a constant of the
// route; a named field that is left out leaves its name to the map.
package bind
