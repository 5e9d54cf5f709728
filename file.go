package crest

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/crest-go/crest/internal/bind"
)

// File is something to upload: what it is called, what it is, and where its bytes come from. [OpenFile] makes one of a file's
// path. It is read as it is sent and never held in memory.
//
// As a form field, of type File, *File or []File, it makes the form multipart/form-data (RFC 7578); the other form fields
// become text parts of it, all in their declared order. As the field Body, of type File or *File, or as the request model itself,
// it is the whole body. A zero File, like a nil *File, is left out. A response cannot hold one.
//
// Either Content or Open is set. The request has a Content-Length if the size of each of its files is known, and is
// chunked otherwise. A size that turns out wrong ends the attempt in ErrTransport, KindRequestBody, and closes the
// connection. A mistake in a File is ErrRequest: nothing was sent. A File is a value; what it reads from belongs to one call. It is not yet the
// caller's when the call returns: after an early answer, as a 413, a Read that has begun may still go on, and Close follow it. A second call
// takes Open, or a Content of its own; after a failed one Content stands wherever that has stopped.
type File struct {
	_ bind.FileMark

	// Name is what the server is told, cut to what follows the last slash or backslash; control characters and what is not UTF-8
	// are errors. "" sends none, and then most servers take the part of a form for a text field. A raw body has no place for it.
	Name string
	// ContentType is the media type; "" is application/octet-stream. It is not guessed, since the tables that say which
	// extension stands for which type differ from machine to machine.
	ContentType string
	// Header holds further headers of a form's part. Content-Disposition and Content-Type are written from the fields above, and
	// a raw body has the request's headers: set here, they are errors.
	Header http.Header
	// Size is how many bytes Open's reader, or a Content that cannot seek, will give; 0 when that is not known.
	Size int64
	// Content is read from where it stands. One that is an io.Seeker is sent again from there where a retry, a redirect or a
	// challenge asks for it, and is left open. Where it stands at its end although it is not empty it was read before, which is ErrRequest:
	// nothing was sent. Any other Content is sent once, and closed then if it is an io.Closer.
	Content io.Reader `validate:"-"`
	// Open, in place of Content, is called for each attempt. What it returns is closed exactly once. Several files of one form are
	// opened as their turn comes.
	Open func() (io.ReadCloser, error)

	empty bool // known to be, which a Size of 0 does not say
}

var fileType = reflect.TypeFor[File]()

// OpenFile returns a File of the regular file at path: its name, its size as it is now, and how to open it. No handle is held between
// attempts. Its error is that of the operating system, or says that path is not a regular file.
func OpenFile(path string) (File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return File{}, err
	}
	if !info.Mode().IsRegular() {
		return File{}, &os.PathError{Op: "open", Path: path, Err: errors.New("not a regular file: set File.Content or File.Open to upload what it gives")}
	}
	open := func() (io.ReadCloser, error) { return openPlain(path) }
	return File{Name: filepath.Base(path), Size: info.Size(), Open: open, empty: info.Size() == 0}, nil
}

// openPlain opens a regular file for reading. To open a pipe would wait for its writer, and nothing could end that.
func openPlain(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// isZero reports whether f is left out.
func (f *File) isZero() bool { return reflect.ValueOf(f).Elem().IsZero() }

// payload is how f is read.
func (f *File) payload() (p payload, err error) {
	switch {
	case f.Size < 0:
		err = fmt.Errorf("the file's Size is %d: leave it 0 if it is not known", f.Size)
	case f.Open != nil && f.Content != nil:
		err = errors.New("the file has both Content and Open: set one of them")
	case f.Open != nil:
		p.opened(f.Open, f.size())
	case isNil(f.Content):
		err = errors.New("the file has neither Content nor Open: set one of them, or leave the whole File zero")
	default:
		err = p.read(f.Content)
	}
	if err == nil && f.Content != nil {
		err = f.declare(&p)
	}
	if err == nil {
		p.contentType, err = f.mediaType()
	}
	return p, err
}

// size is -1 when it is not known.
func (f *File) size() int64 {
	if f.Size == 0 && !f.empty {
		return -1
	}
	return f.Size
}

// declare holds Content to Size.
func (f *File) declare(p *payload) error {
	switch {
	case f.Size == 0 || p.length == f.Size:
		return nil
	case p.length >= 0:
		return fmt.Errorf("the file's Size is %d and its Content has %d bytes: leave Size 0, Content knows its own", f.Size, p.length)
	}
	p.length, p.open = f.Size, once(f.Content, f.Size)
	return nil
}

// mediaType is the checked Content-Type (R22).
func (f *File) mediaType() (string, error) {
	if f.ContentType == "" {
		return octets, nil
	}
	essence, _, err := mime.ParseMediaType(f.ContentType)
	if err == nil {
		err = bind.CheckHeader("Content-Type", f.ContentType)
	}
	if err != nil || !strings.Contains(essence, "/") {
		return "", errors.New("the file's ContentType is not a media type such as image/png")
	}
	return f.ContentType, nil
}

// file makes p the body of a file. A zero one is no body.
func (p *payload) file(v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	f := v.Convert(fileType).Interface().(File)
	if f.isZero() {
		return nil
	}
	if len(f.Header) > 0 {
		return errors.New("the file has a Header, which only a part of a form has: use header fields or WithHeader for a raw body")
	}
	body, err := f.payload()
	*p = body
	return err
}
