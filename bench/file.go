package bench

import (
	"io"
	"strconv"
)

const fileType = "application/octet-stream"

// fileChunk is what files are made of, over and over.
var fileChunk = newFileChunk()

func newFileChunk() []byte {
	chunk := make([]byte, 256<<10)
	for i := range chunk {
		chunk[i] = byte(i ^ i>>8)
	}
	return chunk
}

// file reads like a made-up file of some length. It is a reader and nothing
// more: nobody can find out its length beforehand.
type file struct {
	left int64
	at   int
}

func newFile(size int64) *file { return &file{left: size} }

func (f *file) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), f.left)], fileChunk[f.at:])
	f.left -= int64(n)
	f.at = (f.at + n) % len(fileChunk)
	return n, nil
}

// writeFile is the server's answer to who asks for a file.
func writeFile(w io.Writer, scratch []byte, size int64) error {
	head := append(scratch[:0], "HTTP/1.1 200 OK\r\nContent-Type: "+fileType+"\r\nContent-Length: "...)
	head = append(strconv.AppendInt(head, size, 10), "\r\n\r\n"...)
	if _, err := w.Write(head); err != nil {
		return err
	}
	for size > 0 {
		n, err := w.Write(fileChunk[:min(size, int64(len(fileChunk)))])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}

// storedLength is that of the answer to an upload, padded: its head does not
// depend on the number.
const storedLength = 32

var storedHead = "HTTP/1.1 200 OK\r\nDate: " + date + "\r\nContent-Type: " + contentType +
	"\r\nContent-Length: " + strconv.Itoa(storedLength) + "\r\n\r\n"

// appendStored is the server's answer to an upload.
func appendStored(scratch []byte, size int64) []byte {
	wire := append(scratch[:0], storedHead...)
	wire = append(wire, `{"size":`...)
	wire = strconv.AppendInt(wire, size, 10)
	wire = append(wire, '}')
	for len(wire) < len(storedHead)+storedLength {
		wire = append(wire, ' ')
	}
	return wire
}
