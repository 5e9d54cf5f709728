package crest

import (
	"errors"
	"fmt"
	"net/http"
)

// Transfer says how [Download] and [DownloadFile] fetch a body. The zero value is the usual way: one request, which is continued
// where it broke off. How often is said by [Retry]: bytes that arrive set its count back.
type Transfer struct {
	// Parallel is how many parts of a file are fetched at the same time, 16 at most; 0 and 1 fetch it in one piece. It is for [DownloadFile],
	// and for servers that bound what one connection gets: each part is a call of its own, with its own slot of a limiter. A
	// server without ranges, and one that gives neither a strong ETag nor a date to know the parts by, is read in one piece.
	Parallel int
	// PartSize is the size of such a part in bytes: 8 MiB.
	PartSize int64
	// Digest is the checksum that the body must have, as "sha256:" or "sha512:" and hexadecimal digits ("sha1:" and "md5:" find damage, not malice).
	// For a single call. A checksum that the server gives is looked at in any case: the strongest of Repr-Digest, Content-Digest (RFC 9530),
	// Digest (RFC 3230) and Content-MD5. A mismatch is [KindChecksum].
	Digest string
	// NoResume fetches the body in one answer or begins anew, for servers whose ranges cannot be trusted. What an earlier DownloadFile
	// left is thrown away.
	NoResume bool
}

const (
	defaultPartSize = 8 << 20
	maxParallel     = 16
)

// WithTransfer says how downloads are fetched. It means nothing to other calls. Fields that are zero inherit from the farther level.
func WithTransfer(t Transfer) Option {
	return anyOption(func(s *settings) error {
		if err := t.check(s.level); err != nil {
			return fmt.Errorf("WithTransfer: %w", err)
		}
		s.transfer = t.over(s.transfer)
		return nil
	})
}

func (t Transfer) check(l level) error {
	var mistakes []error
	if t.Parallel < 0 || t.Parallel > maxParallel {
		mistakes = append(mistakes, fmt.Errorf("the field Parallel is %d: give a number up to %d", t.Parallel, maxParallel))
	}
	if t.PartSize < 0 {
		mistakes = append(mistakes, fmt.Errorf("the field PartSize is %d, and negative", t.PartSize))
	}
	if t.Digest == "" {
		return errors.Join(mistakes...)
	}
	if _, err := parseChecksum(t.Digest); err != nil {
		mistakes = append(mistakes, fmt.Errorf("the field Digest: %w", err))
	}
	if l != levelCall {
		mistakes = append(mistakes, errors.New("the field Digest is of one body: give it to the call"))
	}
	return errors.Join(mistakes...)
}

// over returns t on top of base, field by field.
func (t Transfer) over(base Transfer) Transfer {
	return Transfer{
		Parallel: nearer(t.Parallel, base.Parallel), PartSize: nearer(t.PartSize, base.PartSize),
		Digest: nearer(t.Digest, base.Digest), NoResume: t.NoResume || base.NoResume,
	}
}

// Downloaded is what [Download] and [DownloadFile] know of a body that they have fetched whole.
type Downloaded struct {
	// Size is the body's, in bytes.
	Size int64
	// Fetched is how many bytes came over the network for it. It is smaller than Size where an earlier DownloadFile had left some, and
	// larger where the body was begun anew.
	Fetched int64
	// Resumed is how often the body was continued where it had broken off.
	Resumed int
	// Name is what the server calls the body, made safe as [Response.FileName] does; "" if it gave no name.
	Name string
	// Digest is the checksum that was verified, in the form of [Transfer.Digest], which comes before the server's; "" if there was none.
	Digest string
	// StatusCode and Header are those of the answer with which this body began: a 206 where an earlier DownloadFile was continued, or
	// where it was fetched in parts.
	StatusCode int
	Header     http.Header
}
