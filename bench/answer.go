package bench

import (
	"fmt"
	"net/http"
	"strconv"
)

// answer is a canned response, ready for both links.
type answer struct {
	status     int
	statusLine string      // "404 Not Found", as net/http has it in Response.Status
	header     http.Header // shared by all responses in memory: never written to
	body       []byte
	wire       []byte // head and body as they go over a socket
}

var (
	busyAnswer    = newAnswer(http.StatusServiceUnavailable, wantBusy)
	orderAnswer   = newAnswer(http.StatusOK, wantOrder)
	receiptAnswer = newAnswer(http.StatusOK, wantReceipt)
	listAnswer    = newAnswer(http.StatusOK, wantList)
	errorAnswer   = newAnswer(http.StatusNotFound, wantError)
	changesAnswer = newChangesAnswer()
	storedAnswer  = new(answer) // stands for what depends on the length of the request's body
)

const (
	contentType = "application/json"
	ordersPath  = "/v1/orders"
	missingPath = "/v1/orders/404"
	changesPath = "/v1/changes"
	filesPath   = "/v1/files"
	date        = "Sat, 14 Mar 2026 15:09:26 GMT"
)

func newAnswer(status int, model any) *answer {
	body := mustMarshal(model)
	line := fmt.Sprintf("%d %s", status, http.StatusText(status))
	head := fmt.Sprintf("HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		line, date, contentType, len(body))
	return &answer{
		status:     status,
		statusLine: line,
		header: http.Header{
			"Date":           {date},
			"Content-Type":   {contentType},
			"Content-Length": {strconv.Itoa(len(body))},
		},
		body: body,
		wire: append([]byte(head), body...),
	}
}

// route picks the answer to a request. It compares without allocating.
func route[T string | []byte](method, path T) *answer {
	switch {
	case string(method) == http.MethodPost:
		return receiptAnswer
	case string(method) == http.MethodPut:
		return storedAnswer
	case string(path) == changesPath:
		return changesAnswer
	case string(path) == ordersPath:
		return listAnswer
	case string(path) == missingPath:
		return errorAnswer
	default:
		return orderAnswer
	}
}
