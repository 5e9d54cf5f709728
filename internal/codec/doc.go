// Package codec turns Go values into JSON and back. It is the only importer of
// goccy/go-json, and it puts what that engine leaves open into rules:
//
//   - [Unmarshal] refuses data after the value and gives exact numbers
//     (encoding/json's Number) wherever a model says any.
//   - [UnmarshalStrict] also refuses duplicate names, unknown fields, invalid
//     UTF-8 and names that match only when case is ignored.
//   - [Marshal] writes secrets in clear, on purpose: a secret's own MarshalJSON
//     writes a placeholder, so that no other encoder leaks it.
//   - Errors name the offset, the field and the kind, never a piece of the document.
//
// [StdMarshal] and its like do the same with encoding/json, as far as it can.
// All functions are safe for concurrent use; what they find out about a type
// they find out once.
package codec
