package conformance

import "strings"

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

// readAnswer reads what the server answers: in words, as bytes, or in fields.
func (x *trip) readAnswer() {
	in := x.r.in
	if words := in.text("server"); words != "" {
		lines, ok := servers[words]
		if !ok {
			panic("no server that answers: " + words)
		}
		x.answer = []byte(strings.Join(lines, "\r\n"))
		return
	}
	if raw := in.text("raw_response"); raw != "" {
		if !in.flag("then_close") {
			panic("the server closes the connection after an answer")
		}
		x.answer = []byte(raw)
		return
	}
	a := reply{status: in.number("status", in.number("server_status", 200)), body: `{"message":"said by the server"}`}
	a.header = typed("application/json")
	if in.has("body") {
		a.body = in.text("body")
	}
	if field := in.texts("server_header"); field != nil {
		a.header = append(a.header, field[0]+": "+field[1])
	}
	x.answer = a.bytes()
}
