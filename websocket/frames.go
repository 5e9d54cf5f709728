package websocket

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// maxFragments is how many frames a message may come in. Without it, a message of empty frames would never end.
const maxFragments = 1024

var errMasked = errors.New("a frame of the server is masked (RFC 6455, section 5.1)")

// frames follows the frames of a server by their headers. It is no parser: what it lets pass is read by coder/websocket.
type frames struct {
	head      [10]byte // of the frame that comes
	have      int      // bytes of it
	skip      uint64   // of the payload
	fragments int      // of the message so far
}

// scan looks at the next bytes. The error is the first broken rule.
func (f *frames) scan(p []byte) error {
	for len(p) > 0 {
		if f.skip > 0 {
			n := min(f.skip, uint64(len(p)))
			f.skip -= n
			p = p[n:]
			continue
		}
		f.head[f.have] = p[0]
		f.have++
		p = p[1:]
		if f.have < 2 || f.have < f.headSize() {
			continue
		}
		if err := f.begin(); err != nil {
			return err
		}
		f.have = 0
	}
	return nil
}

// headSize is known from the second byte on.
func (f *frames) headSize() int {
	switch f.head[1] & 0x7f {
	case 126:
		return 4
	case 127:
		return 10
	}
	return 2
}

// begin judges a whole header.
func (f *frames) begin() error {
	if f.head[1]&0x80 != 0 {
		return errMasked
	}
	switch f.headSize() {
	case 4:
		f.skip = uint64(binary.BigEndian.Uint16(f.head[2:]))
	case 10:
		f.skip = binary.BigEndian.Uint64(f.head[2:])
	default:
		f.skip = uint64(f.head[1])
	}
	if f.skip>>63 != 0 {
		return errors.New("the length of a frame has its highest bit set (RFC 6455, section 5.2)")
	}
	return f.countFragment()
}

func (f *frames) countFragment() error {
	if control := f.head[0]&0x08 != 0; control {
		return nil
	}
	f.fragments++
	if f.fragments > maxFragments {
		return fmt.Errorf("a message comes in more than %d frames", maxFragments)
	}
	if final := f.head[0]&0x80 != 0; final {
		f.fragments = 0
	}
	return nil
}
