package crest

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strings"

	"github.com/crest-go/crest/internal/structured"
)

// checksum is what a body must come to.
type checksum struct {
	algorithm string // of hashes
	sum       []byte
	source    string // who says so
}

// hashes are the algorithms that are checked. The last two find damage, not malice: RFC 9530, section 5, has them as deprecated, and
// they are what many servers and release pages still give.
var hashes = map[string]func() hash.Hash{"sha512": sha512.New, "sha256": sha256.New, "sha1": sha1.New, "md5": md5.New}

// String is the form of [Transfer.Digest].
func (c checksum) String() string { return c.algorithm + ":" + hex.EncodeToString(c.sum) }

// parseChecksum reads the form of [Transfer.Digest].
func parseChecksum(text string) (checksum, error) {
	algorithm, digits, ok := strings.Cut(text, ":")
	algorithm = strings.ToLower(algorithm)
	make, known := hashes[algorithm]
	if !ok || !known {
		return checksum{}, fmt.Errorf("%s names none of the algorithms sha256, sha512, sha1 and md5: write it as sha256:9f86d0…", excerpt([]byte(text)))
	}
	sum, err := hex.DecodeString(digits)
	if err != nil || len(sum) != make().Size() {
		return checksum{}, fmt.Errorf("%s has not the %d hexadecimal digits of %s", excerpt([]byte(text)), 2*make().Size(), algorithm)
	}
	return checksum{algorithm, sum, "Transfer.Digest"}, nil
}

// statedChecksum is the strongest that an answer gives for its whole representation; ok is false for none. Content-Digest and Content-MD5
// speak of what is in the message: of the whole only where that is all of it.
func statedChecksum(h http.Header, whole bool) (checksum, bool) {
	stated := structuredDigests(h, "Repr-Digest")
	if whole {
		stated = append(stated, structuredDigests(h, "Content-Digest")...)
	}
	stated = append(stated, instanceDigests(h)...)
	if whole {
		stated = appendChecksum(stated, "md5", decodeBase64(h.Get("Content-MD5")), "Content-MD5")
	}
	for _, algorithm := range [...]string{"sha512", "sha256", "sha1", "md5"} {
		for _, c := range stated {
			if c.algorithm == algorithm {
				return c, true
			}
		}
	}
	return checksum{}, false
}

// structuredDigests reads a field of RFC 9530: a dictionary of byte sequences.
func structuredDigests(h http.Header, field string) (all []checksum) {
	members, err := structured.ParseDictionary(h.Values(field))
	if err != nil {
		return nil
	}
	for _, m := range members {
		if sum, ok := m.Value.([]byte); ok {
			all = appendChecksum(all, m.Name, sum, field)
		}
	}
	return all
}

// instanceDigests reads the field Digest of RFC 3230, the one before that: SHA-256=base64.
func instanceDigests(h http.Header) (all []checksum) {
	for _, line := range h.Values("Digest") {
		for entry := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(entry), "=")
			all = appendChecksum(all, name, decodeBase64(value), "Digest")
		}
	}
	return all
}

// appendChecksum leaves out what is no checksum that is known.
func appendChecksum(all []checksum, name string, sum []byte, source string) []checksum {
	name = strings.ReplaceAll(strings.ToLower(name), "-", "")
	if name == "sha" {
		name = "sha1"
	}
	if make, ok := hashes[name]; ok && len(sum) == make().Size() {
		return append(all, checksum{name, sum, source})
	}
	return all
}

func decodeBase64(text string) []byte {
	sum, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil
	}
	return sum
}

// summing adds up a body for the checksums that it must come to.
type summing struct {
	want    []checksum
	running []hash.Hash // one for each
	done    int64       // bytes that were added
}

func newSumming(want []checksum) *summing {
	s := &summing{want: want}
	for _, c := range want {
		s.running = append(s.running, hashes[c.algorithm]())
	}
	return s
}

// Write adds bytes. It never fails.
func (s *summing) Write(p []byte) (int, error) {
	for _, h := range s.running {
		_, _ = h.Write(p)
	}
	s.done += int64(len(p))
	return len(p), nil
}

// verify returns the strongest checksum that held, or an error about one that did not.
func (s *summing) verify() (held string, err error) {
	for i, c := range s.want {
		if got := s.running[i].Sum(nil); !bytes.Equal(got, c.sum) {
			return "", fmt.Errorf("the body has the checksum %s, and %s says %s", checksum{c.algorithm, got, ""}, c.source, c)
		}
	}
	if len(s.want) == 0 {
		return "", nil
	}
	return s.want[0].String(), nil
}
