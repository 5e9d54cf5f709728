package fasthttptransport

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"
	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/idna"
)

// check refuses what cannot be written, or would be read as something else.
func (e *exchange) check() error {
	req := e.req
	if req.URL != nil {
		e.uri = req.URL.RequestURI()
	}
	switch {
	case req.URL == nil || req.Header == nil:
		return errors.New("fasthttptransport: the request has no URL or no header map: make it with http.NewRequest")
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return fmt.Errorf("fasthttptransport: unsupported scheme %q: http and https are", req.URL.Scheme)
	case req.URL.Host == "":
		return errors.New("fasthttptransport: the URL has no host")
	case req.Method != "" && !httpguts.ValidHeaderFieldName(req.Method): // both are tokens
		return fmt.Errorf("fasthttptransport: invalid method %q", req.Method)
	case req.Method == http.MethodConnect:
		return errors.New("fasthttptransport: unsupported method CONNECT")
	case strings.ContainsFunc(e.uri, unwritable):
		return errors.New("fasthttptransport: invalid URL: a space or a control character stands in it")
	case !httpguts.ValidHostHeader(hostOf(req)):
		return errors.New("fasthttptransport: invalid host")
	}
	if err := checkFields(req.Header); err != nil {
		return err
	}
	return checkFields(req.Trailer)
}

func unwritable(r rune) bool { return r <= ' ' || r == 0x7f }

// checkFields looks at names and values. An error does not repeat a value: it may be a secret.
func checkFields(h http.Header) error {
	for name, values := range h {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("fasthttptransport: invalid header field name %q", name)
		}
		if slices.ContainsFunc(values, func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }) {
			return fmt.Errorf("fasthttptransport: invalid header field value for %q", name)
		}
	}
	return nil
}

// targetOf is where a request for u connects to.
func targetOf(u *url.URL) target {
	port, name := u.Port(), u.Hostname()
	if port != "" && isPlain(name) {
		return target{u.Scheme, u.Host}
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if ascii, err := idna.Lookup.ToASCII(name); err == nil {
		name = ascii
	}
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	return target{u.Scheme, name + ":" + port}
}

// isPlain reports whether nothing of a name needs to be rewritten: by IDNA it is itself, or no name at all.
func isPlain(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' {
			return false
		}
	}
	return name != ""
}

// hostOf is the value of Host: in ASCII, and without the zone of an address.
func hostOf(req *http.Request) string {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	if name, port, _ := strings.Cut(host, ":"); isPlain(name) && (port == "" || isPlain(port)) {
		return host
	}
	if ascii, err := httpguts.PunycodeHostPort(host); err == nil {
		host = ascii
	}
	if zone, end := strings.Index(host, "%"), strings.LastIndex(host, "]"); strings.HasPrefix(host, "[") && zone > 0 && zone < end {
		host = host[:zone] + host[end:]
	}
	return host
}

// managed are the fields that the request's own fields stand for.
var managed = map[string]bool{"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Trailer": true}

// encode fills a head. fasthttp is told to add nothing and to change nothing.
func (e *exchange) encode(h *fasthttp.RequestHeader) {
	req := e.req
	h.DisableSpecialHeader()
	h.DisableNormalizing()
	h.SetMethod(methodOf(req))
	h.SetRequestURI(e.uri)
	h.Add("Host", hostOf(req))
	var room [24]string
	names := room[:0]
	for name := range req.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range req.Header[name] {
			if !managed[name] && (name != "User-Agent" || value != "") { // an empty one says to send none
				h.Add(name, value)
			}
		}
	}
	e.encodeFraming(h)
	if req.Close && !httpguts.HeaderValuesContainsToken(req.Header["Connection"], "close") {
		h.Add("Connection", "close")
	}
	e.closes = req.Close || httpguts.HeaderValuesContainsToken(req.Header["Connection"], "close")
}

// encodeFraming says where the body ends, by net/http's rules.
func (e *exchange) encodeFraming(h *fasthttp.RequestHeader) {
	switch length := e.length(); {
	case length < 0:
		h.Add("Transfer-Encoding", "chunked")
		if len(e.req.Trailer) > 0 {
			h.Add("Trailer", strings.Join(slices.Sorted(maps.Keys(e.req.Trailer)), ","))
		}
	case length > 0 || saysZero(e.req):
		h.Add("Content-Length", strconv.FormatInt(length, 10))
	}
}

// length of the body; -1 if it is not known.
func (e *exchange) length() int64 {
	switch {
	case !e.body.exists():
		return 0
	case e.req.ContentLength > 0:
		return e.req.ContentLength
	}
	return -1
}

// saysZero reports whether net/http would write Content-Length: 0 for an empty body.
func saysZero(req *http.Request) bool {
	switch methodOf(req) {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return true
	case http.MethodGet, http.MethodHead:
		return false
	}
	return req.Body != nil && slices.Equal(req.TransferEncoding, []string{"identity"})
}

func methodOf(req *http.Request) string {
	if req.Method == "" {
		return http.MethodGet
	}
	return req.Method
}
