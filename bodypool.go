package crest

import (
	"sync"

	"github.com/crest-go/crest/internal/bind"
)

// bodies are buffers for answers that nothing keeps once they are decoded: a list of a megabyte costs its model alone. What becomes of
// such a body: the JSON engine reads a copy of its own, and what it and types of the caller's make of that copy is theirs.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// largestKept is the size of the buffers that are used again.
const largestKept = 4 << 20

// passes reports whether nobody gets to see the body of a success: the caller asked for the model alone, which the stock codec makes of it.
func (a *answer) passes() bool {
	c, result := a.call, a.call.endpoint.result
	if !c.modelAlone || result.kind != modelResult || c.settings.check != nil || c.settings.codecs != nil {
		return false
	}
	kind := result.model.bind.BodyKind()
	return kind == bind.Whole || kind == bind.JSONFields
}

// borrow gives a body that passes a buffer of others before it.
func (a *answer) borrow() []byte {
	if !a.passes() {
		return nil
	}
	a.borrowed = bodies.Get().(*[]byte)
	return *a.borrowed
}

// giveBack ends the use of the body.
func (a *answer) giveBack() {
	if a.borrowed == nil || cap(a.body) > largestKept {
		return
	}
	*a.borrowed = a.body[:0]
	bodies.Put(a.borrowed)
	a.body, a.borrowed = nil, nil
}
