package crest

// The silence of a server that takes no more of a streamed request body is counted from piece to piece: it begins when the transport has got one, and ends
// when it comes back for the next. The time that the source takes for that lies between the two, and is not the server's. With the last piece it goes on
// until the request is written, when the wait for the header begins.

// kindSendIdle is the silence while a request is sent. Who asks is told [KindTimeoutIdle].
const kindSendIdle Kind = "timeout(idle) of a request"

// shown is the kind that a call's error has.
func (e *timeoutError) shown() Kind {
	if e.kind == kindSendIdle {
		return KindTimeoutIdle
	}
	return e.kind
}

// gave begins the silence. Who reads a body before the transport has the request, such as a middleware, may take its time; and a transport that calls no
// hooks would not say when it has written everything.
func (h *hop) gave() {
	if h == nil || !h.wired.Load() || h.underway.Load() == 0 {
		return
	}
	h.gives.Store(true)
	h.life.mu.Lock()
	defer h.life.mu.Unlock()
	if !h.answered && !h.reading && h.waitsFor != KindTimeoutHeader { // another request of the hop may be farther
		h.listen(kindSendIdle, h.life.limits.Idle)
	}
}

// isBack ends it: the transport asks for more, or has written everything.
func (h *hop) isBack() {
	if h == nil || !h.gives.Load() {
		return
	}
	h.life.mu.Lock()
	defer h.life.mu.Unlock()
	if h.waitsFor == kindSendIdle {
		h.quiet()
	}
}
