package crest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
)

// Download fetches the body of an answer and writes it to to, over as many requests as it takes. Nothing is written unless the status
// is a declared success. A body that breaks off is continued where it did, with Range and If-Range (RFC 9110, sections 13.1.5 and
// 14), as often as [Retry] allows; bytes that arrive set its count back. A body that cannot be continued (no strong ETag or date,
// no ranges, a compressed answer, another version meanwhile) is begun anew if to can be taken back, as an [os.File] can by Seek and
// Truncate and has nothing behind what was written, and else the call fails.
//
// [WithProgress] counts the body as a whole: from the byte where it is continued, and as a new attempt when it is begun anew. Each
// request is a call of its own for limiters, redirects, credentials, timeouts and [Retry]. ctx bounds the whole; Timeouts.Total
// the way to each header, Timeouts.Idle each silence, and [Bounds].Body, if it is set, the size. Accept-Encoding is identity,
// unless an option or the model says otherwise. See [Transfer] for checksums.
//
// The error is that of a call. [KindOutput] is the writer's, which errors.Is finds; [KindRange], [KindChecksum] and [KindTruncated] are the
// server's. What was written before a failure stays written. [DownloadFile] is for files: it never leaves half of one. A writer
// made of a function gets the body in chunks; see docs/recipes.md.
func Download[Req any](ctx context.Context, c Caller, e *Endpoint[Req, io.ReadCloser], req Req, to io.Writer, opts ...CallOption) (*Downloaded, error) {
	p, err := e.prepare(ctx, c, &req, opts)
	if err != nil {
		return nil, err
	}
	if isNil(to) {
		return nil, p.failed(ctx, failf(ErrRequest, KindOutput, "the writer is nil"))
	}
	return fetched(newDownload(ctx, p, &writerOutput{w: to}).fetch(nil))
}

// DownloadFile fetches the body of an answer into the file at path, as [Download] does. The name appears when all of the body is there,
// its size and checksums are right and it was written to the disk: until then it lies beside it as path + ".part", with a
// small path + ".part.json" that knows what it is of. When that is there from a call before, be it of another process, it is
// continued if the server still has the same version, and a checksum is taken of all of it. Both are removed when nothing
// of them is of use.
//
// A file at path is replaced, a symbolic link there as well; a folder or a device is not. The file gets the mode 0666 less the
// umask. A second DownloadFile to the same path is an error as long as the first is on its way: in this process, and from
// others on Unix, where the file is locked. [Transfer].Parallel fetches parts at the same time.
//
// That a file cannot be begun, such as where its folder is missing, is [ErrRequest] with [KindOutput]: nothing was sent. A full disk is
// [ErrResponse] with KindOutput. What is under path stays as it was, whatever the error.
func DownloadFile[Req any](ctx context.Context, c Caller, e *Endpoint[Req, io.ReadCloser], req Req, path string, opts ...CallOption) (*Downloaded, error) {
	p, err := e.prepare(ctx, c, &req, opts)
	if err != nil {
		return nil, err
	}
	out, err := openPart(path, p.identity(), p.settings.transfer.NoResume)
	if err != nil {
		return nil, p.failed(ctx, fail(ErrRequest, KindOutput, err))
	}
	return fetched(newDownload(ctx, p, out).fetch(out))
}

// fetched keeps a nil *CallError out of an error.
func fetched(got *Downloaded, err *CallError) (*Downloaded, error) {
	if err != nil {
		return nil, err
	}
	return got, nil
}

// download is one body on its way to an output.
type download struct {
	ctx           context.Context
	call          *call // prepared; each request is a copy of it
	plain, ranged *settings
	rules         Transfer
	limit         int64
	out           output

	known  bool // rep is what is being fetched
	rep    representation
	sum    *summing
	anew   int  // how often it was begun anew
	parted bool // several stretches are under way

	mu   sync.Mutex // guards what follows where there are several
	done int64      // bytes that are in place
	got  Downloaded
}

func newDownload(ctx context.Context, p *call, out output) *download {
	d := &download{ctx: ctx, call: p, rules: p.settings.transfer, limit: p.settings.bounds.streamed(), out: out, sum: newSumming(nil)}
	if values := p.out.header["Accept-Encoding"]; len(values) == 1 && values[0] == acceptEncoding {
		p.out.header["Accept-Encoding"] = []string{"identity"}
	}
	if p.meter != nil {
		p.meter.pieces = true
	}
	plain := *p.settings
	ranged := plain
	ranged.success = plain.success.ofParts()
	d.plain, d.ranged = &plain, &ranged
	return d
}

// ofParts are the statuses that may answer a request for a part: those of the declaration, and 206. AnyStatus is no longer among them: an
// error page would be taken for a new version.
func (s statuses) ofParts() statuses {
	if s == nil || slices.Contains(s, AnyStatus) {
		return nil
	}
	return append(slices.Clone(s), http.StatusOK, http.StatusPartialContent)
}

// fetch runs the download and settles its output. file is the output if it is one.
func (d *download) fetch(file *partFile) (got *Downloaded, err *CallError) {
	defer func() { // also when a function of the caller's panics
		d.out.close(got != nil, err)
	}()
	if err := d.ownRange(); err != nil {
		return nil, d.call.failed(d.ctx, err)
	}
	if err := d.run(file); err != nil {
		return nil, err
	}
	if err := d.finish(); err != nil {
		return nil, d.call.failed(d.ctx, err)
	}
	d.got.Size = d.done
	return &d.got, nil
}

// ownRange refuses a request that asks for a part by itself: which bytes belong where would be anyone's guess.
func (d *download) ownRange() *CallError {
	for _, name := range [...]string{"Range", "If-Range"} {
		if len(d.call.out.header[name]) > 0 {
			return failf(ErrRequest, "", "the header %s: a download sets it itself; for a part of a body call the endpoint and copy what it returns", name)
		}
	}
	return nil
}

// run fetches in parts if that is asked for, or if an earlier call has left some with gaps between them.
func (d *download) run(file *partFile) *CallError {
	if file != nil {
		d.takeOver(file)
		if d.inParts(file) {
			return d.fetchParts(file)
		}
	}
	return d.stretch(span{d.done, -1}).run(d.ctx)
}

// takeOver continues what an earlier call has left.
func (d *download) takeOver(file *partFile) {
	if rep, at, ok := file.left(); ok {
		d.known, d.rep, d.done = true, rep, at
		d.sum = d.summing()
	}
}

// summing is that of the checksums that rep has to come to: the caller's before the server's.
func (d *download) summing() *summing {
	var want []checksum
	if own, err := parseChecksum(d.rules.Digest); err == nil {
		want = append(want, own)
	}
	if stated, err := parseChecksum(d.rep.Sum); err == nil {
		stated.source = "the server"
		if d.rep.source != "" {
			stated.source += "'s " + d.rep.source
		}
		want = append(want, stated)
	}
	return newSumming(want)
}

// begin notes what is fetched from now on. What was written of anything else is taken back.
func (d *download) begin(rep representation, resp *http.Response) *CallError {
	if rep.Size > d.limit {
		return tooLarge("the body has %d bytes, the bound Body is %d bytes", rep.Size, d.limit)
	}
	if d.done > 0 {
		if err := d.startOver(); err != nil {
			return err
		}
	}
	d.known, d.rep = true, rep
	d.sum = d.summing()
	d.introduced(resp)
	if err := d.out.begin(rep); err != nil {
		return fail(ErrResponse, KindOutput, err)
	}
	return nil
}

// introduced keeps what the first answer of a body says of it.
func (d *download) introduced(resp *http.Response) {
	d.got.StatusCode, d.got.Header = resp.StatusCode, resp.Header
	d.got.Name = suggestedName(resp.Header.Get("Content-Disposition"))
}

// tookUp keeps what the first part says that goes on with what an earlier call has left, and counts those that go on with an answer
// that broke off.
func (d *download) tookUp(resp *http.Response, broken bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if broken {
		d.got.Resumed++
	}
	if d.got.StatusCode != 0 {
		return
	}
	d.introduced(resp)
	d.got.Resumed++
	if sum, ok := statedChecksum(resp.Header, false); ok && d.rep.Sum == "" {
		d.rep.Sum, d.rep.source = sum.String(), sum.source
		d.sum = d.summing()
	}
}

var errNoWayBack = errors.New("what was written cannot be taken back: give a file, or another writer with Seek and Truncate and nothing behind it")

// startOver takes back what was written. It happens as often as a call is tried again, and once in any case.
func (d *download) startOver() *CallError {
	if d.anew++; d.anew > max(d.call.settings.retry.max(), 1) {
		return failf(ErrResponse, KindRange, "the body was begun anew %d times and always changed or broke off", d.anew-1)
	}
	if err := d.out.restart(); err != nil {
		return fail(ErrResponse, KindRange, fmt.Errorf("the server has another version of the body, or sends no parts, and the output cannot begin anew: %w", err))
	}
	d.known, d.done = false, 0
	return nil
}

// resumable reports whether a stretch can go on where it broke off.
func (d *download) resumable() bool { return d.known && d.rep.Validator != "" && !d.rules.NoResume }

// put writes bytes where they belong.
func (d *download) put(p []byte, at int64) *CallError {
	if at+int64(len(p)) > d.limit {
		return tooLarge("the body is larger than the bound Body of %d bytes", d.limit)
	}
	if err := d.out.writeAt(p, at); err != nil {
		return fail(ErrResponse, KindOutput, err)
	}
	if !d.parted {
		_, _ = d.sum.Write(p)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done += int64(len(p))
	d.got.Fetched += int64(len(p))
	d.report()
	return nil
}

// report tells [WithProgress] how far the whole has come.
func (d *download) report() {
	if m := d.call.meter; m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.report(Progress{Done: d.done, Total: d.rep.Size, Attempt: 1 + d.anew})
	}
}

// finish checks what has arrived and lets the output appear.
func (d *download) finish() *CallError {
	if d.rep.Size >= 0 && d.done != d.rep.Size {
		return failf(ErrResponse, KindTruncated, "%d bytes of %d are there: %w", d.done, d.rep.Size, io.ErrUnexpectedEOF)
	}
	if err := d.catchUp(d.done); err != nil {
		return err
	}
	held, err := d.sum.verify()
	if err != nil {
		return fail(ErrResponse, KindChecksum, err)
	}
	d.got.Digest = held
	if err := d.out.finish(); err != nil {
		return fail(ErrResponse, KindOutput, err)
	}
	return nil
}

// catchUp adds to the checksums what is in the file up to n and was not added as it came.
func (d *download) catchUp(n int64) *CallError {
	if len(d.sum.want) == 0 || d.sum.done >= n {
		return nil
	}
	err := d.out.readInto(&endsWith{d.ctx, d.sum}, d.sum.done, n)
	if cause := contextError(d.ctx); cause != nil {
		failed := fail(ErrTransport, "", cause)
		failed.endedBy(d.ctx)
		return failed
	}
	if err != nil {
		return fail(ErrResponse, KindOutput, err)
	}
	return nil
}

// endsWith is a writer that fails when ctx has ended.
type endsWith struct {
	ctx context.Context
	w   io.Writer
}

func (e *endsWith) Write(p []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.w.Write(p)
}
