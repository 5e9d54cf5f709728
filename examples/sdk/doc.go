// Package bookshop is the Go SDK of the Bookshop API: its books, their covers, and what changes in the shop.
//
//	shop, err := bookshop.New(os.Getenv("BOOKSHOP_TOKEN"))
//	if err != nil {
//		return err
//	}
//	defer shop.Close()
//
//	book, err := shop.Book(context.Background(), "9780306406157")
//
// A [Client] is safe for concurrent use; a program needs one. Every method takes a context, whose end ends the call at once.
//
// # Errors
//
// What the shop says no to is a type of its own, found with [errors.As] or [errors.AsType]:
//
//	if missing, ok := errors.AsType[*bookshop.NotFound](err); ok {
//		fmt.Println(missing.Detail)
//	}
//	if invalid, ok := errors.AsType[*bookshop.Invalid](err); ok {
//		for _, field := range invalid.Fields {
//			fmt.Println(field.Name, field.Reason)
//		}
//	}
//	if changed, ok := errors.AsType[*bookshop.Changed](err); ok { … } // somebody else was faster: read the book again
//	if busy, ok := errors.AsType[*bookshop.RateLimited](err); ok { … } // busy.RetryAfter
//
// Any other refusal is a [*crest.Problem], and all of them have a [*crest.Error] with the status and the request's id. Where a gateway
// answers in the shop's place there is no more than the status: errors.Is(err, crest.Status(404)) is true for it too. What went wrong
// before or after the shop's answer is told by crest's errors: errors.Is(err, crest.KindTimeout), errors.Is(err, crest.ErrRequest)
// for a request that was not sent because it breaks its own rules.
//
// # Limits, retries, timeouts
//
// The API takes [RequestsPerSecond] requests; a Client waits rather than exceed them. It tries again what passes: lost connections, 429 and
// 5xx, where that does no harm. Creating a book is such a call too, since it carries an idempotency key. A call has [Timeout], an upload
// [UploadTimeout]; a context with a nearer deadline ends it earlier.
package bookshop
