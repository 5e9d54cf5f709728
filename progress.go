package crest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// Progress is how far a body has come. The zero value is the beginning of a download.
type Progress struct {
	// Upload is true for the body of the request, false for that of the answer.
	Upload bool
	// Done is how many bytes have passed: of an upload those that the transport has taken from the source, before
	// [WithCompression]; of a download those that were given out, decompressed. A new attempt, and each redirect or challenge that
	// takes the body along, begins at 0 again, and an upload is reported with 0 when it does.
	Done int64
	// Total is what Done will be in the end; -1 when that is not known. That of a form has its text fields and what stands between the parts.
	Total int64
	// Attempt counts from 1.
	Attempt int
}

// WithProgress calls report after each piece of a body that was sent or received: at most 32 KiB of an upload. Before an upload's first piece it
// is called with Done 0, in each attempt anew, which may be answered before anything is taken. The bodies of
// failed answers are not counted. The nearest level's function is the one that is called; a nil one is a mistake.
//
// report runs in the goroutine that sends or reads, and holds it up as long as it takes. For one call it is never called twice at
// the same time, and not any more once the call has returned or, where the caller reads the body, that is closed; calls that share
// an option share report. If it panics, an upload ends in KindRequestBody, of ErrTransport, or of ErrRequest before the first piece; a panic in a download is the reader's.
func WithProgress(report func(Progress)) Option {
	return anyOption(func(s *settings) error {
		if report == nil {
			return errors.New("WithProgress: the function is nil")
		}
		s.progress = report
		return nil
	})
}

// meter counts the bodies of one call. A nil one counts nothing.
type meter struct {
	report func(Progress)
	hop    atomic.Pointer[hop] // the newest: bodies that are opened belong to it
	pieces bool                // the answers are pieces of a download, which is counted as a whole

	mu sync.Mutex // held while report runs
}

// metered prepares the request's body for counting.
func (c *call) metered(p *payload) {
	if c.settings.progress == nil {
		return
	}
	m := &meter{report: c.settings.progress}
	c.meter = m
	open, replay, total := p.open, p.replay, p.length
	p.open = func(ctx context.Context) (io.ReadCloser, error) {
		body, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return m.begun(m.upload(body, total, false))
	}
	if replay != nil {
		p.replay = func() (io.ReadCloser, error) {
			body, err := replay()
			return m.upload(body, total, true), err
		}
	}
}

// begins makes h the hop that is counted.
func (m *meter) begins(h *hop) {
	if m != nil {
		m.hop.Store(h)
	}
}

// settle waits for a report that is under way. None comes after it, for the hop has ended.
func (m *meter) settle() {
	if m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
	}
}

// tell reports, unless the hop is over: a transport may read on for an attempt that is.
func (m *meter) tell(h *hop, p Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if h.Err() == nil {
		p.Attempt = h.attempt
		m.report(p)
	}
}

func (m *meter) upload(body io.ReadCloser, total int64, again bool) io.ReadCloser {
	if body == nil || body == http.NoBody {
		return body
	}
	return &meteredUpload{ReadCloser: body, meter: m, hop: m.hop.Load(), total: total, again: again}
}

// begun reports that a body was opened which nothing has been taken of.
func (m *meter) begun(body io.ReadCloser) (io.ReadCloser, error) {
	counted, ok := body.(*meteredUpload)
	if !ok {
		return body, nil
	}
	if err := counted.tell(); err != nil {
		_ = body.Close()
		return nil, err
	}
	return body, nil
}

// meteredUpload counts what is read of a request's body.
type meteredUpload struct {
	io.ReadCloser
	meter       *meter
	hop         *hop
	done, total int64
	again       bool // it is a copy, for net/http or for who signs it
}

func (b *meteredUpload) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), readPiece)])
	b.done += int64(n)
	if n > 0 && (!b.again || b.hop.underway.Load() > 0) { // what is read before the transport has it is read to be signed
		if failed := b.tell(); failed != nil {
			return 0, failed
		}
	}
	return n, err
}

// tell runs in a goroutine where nobody could recover a panic.
func (b *meteredUpload) tell() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &requestBodyError{fmt.Errorf("the function of WithProgress panicked: %v", v)}
		}
	}()
	b.meter.tell(b.hop, Progress{Upload: true, Done: b.done, Total: b.total})
	return nil
}

// download counts what is read of an answer's decoded body.
func (m *meter) download(h *hop, body io.Reader, resp *http.Response) io.Reader {
	if m == nil || m.pieces {
		return body
	}
	total := resp.ContentLength
	if encoded(resp) {
		total = -1
	}
	return &meteredDownload{body, m, h, 0, total}
}

type meteredDownload struct {
	io.Reader
	meter       *meter
	hop         *hop
	done, total int64
}

func (b *meteredDownload) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.done += int64(n); n > 0 {
		b.meter.tell(b.hop, Progress{Done: b.done, Total: b.total})
	}
	return n, err
}
