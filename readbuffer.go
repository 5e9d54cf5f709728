package crest

import (
	"io"
	"reflect"
	"sync"

	"github.com/crest-go/crest/internal/bind"
)

// readBuffers are what the bodies of typed answers are read into. A buffer goes back when its call has succeeded, and then nobody can
// touch it any more. Who gets to see it, and why each is done with it:
//
//   - net/http's own body reads into it while Read is being called and not after. No other body is trusted with that: a Read that gave
//     up after a while can go on in a goroutine.
//   - crest's JSON decoder copies what it keeps, strings and raw messages; an UnmarshalJSON has to, as encoding/json's Unmarshaler says. A
//     codec of the caller's may not.
//   - Observers, errors, a function of [WithCheck] and [Response] show bodies: for them nothing is borrowed, and a call that fails
//     keeps its buffer.
var readBuffers = sync.Pool{New: func() any { return new([]byte) }}

// maxReadBuffer is how large a buffer may be that waits for the next body.
const maxReadBuffer = 4 << 20

// borrow returns an empty buffer, nil where the body is to have one of its own.
func (a *answer) borrow() []byte {
	if !a.call.showsNoBody() || !readByNetHTTP(a.resp.Body) {
		return nil
	}
	a.borrowed = readBuffers.Get().(*[]byte)
	return (*a.borrowed)[:0]
}

// giveBack ends the use of the body of a call that has succeeded.
func (a *answer) giveBack() {
	if a.borrowed == nil {
		return
	}
	if cap(a.body) <= maxReadBuffer {
		*a.borrowed = a.body[:0]
		readBuffers.Put(a.borrowed)
	}
	a.body, a.borrowed = nil, nil
}

// showsNoBody reports whether nobody gets to see the body of a success but crest's own decoder.
func (c *call) showsNoBody() bool {
	model := c.endpoint.result.model
	if !c.modelOnly || c.core.observed() || c.settings.check != nil || len(c.settings.codecs) > 0 || model == nil {
		return false
	}
	kind := model.bind.BodyKind()
	return kind == bind.Whole || kind == bind.JSONFields
}

// readByNetHTTP reports whether body is what net/http made of a connection, with nothing around it. Its type is known by its name alone: if
// that changes, no buffer is lent.
func readByNetHTTP(body io.ReadCloser) bool {
	t := reflect.TypeOf(body)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() == "net/http" && (t.Name() == "bodyEOFSignal" || t.Name() == "http2transportResponseBody")
}
