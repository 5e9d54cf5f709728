package otelcrest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/crest-go/crest"
)

// redacted is what the conventions write for what url.full must not show.
const redacted = "REDACTED"

// knownVariable is what the conventions name for another list of methods, with commas between them, in place of the default one.
const knownVariable = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"

// methods are those that stand in spans and metrics as they are. Any other is _OTHER, so that a caller's spelling makes no new series.
type methods struct {
	list     []string
	declared bool // so are those of endpoints: a program declares few
}

// knownMethods are those of RFC 9110 and RFC 5789, and QUERY.
func knownMethods(override string) methods {
	if override != "" {
		list := strings.Split(override, ",")
		for i := range list {
			list[i] = strings.TrimSpace(list[i])
		}
		return methods{list: list}
	}
	return methods{[]string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect, http.MethodOptions,
		http.MethodTrace, "QUERY",
	}, true}
}

func (m methods) known(method string, info crest.Info) bool {
	return m.declared && info.Endpoint != "" || slices.Contains(m.list, method)
}

// methodOf returns the method; net/http takes none for GET.
func methodOf(req *http.Request) string {
	if req.Method == "" {
		return http.MethodGet
	}
	return req.Method
}

// template is the route, if the URL is made of it.
func template(info crest.Info) string {
	if info.Redirects > 0 {
		return ""
	}
	return info.Route
}

func (m methods) spanName(req *http.Request, info crest.Info) string {
	name := methodOf(req)
	if !m.known(name, info) {
		name = "HTTP"
	}
	if route := template(info); route != "" {
		name += " " + route
	}
	return name
}

// common are the attributes of a request that have few values: fit for a metric.
func (m methods) common(req *http.Request, info crest.Info) []attribute.KeyValue {
	method, at := semconv.HTTPRequestMethodOther, authority(req)
	if name := methodOf(req); m.known(name, info) {
		method = semconv.HTTPRequestMethodKey.String(name)
	}
	attrs := []attribute.KeyValue{method, semconv.ServerAddress(at.Hostname()), semconv.ServerPort(port(at))}
	if route := template(info); route != "" {
		attrs = append(attrs, semconv.URLTemplate(route))
	}
	return attrs
}

// own are the attributes of a request that are the span's alone.
func (m methods) own(req *http.Request, info crest.Info) []attribute.KeyValue {
	attrs := []attribute.KeyValue{semconv.URLFull(shownURL(req.URL))}
	if info.Resent > 0 {
		attrs = append(attrs, semconv.HTTPRequestResendCount(info.Resent))
	}
	if method := methodOf(req); !m.known(method, info) {
		attrs = append(attrs, semconv.HTTPRequestMethodOriginal(method))
	}
	return attrs
}

// authority is the server as the Host header names it, which can be another name than the URL's.
func authority(req *http.Request) *url.URL {
	if req.Host == "" {
		return req.URL
	}
	return &url.URL{Scheme: req.URL.Scheme, Host: req.Host}
}

// port is the URL's, or that of its scheme.
func port(u *url.URL) int {
	if n, err := strconv.Atoi(u.Port()); err == nil {
		return n
	}
	if u.Scheme == "http" {
		return 80
	}
	return 443
}

// shownURL hides what can identify or authorize beside the path.
func shownURL(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	if u.User != nil {
		shown.User = url.UserPassword(redacted, redacted)
	}
	if u.RawQuery != "" {
		shown.RawQuery = redacted
	}
	return shown.String()
}

// protocol is the version of HTTP as the conventions write it; "" where the transport does not say.
func protocol(resp *http.Response) string {
	switch {
	case resp.ProtoMajor == 0:
		return ""
	case resp.ProtoMajor == 1:
		return "1." + strconv.Itoa(resp.ProtoMinor)
	}
	return strconv.Itoa(resp.ProtoMajor)
}
