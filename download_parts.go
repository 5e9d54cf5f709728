package crest

import (
	"context"
	"errors"
	"sync"
)

// parts fetches a file in several stretches at the same time.
type parts struct {
	d    *download
	file *partFile
	ctx  context.Context
	stop context.CancelCauseFunc
	wg   sync.WaitGroup

	mu       sync.Mutex
	todo     spans
	failure  *CallError // the first
	panicked any        // what a function of the caller's panicked with in a goroutine where nobody could recover it
}

// inParts reports whether the file is fetched in parts: where that is asked for, or gaps were left by a call that did.
func (d *download) inParts(file *partFile) bool {
	if d.rules.NoResume || d.call.out.body.streamed || !d.call.idempotent() {
		return false
	}
	return d.rules.Parallel > 1 || d.known && !file.state.Have.prefix()
}

// fetchParts fetches what is missing. When the server turns out to have another version meanwhile, or no parts, the body is begun
// anew in one piece.
func (d *download) fetchParts(file *partFile) *CallError {
	p := &parts{d: d, file: file}
	p.ctx, p.stop = context.WithCancelCause(d.ctx)
	defer p.stop(nil)
	err := p.run()
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, errAnew):
		return d.call.failed(d.ctx, err)
	}
	d.parted = false
	if err := d.startOver(); err != nil {
		return d.call.failed(d.ctx, err)
	}
	return d.stretch(span{0, -1}).run(d.ctx)
}

// run fetches the first part alone when nothing is known of the body yet: its answer says how much there is.
func (p *parts) run() *CallError {
	settled := false
	defer func() { // also when a function of the caller's panics
		if !settled {
			p.stop(errPartFailed)
		}
		p.wg.Wait()
	}()
	if err := p.first(); err != nil {
		p.fail(err)
	}
	p.work()
	p.wg.Wait()
	settled = true
	if p.panicked != nil {
		panic(p.panicked)
	}
	return p.failure
}

// first begins with what is known of the body.
func (p *parts) first() *CallError {
	d := p.d
	if !d.known {
		first := d.stretch(span{0, p.size()})
		first.began = func() *CallError { return p.discovered(first) }
		return first.run(p.ctx)
	}
	if d.rep.Size < 0 {
		return d.stretch(span{d.done, -1}).run(p.ctx)
	}
	have := p.file.state.Have
	if have == nil {
		have = spans{{0, d.done}}
	}
	return p.begin(have, have.gaps(d.rep.Size))
}

func (p *parts) size() int64 { return nearer(p.d.rules.PartSize, defaultPartSize) }

// discovered begins with the other parts when the first has told how many there are. Without a size or a validator the body is
// read in one piece.
func (p *parts) discovered(first *stretch) *CallError {
	if p.d.rep.Size < 0 || p.d.rep.Validator == "" {
		return fail(ErrResponse, KindRange, errAnew)
	}
	first.whole = false
	return p.begin(spans{}, spans{first.span}.gaps(p.d.rep.Size))
}

// begin lets others work as well. From now on which bytes are there is noted one by one.
func (p *parts) begin(have, todo spans) *CallError {
	p.d.parted = true
	if err := p.file.outOfOrder(have); err != nil {
		return fail(ErrResponse, KindOutput, err)
	}
	p.todo = todo
	for range min(int64(p.d.rules.Parallel-1), todo.length()/p.size()+int64(len(todo))) { // no more than there may be parts
		p.wg.Go(p.work)
	}
	return nil
}

// work fetches part after part until there are none, or one has failed.
func (p *parts) work() {
	defer func() {
		if v := recover(); v != nil {
			p.crashed(v)
		}
	}()
	for {
		next, ok := p.next()
		if !ok {
			return
		}
		s := p.d.stretch(next)
		s.whole = false
		if err := s.run(p.ctx); err != nil {
			p.fail(err)
			return
		}
	}
}

func (p *parts) next() (span, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return span{}, false
	}
	return p.todo.cut(p.size())
}

var errPartFailed = errors.New("another part has failed")

// fail ends all parts with the first failure.
func (p *parts) fail(err *CallError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure == nil {
		p.failure = err
		p.stop(errPartFailed)
	}
}

func (p *parts) crashed(v any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.panicked = v
	p.todo = nil
	p.stop(errPartFailed)
}
