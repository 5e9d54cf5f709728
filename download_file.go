package crest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// partFile is a file on its way: its bytes in path + ".part", what they are of in path + ".part.json", which is locked meanwhile.
type partFile struct {
	path string
	note *os.File // the .part.json
	file *os.File // the .part; nil until there is one
	done func()   // lets others of this process at the path

	mu    sync.Mutex // guards what follows: parts come from several goroutines
	state partState
	saved time.Time
}

func (f *partFile) part() string { return f.path + ".part" }

// busyPaths are the files that this process is fetching.
var busyPaths sync.Map

var errPathBusy = errors.New("another download to the same path is under way")

// openPart prepares the way to path: after it the folder is known to be there and writable, and nobody else fetches to the path. What is
// left of an earlier call is kept only if it is of the same request.
func openPart(path, request string, anew bool) (*partFile, error) {
	if path == "" || os.IsPathSeparator(path[len(path)-1]) {
		return nil, fmt.Errorf("the path %q names no file: give the name that the file is to have", path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := replaceable(path); err != nil {
		return nil, err
	}
	if _, busy := busyPaths.LoadOrStore(path, true); busy {
		return nil, fmt.Errorf("%s: %w", path, errPathBusy)
	}
	f := &partFile{path: path, done: func() { busyPaths.Delete(path) }}
	if err := f.open(request, anew); err != nil {
		f.close(false, nil)
		return nil, err
	}
	return f, nil
}

func (f *partFile) open(request string, anew bool) (err error) {
	if f.note, err = lockedFile(f.path + ".part.json"); err != nil {
		return err
	}
	if f.file, err = openRegular(f.part(), 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f.state = readState(f.note)
	if f.file == nil || anew || f.state.Request != request {
		f.state = partState{Request: request}
	}
	return nil
}

// replaceable refuses what a file must not take the place of.
func replaceable(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return &fs.PathError{Op: "download", Path: path, Err: syscall.EISDIR}
	case !info.Mode().IsRegular() && info.Mode().Type() != fs.ModeSymlink:
		return fmt.Errorf("%s is neither a file nor free", path)
	}
	return nil
}

// openRegular opens a file beside the path. Others may have put something else there, such as a link to elsewhere.
func openRegular(path string, flags int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|noFollow|flags, 0o666)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = file.Close()
		return nil, errors.Join(fmt.Errorf("%s is no regular file: take it away", path), err)
	}
	return file, nil
}

// lockedFile opens and locks a file that its last holder removes: what was locked must still be there under the name.
func lockedFile(path string) (*os.File, error) {
	for {
		file, err := openRegular(path, os.O_CREATE)
		if err != nil {
			return nil, err
		}
		if err := lockFile(file); err != nil {
			_ = file.Close()
			return nil, fmt.Errorf("%s is locked: %w: %w", path, errPathBusy, err)
		}
		mine, err := file.Stat()
		there, err2 := os.Stat(path)
		if err == nil && err2 == nil && os.SameFile(mine, there) {
			return file, nil
		}
		_ = file.Close()
	}
}

// left is what an earlier call has fetched, and how much of it. Of a whole one the last byte is fetched again, by which the
// server says whether it still has the same.
func (f *partFile) left() (rep representation, at int64, ok bool) {
	rep = f.state.representation
	if f.file == nil || rep.Validator == "" {
		return rep, 0, false
	}
	info, err := f.file.Stat()
	if err != nil || rep.Size >= 0 && info.Size() > rep.Size {
		return rep, 0, false
	}
	at = info.Size()
	if have := f.state.Have; have != nil {
		if at = have.length(); at > 0 && have[len(have)-1].end > info.Size() {
			return rep, 0, false
		}
	}
	if at > 0 && at == rep.Size {
		at--
		f.state.Have = nil
	}
	return rep, at, at > 0
}

func (f *partFile) begin(rep representation) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.representation, f.state.Have = rep, nil
	if f.file == nil {
		file, err := openRegular(f.part(), os.O_CREATE)
		if err != nil {
			return err
		}
		f.file = file
	}
	if err := f.file.Truncate(0); err != nil {
		return err
	}
	return f.save()
}

// saveEvery is how old a note of bytes that come out of order may be: what came since is fetched again after a crash.
const saveEvery = 200 * time.Millisecond

// save writes the state down.
func (f *partFile) save() error {
	f.saved = time.Now()
	return f.state.write(f.note)
}

func (f *partFile) writeAt(p []byte, at int64) error {
	n, err := f.file.WriteAt(p, at)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state.Have == nil || n == 0 {
		return err
	}
	f.state.Have = f.state.Have.add(span{at, at + int64(n)})
	if err == nil && time.Since(f.saved) >= saveEvery {
		err = f.save()
	}
	return err
}

// outOfOrder notes which bytes are there before some come that leave a gap.
func (f *partFile) outOfOrder(have spans) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Have = have
	return f.save()
}

func (f *partFile) readInto(w io.Writer, from, end int64) error {
	n, err := io.CopyBuffer(w, io.NewSectionReader(f.file, from, end-from), make([]byte, copyBuffer))
	if err == nil && n < end-from {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (f *partFile) restartable() bool { return true }

// restart throws away what was fetched.
func (f *partFile) restart() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = partState{Request: f.state.Request}
	if f.file == nil {
		return nil
	}
	return errors.Join(f.save(), f.file.Truncate(0))
}

// finish makes the file appear under its name, when its bytes are on the disk.
func (f *partFile) finish() error {
	if err := f.file.Sync(); err != nil {
		return err
	}
	if err := f.file.Close(); err != nil { // before the name changes: some systems want it so
		return err
	}
	if err := os.Rename(f.part(), f.path); err != nil {
		return err
	}
	f.file = nil
	syncFolder(filepath.Dir(f.path))
	return nil
}

// close leaves what a later call can go on with, and nothing else.
func (f *partFile) close(finished bool, failure *CallError) {
	defer f.done()
	if f.note == nil { // what is there is another's
		return
	}
	if !finished && f.useful(failure) && f.save() == nil {
		_ = f.file.Close()
		_ = f.note.Close() // and unlocks
		return
	}
	if f.file != nil {
		_ = f.file.Close()
		_ = os.Remove(f.part())
	}
	removeLocked(f.note)
}

// useful reports whether another call might go on with what is there. A body that was refused for what it is would be refused again.
func (f *partFile) useful(failure *CallError) bool {
	if failure != nil && failure.Step == ErrResponse && failure.Kind != KindTruncated && failure.Kind != KindOutput {
		return false
	}
	if f.file == nil || f.state.Validator == "" {
		return false
	}
	info, err := os.Lstat(f.part()) // the file is closed when it was the name that could not be given
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}
