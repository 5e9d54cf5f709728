package websocket

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// judge is what scan should say, read off all the bytes at once.
func judge(p []byte) (broken bool) {
	fragments := 0
	for len(p) >= 2 {
		size, head := uint64(p[1]&0x7f), 2
		switch {
		case size == 126 && len(p) >= 4:
			size, head = uint64(binary.BigEndian.Uint16(p[2:])), 4
		case size == 127 && len(p) >= 10:
			size, head = binary.BigEndian.Uint64(p[2:]), 10
		case size >= 126:
			return false // the header is not whole
		}
		if p[1] >= 0x80 || size >= 1<<63 {
			return true
		}
		if p[0]&8 == 0 {
			if fragments++; fragments > 1024 {
				return true
			}
			if p[0] >= 0x80 {
				fragments = 0
			}
		}
		if uint64(len(p)-head) < size {
			return false
		}
		p = p[uint64(head)+size:]
	}
	return false
}

// FuzzFrames: however the bytes come in pieces, the verdict is that of all of them at once.
func FuzzFrames(f *testing.F) {
	for _, seed := range []string{
		"\x81\x05hello", "\x01\x02he\x89\x00\x80\x03llo", "\x81\x85\x00\x00\x00\x00hello", "\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x01x",
		"\x82\x7e\x00\x80" + string(make([]byte, 128)) + "\x81\x80", "\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x01x\x88\x02\x03\xe8", "\x81", "\x81\x7f\x00",
	} {
		f.Add([]byte(seed), uint8(1))
	}
	many := append([]byte{0x01, 0}, make([]byte, 2*1024)...)
	f.Add(many, uint8(7))
	f.Add(many[:len(many)-2], uint8(7))
	f.Fuzz(func(t *testing.T, p []byte, piece uint8) {
		var at frames
		var err error
		for rest := p; len(rest) > 0 && err == nil; {
			n := min(int(piece)+1, len(rest))
			err = at.scan(rest[:n])
			rest = rest[n:]
		}
		require.Equal(t, judge(p), err != nil, "%v", err)
	})
}
