// Package crest is a framework for writing REST clients as declarations: models are structs, endpoints are
// values, errors are types. One generic [Client] validates, sends, decodes, and bounds what a server can do
// to it. Authors of SDKs embed it.
//
// # An SDK
//
// The API's error model gives the client its type. Endpoints are package variables; a mistake in one
// stops the program at start, with a message that says how to mend it.
//
//	type Client struct{ *crest.Client[*Error] }
//
//	var getPet = crest.Get[GetPetRequest, Pet]("/pets/{id}",
//		crest.WithErrors(crest.ErrorMap{404: crest.As[*NotFound]()}))
//
//	type GetPetRequest struct {
//		ID     int64    `path:"id" validate:"gt=0"`
//		Fields []string `query:"fields,omitzero"`
//	}
//
//	func (c *Client) Pet(ctx context.Context, id int64) (Pet, error) {
//		return getPet.Call(ctx, c, GetPetRequest{ID: id})
//	}
//
// # What a nil error means
//
// The status was a declared success, the content type was one that the model has a codec for, the body was
// read whole and decoded, and the model passed its validation. Everything else is a [*CallError], whose
// [Step] says where it failed, whose [Kind] says how, and whose Sent says whether the server may have seen
// the request. Where the server answered with a failure, [*Error] is inside it, with the API's own
// error model:
//
//	if missing, ok := errors.AsType[*petstore.NotFound](err); ok { … }
//	if errors.Is(err, crest.Status(http.StatusConflict)) { … }
//	if errors.Is(err, crest.KindTimeout) { … }
//
// # The way of one call
//
//	typed request
//	  │ merge        options: client < endpoint < call
//	  │ validate     is the request valid?                        ErrRequest: nothing was sent
//	  │ bind         model → URL, headers, cookies, body          ErrRequest: nothing was sent
//	  │ ┌ attempt    again, after a wait, where it does no harm: [Retry]
//	  │ │ middleware   the user's RoundTrippers; they see no credentials
//	  │ │ limit        a slot for this request                    ErrLimited: nothing was sent
//	  │ │ authorize    credentials, for their own origin only     ErrCredentials: nothing was sent
//	  │ │ send         the wire                                   ErrTransport: says whether it may have been received
//	  │ │ read         the body, decompressed, within its bounds
//	  │ └ map error  not a declared success: which model?         *Error
//	  │ decode       headers and body → model                     ErrResponse
//	  ▼ validate     is the answer what was declared?             ErrResponse
//	typed response
//
// # Where a field goes
//
//	path:"id"           {id} in the route: one segment, escaped once; {rest...} takes many segments
//	query:"q"           the query; slices repeat; style= and explode= with OpenAPI's names; query:"*" on a map takes all
//	header:"X-A"        a header; header:"X-Meta-*" on a map sets each
//	cookie:"sid"        a cookie
//	form:"name"         an urlencoded body; multipart/form-data if a field is a [File]
//	json:"name"         a JSON body; beside located fields the json fields together are the body
//	Body                an untagged field of this name is the whole body: a model, []byte, string, io.Reader, func() (io.ReadCloser, error), [File]
//
// A model without any of these tags is itself the body. omitzero and omitempty work everywhere, format=
// (date, date-time, unix, http-date) and default:"…" on located fields and on the top-level json fields. In
// a json tag format:unix is taken as well, the form of encoding/json/v2 that linters know. In a
// response model header and cookie fields are read from the answer and the rest from its body. validate:"…"
// is the language of [github.com/go-playground/validator]; a model with a Validate() error method is asked as
// well. [Opt] tells unset, null and value apart everywhere; [Secret] never shows itself.
//
// # Bounds
//
// Nothing that a server sends is unbounded, and no wait is: [Bounds], [Timeouts] and [Retry] have the defaults.
//
// # Security of the toolchain
//
// Build with Go 1.26.6 or newer: it has the fixes of August 2026 in net/http, net/url, crypto/tls and x/net/idna.
package crest
