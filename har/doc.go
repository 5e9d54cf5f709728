// Package har records what a client sends and gets as an HTTP Archive (HAR 1.2), which browsers' developer tools, proxies and analysers
// open.
//
//	rec := &har.Recorder{Body: 64 << 10}
//	c, err := crest.New[*crest.Problem]("https://api.example.com", crest.WithMiddleware(rec.Middleware))
//	// …
//	_, err = rec.WriteTo(file)
//
// The archive has an entry for each request that goes out: each attempt, each hop of a redirect, each answer to a challenge. It is made for being
// handed on: credentials are attached below the recorder, and what else is or may be secret stands in it as [redacted], by the rules of
// [crest.Redaction].
package har
