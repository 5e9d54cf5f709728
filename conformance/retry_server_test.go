package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strconv"
	"strings"
	"syscall"

	"github.com/crest-go/crest"
)

// wholeAnswer is what a server answers once it has no more faults: longer than what a broken stream shows of it.
var wholeAnswer = strings.Repeat("0123456789abcdef", 32<<10)

// play makes one call and looks at it from both sides.
//
// Each answer closes its connection, so that every request has a fresh one: on a connection that it has used before, net/http itself
// would repeat a request that got no answer, and the count would not be crest's.
func (c *retryCase) play(d declaration) error {
	r := &row{}
	defer r.end()
	s := r.serving(c.faults(d.reset))
	p := &plan{method: c.method, route: "/" + c.operation, result: bytesBody, endpointOpts: d.endpoint, callOpts: d.call}
	if c.method == "POST" || c.method == "PUT" || c.method == "PATCH" {
		p.request.add("json", "name", "a name")
		p.request.add("json", "content", strings.Repeat("content ", 1000))
	}
	if d.live {
		p.result = liveBody
	}
	if d.keyed {
		p.clientOpts = append(p.clientOpts, crest.WithIdempotencyKey(crest.IdempotencyKey{}))
	}
	if d.ownKey {
		p.callOpts = headers(p.callOpts, []named{{"Idempotency-Key", []string{"the caller's own"}}})
	}
	if c.scenario.PreconditionProvided {
		p.callOpts = query(p.callOpts, []named{{"ifGenerationMatch", []string{"7"}}})
	}
	prepared, err := p.prepare(r, s.url())
	if err != nil {
		return err
	}
	resp, err := prepared.Send(context.Background())
	return errors.Join(d.ends(resp, err), c.seen(s, d), told(resp, err, d.requests))
}

var liveBody = reflect.TypeFor[io.ReadCloser]()

// fault is what a server does with one request, after which it closes the connection.
type fault func(conn net.Conn) error

// faults is a server that follows the case's instructions, one a request, and answers well afterwards.
func (c *retryCase) faults(reset bool) func(n int, conn net.Conn) error {
	var plot []fault
	for _, instruction := range c.instructions {
		plot = append(plot, newFault(instruction, reset))
	}
	plot = append(plot, writing(reply{body: wholeAnswer}.bytes()))
	return func(n int, conn net.Conn) error { return plot[min(n, len(plot)-1)](conn) }
}

func newFault(instruction string, reset bool) fault {
	what, after, _ := strings.Cut(strings.TrimPrefix(instruction, "return-"), "-after-")
	switch what {
	case "reset-connection":
		return resetting
	case "broken-stream":
		return breaking(after, reset)
	}
	return writing(reply{status: must1(strconv.Atoi(what))}.bytes())
}

func writing(answer []byte) fault {
	return func(conn net.Conn) error {
		_, err := conn.Write(answer)
		return err
	}
}

// resetting makes a reset of the closing that follows.
func resetting(conn net.Conn) error { return conn.(*net.TCPConn).SetLinger(0) }

// breaking sends the head of the whole answer and a part of its body.
func breaking(after string, reset bool) fault {
	size := 1000
	if after != "" {
		size = must1(strconv.Atoi(strings.TrimSuffix(after, "K"))) << 10
	}
	whole := reply{body: wholeAnswer}.bytes()
	part := writing(whole[:bytes.Index(whole, []byte("\r\n\r\n"))+4+size])
	return func(conn net.Conn) error {
		err := part(conn)
		if reset {
			err = errors.Join(err, resetting(conn))
		}
		return err
	}
}

// seen holds what the server saw to the declaration: how many requests, and that each is the first one once more, to the byte.
func (c *retryCase) seen(s *wire, d declaration) error {
	requests := s.all()
	if len(requests) != d.requests {
		return fmt.Errorf("the server saw %d requests instead of %d", len(requests), d.requests)
	}
	first := requests[0]
	keyed := d.ownKey || d.keyed && c.plain()
	if key := first.header().Get("Idempotency-Key"); (key != "") != keyed {
		return fmt.Errorf("the key is %q", key)
	}
	if (first.query() == "ifGenerationMatch=7") != c.scenario.PreconditionProvided {
		return fmt.Errorf("the precondition is another one: %s", first.line)
	}
	for i, q := range requests[1:] {
		if q.head() != first.head() || !bytes.Equal(q.body, first.body) {
			return fmt.Errorf("request %d differs from the first: %s, %d bytes; %s, %d bytes", i+2, q.head(), len(q.body), first.head(), len(first.body))
		}
	}
	return nil
}

// told holds the attempts that the call tells of to those that the server saw.
func told(resp *crest.Response[any], err error, requests int) error {
	var attempts []crest.Attempt
	if resp != nil {
		attempts = resp.Attempts
	}
	if call, ok := errors.AsType[*crest.CallError](err); ok {
		attempts = call.Attempts
	}
	if len(attempts) != requests {
		return fmt.Errorf("the call tells of %d attempts instead of %d", len(attempts), requests)
	}
	return nil
}

// ending judges how a call ended.
type ending func(resp *crest.Response[any], err error) error

func succeeds(resp *crest.Response[any], err error) error {
	if err != nil {
		return err
	}
	if content, _ := resp.Model.([]byte); string(content) != wholeAnswer {
		return fmt.Errorf("%d bytes arrived instead of %d", len(content), len(wholeAnswer))
	}
	return nil
}

// failsWith is the end of a call that met this instruction last.
func failsWith(instruction string) ending {
	what := strings.TrimPrefix(instruction, "return-")
	return func(_ *crest.Response[any], err error) error {
		if what == "reset-connection" {
			call, ok := errors.AsType[*crest.CallError](err)
			if !ok || !errors.Is(err, crest.KindDisconnected) || !errors.Is(err, syscall.ECONNRESET) || call.Sent != crest.SentMaybe {
				return fmt.Errorf("the error is %v, not a reset of a request that may have been received", err)
			}
			return nil
		}
		return expectIs(err, crest.Status(must1(strconv.Atoi(what))))
	}
}

// breaks is the end of a call whose caller reads the body and finds it incomplete.
func breaks(resp *crest.Response[any], err error) error {
	if err != nil {
		return err
	}
	body := resp.Model.(io.ReadCloser)
	defer body.Close()
	content, err := io.ReadAll(body)
	if err == nil || !strings.HasPrefix(wholeAnswer, string(content)) {
		return fmt.Errorf("%d bytes were read, and then %v", len(content), err)
	}
	return expectIs(err, crest.KindTruncated)
}
