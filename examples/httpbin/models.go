package httpbin

import (
	"time"

	"github.com/crest-go/crest"
)

// GetRequest is what [Client.Get] sends. Every field is optional but Name.
type GetRequest struct {
	Name    string    `query:"name" validate:"required"`
	Tags    []string  `query:"tag,omitzero"` // repeats: tag=a&tag=b
	Page    int       `query:"page,omitzero" validate:"gte=0"`
	Since   time.Time `query:"since,omitzero,format=date"` // 2026-11-05
	TraceID string    `header:"X-Trace-Id,omitzero"`
}

// Echo is how the server saw a request.
type Echo struct {
	Method  string              `json:"method" validate:"required"`
	URL     string              `json:"url" validate:"required"`
	Args    map[string][]string `json:"args"`
	Headers map[string][]string `json:"headers"`
	Origin  string              `json:"origin"`
}

// Order is a JSON body: a model without located fields is itself the body.
type Order struct {
	Item  string   `json:"item" validate:"required"`
	Count int      `json:"count" validate:"gte=1,lte=100"`
	Notes []string `json:"notes,omitempty"`
}

// Receipt is what the server says of an [Order].
type Receipt struct {
	Order   Order               `json:"json"` // the body, as the server decoded it
	Headers map[string][]string `json:"headers"`
}

// Login is an urlencoded body. The password shows itself nowhere but on the wire.
type Login struct {
	Name     string       `form:"name" validate:"required"`
	Password crest.Secret `form:"password"`
	Remember bool         `form:"remember,omitzero"`
}

// FormEcho is what the server says of a form.
type FormEcho struct {
	Form map[string][]string `json:"form"`
}

// Change is a partial update: an unset field is left out, a null one clears, a value replaces.
type Change struct {
	Title crest.Opt[string] `json:"title"`
	Done  crest.Opt[bool]   `json:"done"`
}

// ChangeEcho is a [Change] as it arrived.
type ChangeEcho struct {
	Data   string `json:"data"` // the body as text
	Change Change `json:"json"`
}

// HeadersRequest names the headers that the server is to answer with.
type HeadersRequest struct {
	ETag      string `query:"ETag"`
	Remaining int    `query:"X-Remaining"`
	Served    string `query:"X-Served-By,omitzero"`
}

// ReturnedHeaders are read from the head of the answer, not from its body.
type ReturnedHeaders struct {
	ETag      string            `header:"ETag" validate:"required"`
	Remaining int               `header:"X-Remaining"`
	Served    crest.Opt[string] `header:"X-Served-By"` // unset when the server did not send it
}

// CookiesRequest are the cookies that are sent.
type CookiesRequest struct {
	Session crest.Secret `cookie:"session"`
	Theme   string       `cookie:"theme,omitzero"`
}

// Cookies are the cookies that arrived.
type Cookies struct {
	Cookies map[string]string `json:"cookies"`
}

// Identity is what the server makes of a bearer token.
type Identity struct {
	Authenticated bool         `json:"authenticated"`
	Token         crest.Secret `json:"token"`
}

// StatusRequest names a status.
type StatusRequest struct {
	Code int `path:"code" validate:"gte=200,lte=599"`
}

// DocumentRequest asks for a document, unless it is the one that the caller knows.
type DocumentRequest struct {
	Tag   string `path:"tag" validate:"required"`
	Known string `header:"If-None-Match,omitzero"` // with its quotes, as [Document] has it
}

// Document is a document: its tag and its date come from the head, the rest from the body.
type Document struct {
	ETag     string    `header:"ETag"`
	Modified time.Time `header:"Last-Modified,format=http-date"`
	URL      string    `json:"url"`
}

// Slideshow is read from XML.
type Slideshow struct {
	Title  string  `xml:"title,attr" validate:"required"`
	Author string  `xml:"author,attr"`
	Slides []Slide `xml:"slide"`
}

// Slide is one page of a [Slideshow].
type Slide struct {
	Title string   `xml:"title"`
	Items []string `xml:"item"`
}

// Compressed is an answer that came compressed.
type Compressed struct {
	Gzipped bool `json:"gzipped"`
}

type identifier struct {
	UUID string `json:"uuid" validate:"uuid"`
}

type bytesRequest struct {
	Count int   `path:"count" validate:"gte=0"`
	Seed  int64 `query:"seed"`
}

type delayRequest struct {
	Duration string `path:"duration"`
}
