package conformance

import (
	"net"
	"strings"
	"time"
)

// servers are answers that the data describes in words.
var servers = map[string][]string{
	"Content-Encoding: gzip, body 'text'": {
		"HTTP/1.1 200 OK", "Content-Encoding: gzip", "Content-Length: 4", "", "text"},
	`chunked body '9\r\n\r\n' then close`: {
		"HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "9", "", ""},
	"Content-Length: 1000, body 'answer' then close": {
		"HTTP/1.1 200 OK", "Content-Length: 1000", "", "answer"},
	"Content-Length: 2, body 'answertwo' then close": {
		"HTTP/1.1 200 OK", "Connection: close", "Content-Length: 2", "", "answertwo"},
	"304 with Transfer-Encoding: chunked": {
		"HTTP/1.1 304 Not Modified", "Transfer-Encoding: chunked", "", ""},
	"200 with Transfer-Encoding: chunked": {
		"HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", ""},
	"204 with Content-Encoding: gzip, Content-Length: 0": {
		"HTTP/1.1 204 No Content", "Content-Encoding: gzip", "Content-Length: 0", "", ""},
}

// readAnswer reads what the server answers: in words, as statuses in turn, as bytes, or in fields.
func (x *trip) readAnswer() {
	in := x.r.in
	switch server := in.get("server").(type) {
	case string:
		x.readWords(server)
		return
	case []any:
		for _, status := range asStatuses(server) {
			x.answers = append(x.answers, reply{status: status}.bytes())
		}
		return
	}
	if raw := in.text("raw_response"); raw != "" {
		if !in.flag("then_close") {
			panic("the server closes the connection after an answer")
		}
		x.answers = [][]byte{[]byte(raw)}
		return
	}
	a := reply{status: in.number("status", in.number("server_status", 200)), body: `{"message":"said by the server"}`}
	a.header = typed("application/json")
	if in.has("body") {
		a.body = in.text("body")
	}
	if in.has("status") {
		for _, field := range in.fields("headers") {
			a.header = append(a.header, field.name+": "+strings.Join(field.values, ", "))
		}
	}
	if field := in.texts("server_header"); field != nil {
		a.header = append(a.header, field[0]+": "+field[1])
	}
	x.answers = [][]byte{a.bytes()}
}

// readWords reads a server that is described in words.
func (x *trip) readWords(words string) {
	switch words {
	case "200":
		x.answers = [][]byte{reply{}.bytes()}
	case "always 500":
		x.answers = [][]byte{reply{status: 500}.bytes()}
	case "delay 10 s":
		x.delay, x.answers = 10*time.Second, [][]byte{reply{}.bytes()}
	case "black hole 10.255.255.1": // that network is nobody's to try: the hole is on loopback
		x.target = "http://" + x.r.fullQueue()
	default:
		lines, ok := servers[words]
		if !ok {
			panic("no server that answers: " + words)
		}
		x.answers = [][]byte{[]byte(strings.Join(lines, "\r\n"))}
	}
}

// answered is what a server does with a request: it waits, and answers.
func (x *trip) answered(n int, conn net.Conn) error {
	time.Sleep(x.delay) // virtual
	_, err := conn.Write(x.answers[min(n, len(x.answers)-1)])
	return err
}
