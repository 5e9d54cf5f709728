package crest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
)

// partState is what is noted of a file on its way.
type partState struct {
	Request string `json:"request"` // what it was asked with
	representation
	Have spans `json:"have"` // which bytes are there, where they do not come in order; nil is the length of the file
}

// maxState bounds what is read of a note.
const maxState = 64 << 10

// readState reads the note of an earlier call. One that was not written to its end is none, nor is one whose validator no answer can have
// had: it would become a header, and be in the way of each later call.
func readState(file *os.File) (s partState) {
	err := json.NewDecoder(io.NewSectionReader(file, 0, maxState)).Decode(&s)
	if err != nil || !s.Have.ordered() || s.Validator != "" && !strong(s.Validator) && !isDate(s.Validator) {
		return partState{}
	}
	return s
}

func isDate(text string) bool {
	_, err := http.ParseTime(text)
	return err == nil
}

// write puts the note down in one piece: a process that is killed leaves the old one, the new one, or one that is not read.
func (s *partState) write(file *os.File) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if _, err := file.WriteAt(text, 0); err != nil {
		return err
	}
	return file.Truncate(int64(len(text)))
}

// identity tells whether two requests ask for the same, without telling what they ask: it is a hash, and no credential is in it. Of the
// headers those count by which a server chooses what a URL stands for (RFC 9110, section 12.5): a date in If-Range is that of all its
// representations. The query of a URL that was given at run time does not count: of a presigned one it is new each time.
func (c *call) identity() string {
	u, h := *c.out.url, c.out.header
	if c.settings.url != nil {
		u.RawQuery = ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%q\n%q\n%x", c.out.method, u.String(), h["Accept"], h["Accept-Language"], sha256.Sum256(c.out.body.bytes)))
	return hex.EncodeToString(sum[:])
}

// spans are runs of bytes in order, with gaps between them.
type spans []span

// add puts a run among them, and joins what touches.
func (all spans) add(s span) spans {
	i, _ := slices.BinarySearchFunc(all, s, func(a, b span) int { return int(min(max(a.from-b.from, -1), 1)) })
	all = slices.Insert(all, i, s)
	joined := all[:1:1]
	for _, next := range all[1:] {
		if last := &joined[len(joined)-1]; next.from <= last.end {
			last.end = max(last.end, next.end)
		} else {
			joined = append(joined, next)
		}
	}
	return joined
}

// gaps are what is missing of size bytes. They are as many as the spans and not as the bytes: a server says how large a body is.
func (all spans) gaps(size int64) spans {
	var gaps spans
	at := int64(0)
	for _, s := range append(slices.Clone(all), span{size, size}) {
		if at < s.from {
			gaps = append(gaps, span{at, s.from})
		}
		at = s.end
	}
	return gaps
}

// cut takes at most n bytes off the front.
func (all *spans) cut(n int64) (front span, ok bool) {
	if len(*all) == 0 {
		return span{}, false
	}
	first := &(*all)[0]
	front = span{first.from, first.from + min(n, first.end-first.from)}
	if first.from = front.end; first.from == first.end {
		*all = (*all)[1:]
	}
	return front, true
}

func (all spans) length() (n int64) {
	for _, s := range all {
		n += s.end - s.from
	}
	return n
}

// prefix reports whether nothing is missing before what is there.
func (all spans) prefix() bool { return len(all) == 0 || len(all) == 1 && all[0].from == 0 }

// ordered reports whether they are what add makes.
func (all spans) ordered() bool {
	at := int64(-1)
	for _, s := range all {
		if s.from <= at || s.end <= s.from {
			return false
		}
		at = s.end
	}
	return true
}

// MarshalJSON writes a span as a pair of numbers.
func (s span) MarshalJSON() ([]byte, error) { return json.Marshal([2]int64{s.from, s.end}) }

// UnmarshalJSON reads one.
func (s *span) UnmarshalJSON(text []byte) error {
	var pair [2]int64
	err := json.Unmarshal(text, &pair)
	s.from, s.end = pair[0], pair[1]
	return err
}
