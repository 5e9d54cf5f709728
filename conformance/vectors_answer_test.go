package conformance

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"

	"github.com/crest-go/crest"
)

// answered makes a GET whose answer is given.
func (r *row) answered(a reply, result reflect.Type, opts ...crest.CallOption) (*crest.Response[any], error) {
	p := &plan{method: "GET", result: result, callOpts: opts}
	return p.do(r, r.serve(a.bytes()).url())
}

// body reads the inputs that say what an answer holds.
func (r *row) body() string {
	content := r.in.text("body")
	switch content {
	case "20 random bytes":
		content = "\x93\x1f\x8e\xc5\x02\xfa\x41\x7d\xee\x30\x99\xb4\x5c\x0b\xd8\x67\xa1\xf3\x2e\x88"
	case "larger than the drain bound":
		content = strings.Repeat("x", 32<<20)
	}
	if text := r.in.text("body_cp1251"); text != "" {
		content = must1(charmap.Windows1251.NewEncoder().String(text))
	}
	return content
}

// typed is the header of an answer with this content type, nothing for "".
func typed(mediaType string) []string {
	if mediaType == "" {
		return nil
	}
	return []string{"Content-Type: " + mediaType}
}

// boxed: the response type stands in place of a box; any is one, bytes are the response as it is.
func boxed(r *row) (facts, error) {
	if method := r.method(); method != "GET" {
		panic("no box for a " + method)
	}
	result := bytesBody
	if r.in.flag("box") {
		result = anyModel
	}
	a := reply{status: 200, header: typed(r.in.text("content_type")), body: r.body()}
	resp, err := r.answered(a, result)
	if err != nil {
		return nil, err
	}
	switch resp.Model.(type) {
	case map[string]any:
		return facts{"result": "object"}, nil
	case nil:
		return facts{"result": "none"}, nil
	}
	return facts{"result": "response"}, nil
}

// answerJSON: an answer into any, and for a status without a body also into a model.
func answerJSON(r *row) (facts, error) {
	_ = r.in.text("encoding") // what the caller believes the charset to be: crest has no way to overrule the declared one
	a := reply{status: r.in.number("status", 200), header: typed(r.in.text("content_type")), body: r.body()}
	var opts []crest.CallOption
	if r.in.null("accept") {
		opts = append(opts, crest.WithAccept("*/*"))
	}
	result := anyModel
	if a.status == 204 {
		resp, err := r.answered(a, anyModel, opts...)
		if err != nil || resp.Model != nil {
			return nil, fmt.Errorf("into any a 204 is %v with the error %v", resp, err)
		}
		result = reflect.TypeFor[numbered]()
	}
	resp, err := r.answered(a, result, opts...)
	f := facts{"message_omits_body": holds(err == nil || !strings.Contains(err.Error(), a.body), "%v", err)}
	if e, ok := errors.AsType[*crest.Error](err); ok {
		f["error_status"] = e.StatusCode
	}
	if err == nil {
		f["value"] = resp.Model
	}
	return f, err
}

// Models of answers.
type (
	numbered struct {
		A int `json:"a"`
	}
	linked struct {
		URL string `json:"url"`
	}
)

// typeOf is the model that an exchange decodes into, by the word of the data.
func typeOf(into any) reflect.Type {
	switch into {
	case nil:
		return anyModel
	case "model":
		return reflect.TypeFor[[]numbered]()
	}
	panic("no model of the name " + into.(string))
}

// decodeModel: JSON into a struct that names one field of it, or into a slice.
func decodeModel(r *row) (facts, error) {
	into := map[string]reflect.Type{"struct": reflect.TypeFor[linked](), "slice": reflect.TypeFor[[]numbered]()}
	resp, err := r.answered(jsonReply(200, r.in.text("body")), into[r.in.text("into")])
	if err != nil {
		return nil, err
	}
	return facts{"value": resp.Model}, nil
}

// answerText: an answer as text.
func answerText(r *row) (facts, error) {
	resp, err := r.answered(reply{header: typed(r.in.text("content_type")), body: r.body()}, textBody)
	if err != nil {
		return nil, err
	}
	return facts{"value": resp.Model}, nil
}

// guessEncoding: JSON without a charset decodes, whatever its first bytes say it is; a null in the data is what does not.
func guessEncoding(r *row) (facts, error) {
	content := encodeText(r.in.text("text"), r.in.text("encoding"))
	resp, err := r.answered(jsonReply(200, content), anyModel)
	return facts{"value": check(func(want any) error {
		switch {
		case want == nil && err == nil:
			return errors.New("it was taken for JSON")
		case want == nil:
			return nil
		case err != nil:
			return err
		}
		return compare(map[string]any{}, resp.Model)
	})}, nil
}

// encodeText encodes as Python's codecs do: utf-16 and utf-32 without a byte order, and utf-8-sig, begin with a byte order mark.
func encodeText(text, encoding string) string {
	var order binary.AppendByteOrder = binary.LittleEndian
	if strings.HasSuffix(encoding, "-be") {
		order = binary.BigEndian
	}
	if encoding == "utf-16" || encoding == "utf-32" || encoding == "utf-8-sig" {
		text = "\ufeff" + text
	}
	var out []byte
	switch {
	case strings.HasPrefix(encoding, "utf-8"):
		return text
	case strings.HasPrefix(encoding, "utf-16"):
		for _, unit := range utf16.Encode([]rune(text)) {
			out = order.AppendUint16(out, unit)
		}
	case strings.HasPrefix(encoding, "utf-32"):
		for _, c := range text {
			out = order.AppendUint32(out, uint32(c))
		}
	default:
		panic("no encoder for " + encoding)
	}
	return string(out)
}

// live makes a GET whose body the caller reads.
func (r *row) live(s *wire) (io.ReadCloser, error) {
	c, err := r.client(s.url())
	if err != nil {
		return nil, err
	}
	return crest.Get[crest.Empty, io.ReadCloser]("/").Call(context.Background(), c, crest.Empty{})
}

// iterContent: a body in pieces of the caller's choosing.
func iterContent(r *row) (facts, error) {
	stream, err := r.live(r.serve(reply{body: r.body()}.bytes()))
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	piece := make([]byte, r.in.number("chunk_size", 1))
	n, err := io.ReadFull(stream, piece)
	return facts{"chunk_len": n}, err
}

// iterLines: a body by lines.
func iterLines(r *row) (facts, error) {
	stream, err := r.live(r.serve(reply{body: strings.Repeat("a line\n", r.in.number("lines", 0))}.bytes()))
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	count := 0
	lines := bufio.NewScanner(stream)
	for lines.Scan() {
		count++
	}
	return facts{"count": count}, lines.Err()
}

// closeUnread: closing a body that was not read ends its connection, and what is left is not fetched.
func closeUnread(r *row) (facts, error) {
	if !r.in.flag("stream") {
		panic("only a body that the caller reads can be closed unread")
	}
	s := r.serve(reply{body: r.body()}.bytes())
	stream, err := r.live(s)
	if err != nil {
		return nil, err
	}
	if err := stream.Close(); err != nil {
		return nil, err
	}
	select {
	case err := <-s.written:
		return facts{"connection_closed": err != nil, "content_consumed": err == nil}, nil
	case <-time.After(10 * time.Second):
		return facts{"connection_closed": false, "content_consumed": false}, nil
	}
}
