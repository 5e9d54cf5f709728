package httpbin

// Error is the API's error model: what a failed answer becomes when the endpoint names no other.
// Find it with [errors.As]; status, headers and body are in the [crest.Error] around it.
type Error struct {
	Code   int    `json:"status_code"`
	Text   string `json:"error"`
	Detail string `json:"detail"`
}

// Error returns what the server says.
func (e *Error) Error() string {
	if e.Detail != "" {
		return e.Detail
	}
	return e.Text
}

// Unauthorized is the answer to a missing or unknown token. Its challenge comes from the head.
type Unauthorized struct {
	Challenge string `header:"WWW-Authenticate"`
	Text      string `json:"error"`
}

// Error says what is asked for.
func (e *Unauthorized) Error() string { return "the server asks for " + e.Challenge }

// NotAcceptable is the answer to a request for a type that the server cannot send.
type NotAcceptable struct {
	Message string   `json:"message"`
	Accept  []string `json:"accept"`
}

// Error returns the server's message.
func (e *NotAcceptable) Error() string { return e.Message }

// Teapot is RFC 2324's answer, the whole of it in text.
type Teapot struct {
	MoreInfo string `header:"X-More-Info"`
	Body     string
}

// Error says what it is.
func (e *Teapot) Error() string { return "I'm a teapot" }
