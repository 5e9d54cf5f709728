// Package examples holds what is tested of README.md. The examples themselves are its subfolders:
//
//   - quickstart drives httpbin against a real server and explains itself.
//   - sdk is the SDK to copy: complete, with its tests, as its author would publish it, and a demo against a server of its API.
//   - httpbin is an SDK of the usual size, over an API that others wrote.
//   - stripe is an SDK of a part of Stripe's API, with nested forms, against stripe-mock. It is a module of its own, as http3 and roundtrippers are.
//   - github is the SDK that README.md shows.
//   - ratelimited shows the limiter against a server that counts.
//   - sessions shows a login kept over a restart, and that redirects, a proxy and pinned keys keep secrets where they belong.
//   - transfer takes a file up and down with a progress bar, kills the process that fetches it, and goes on in another.
//   - resilience is the code of the recipe for circuit breakers, bulkheads and hedging.
package examples
