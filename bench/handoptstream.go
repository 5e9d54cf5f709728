package bench

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/goccy/go-json"
)

// copyBuffers are larger than those of io.Copy: fewer reads and writes.
var copyBuffers = sync.Pool{New: func() any { return new([128 << 10]byte) }}

func (c *handoptClient) down(ctx context.Context, in GetFile, to io.Writer) (int64, error) {
	resp, err := c.open(ctx, c.request(http.MethodGet, filesPath+"/"+strconv.FormatInt(in.Size, 10), "", http.Header{}))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return copyPieces(to, resp.Body)
}

func (c *handoptClient) up(ctx context.Context, from io.Reader) (out Stored, err error) {
	req := c.request(http.MethodPut, filesPath, "", http.Header{"Content-Type": {fileType}})
	req.Body = io.NopCloser(pieces{from})
	req.ContentLength = -1
	err = handoptSend(ctx, c, req, &out)
	return out, err
}

func (c *handoptClient) watch(ctx context.Context, in WatchChanges, each func(Change) error) error {
	query := "since=" + strconv.FormatInt(in.Since, 10)
	resp, err := c.open(ctx, c.request(http.MethodGet, changesPath, query, http.Header{"X-Tenant": {in.Tenant}}))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return watchInPlace(resp.Body, each)
}

// open sends what is answered by a stream.
func (c *handoptClient) open(ctx context.Context, req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req.WithContext(ctx))
	if err != nil || resp.StatusCode/100 == 2 {
		return resp, err
	}
	defer resp.Body.Close()
	failure := new(APIError)
	if err := handoptDecode(resp, failure); err != nil {
		return nil, err
	}
	return nil, failure
}

// pieces makes net/http send a body of unknown length in large chunks.
type pieces struct{ io.Reader }

func (p pieces) WriteTo(w io.Writer) (int64, error) { return copyPieces(w, p.Reader) }

func copyPieces(to io.Writer, from io.Reader) (total int64, err error) {
	buf := copyBuffers.Get().(*[128 << 10]byte)
	defer copyBuffers.Put(buf)
	for {
		n, err := from.Read(buf[:])
		if _, err := to.Write(buf[:n]); err != nil {
			return total, err
		}
		total += int64(n)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// watchInPlace decodes the data of events of a single line where they lie in
// the buffer, as hand-written code that knows its server does.
func watchInPlace(body io.Reader, each func(Change) error) error {
	buf := copyBuffers.Get().(*[128 << 10]byte)
	defer copyBuffers.Put(buf)
	held := 0
	for {
		n, err := body.Read(buf[held:])
		rest, failed := eventsInPlace(buf[:held+n], each)
		if failed != nil {
			return failed
		}
		held = copy(buf[:], rest)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if held == len(buf) {
			return io.ErrShortBuffer
		}
	}
}

// eventsInPlace returns what belongs to an event that is not whole yet.
func eventsInPlace(buf []byte, each func(Change) error) ([]byte, error) {
	for {
		line, rest, whole := bytes.Cut(buf, []byte{'\n'})
		if !whole {
			return buf, nil
		}
		buf = rest
		data, ok := bytes.CutPrefix(line, []byte("data: "))
		if !ok {
			continue
		}
		var change Change
		if err := json.UnmarshalOf(data, &change); err != nil {
			return nil, err
		}
		if err := each(change); err != nil {
			return nil, err
		}
	}
}
