package httpbin

import (
	"context"
	"io"
	"time"

	"github.com/crest-go/crest"
)

// The table of endpoints. A mistake in it stops the program at start, with a message that says how to mend it.
var (
	get     = crest.Get[GetRequest, Echo]("/get")
	post    = crest.Post[Order, Receipt]("/post")
	form    = crest.Post[Login, FormEcho]("/post")
	patch   = crest.Patch[Change, ChangeEcho]("/patch")
	headers = crest.Get[HeadersRequest, ReturnedHeaders]("/response-headers")
	cookies = crest.Get[CookiesRequest, Cookies]("/cookies")
	bearer  = crest.Get[crest.Empty, Identity]("/bearer", crest.WithErrors(crest.ErrorMap{
		401: crest.As[*Unauthorized](),
	}))
	status = crest.Get[StatusRequest, crest.Empty]("/status/{code}", crest.WithErrors(crest.ErrorMap{
		406: crest.As[*NotAcceptable](),
		418: crest.As[*Teapot](),
	}))
	// httpbin names this document text/plain although it is JSON; 304 is what a conditional request hopes for.
	document = crest.Get[DocumentRequest, Document]("/etag/{tag}",
		crest.WithAccept("text/plain", "application/json"), crest.WithSuccess(200, 304))
	slides      = crest.Get[crest.Empty, Slideshow]("/xml", crest.WithCodec(crest.XML()))
	randomID    = crest.Get[crest.Empty, identifier]("/uuid")
	randomBytes = crest.Get[bytesRequest, io.ReadCloser]("/bytes/{count}")
	delay       = crest.Get[delayRequest, Echo]("/delay/{duration}")
	gzip        = crest.Get[crest.Empty, Compressed]("/gzip")
	robotsTxt   = crest.Get[crest.Empty, string]("/robots.txt")
)

// Get sends typed query parameters and a header, and returns how the server saw them.
func (c *Client) Get(ctx context.Context, req GetRequest) (Echo, error) {
	return get.Call(ctx, c, req)
}

// Post sends an order as JSON. An order that breaks its own rules is not sent.
func (c *Client) Post(ctx context.Context, order Order) (Receipt, error) {
	return post.Call(ctx, c, order)
}

// PostForm sends name and password as an urlencoded form and returns the form as it arrived.
func (c *Client) PostForm(ctx context.Context, login Login) (map[string][]string, error) {
	echo, err := form.Call(ctx, c, login)
	return echo.Form, err
}

// Patch sends the fields of the change that are set, and returns them as they arrived.
func (c *Client) Patch(ctx context.Context, change Change) (ChangeEcho, error) {
	return patch.Call(ctx, c, change)
}

// ResponseHeaders asks the server for headers and returns them from the answer's head.
func (c *Client) ResponseHeaders(ctx context.Context, req HeadersRequest) (ReturnedHeaders, error) {
	return headers.Call(ctx, c, req)
}

// Cookies sends cookies and returns those that arrived.
func (c *Client) Cookies(ctx context.Context, req CookiesRequest) (map[string]string, error) {
	got, err := cookies.Call(ctx, c, req)
	return got.Cookies, err
}

// Whoami returns what the server makes of the client's bearer token, or an [*Unauthorized].
// Options of the call are passed on, so that one call can have a token of its own.
func (c *Client) Whoami(ctx context.Context, opts ...crest.CallOption) (Identity, error) {
	return bearer.Call(ctx, c, crest.Empty{}, opts...)
}

// Status asks for an answer with this status. The error is nil for 2xx, a [*NotAcceptable] for 406, a [*Teapot] for 418;
// every other one matches [crest.Status].
func (c *Client) Status(ctx context.Context, code int) error {
	_, err := status.Call(ctx, c, StatusRequest{Code: code})
	return err
}

// Document returns the document with this entity tag. With the tag that the caller knows already the answer is
// empty, and fresh is false.
func (c *Client) Document(ctx context.Context, req DocumentRequest) (doc Document, fresh bool, err error) {
	resp, err := document.Do(ctx, c, req)
	if err != nil {
		return Document{}, false, err
	}
	return resp.Model, resp.StatusCode != 304, nil
}

// Slides returns the sample slide show, which the server sends as XML.
func (c *Client) Slides(ctx context.Context) (Slideshow, error) {
	return slides.Call(ctx, c, crest.Empty{})
}

// NewID returns a random UUID.
func (c *Client) NewID(ctx context.Context) (string, error) {
	id, err := randomID.Call(ctx, c, crest.Empty{})
	return id.UUID, err
}

// Bytes returns a reader of count bytes, always the same ones for the same seed. The caller closes it.
func (c *Client) Bytes(ctx context.Context, count int, seed int64) (io.ReadCloser, error) {
	return randomBytes.Call(ctx, c, bytesRequest{Count: count, Seed: seed})
}

// Delay returns after the server has waited for d. Options of the call are passed on, such as [crest.WithTimeout].
func (c *Client) Delay(ctx context.Context, d time.Duration, opts ...crest.CallOption) (Echo, error) {
	return delay.Call(ctx, c, delayRequest{Duration: d.String()}, opts...)
}

// Gzip returns an answer that was compressed on its way; crest has decompressed it.
func (c *Client) Gzip(ctx context.Context) (Compressed, error) {
	return gzip.Call(ctx, c, crest.Empty{})
}

// Robots returns robots.txt.
func (c *Client) Robots(ctx context.Context) (string, error) {
	return robotsTxt.Call(ctx, c, crest.Empty{})
}
