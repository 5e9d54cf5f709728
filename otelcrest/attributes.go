package otelcrest

import (
	"net/http"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/crest-go/crest"
)

// redacted is what the conventions write for what url.full must not show.
const redacted = "REDACTED"

// methods are those of RFC 9110 and RFC 5789, and QUERY. Any other is _OTHER, so that a caller's spelling makes no new series.
var methods = map[string]bool{
	http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true, http.MethodPatch: true,
	http.MethodDelete: true, http.MethodConnect: true, http.MethodOptions: true, http.MethodTrace: true, "QUERY": true,
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

func spanName(req *http.Request, info crest.Info) string {
	name := methodOf(req)
	if !methods[name] {
		name = "HTTP"
	}
	if route := template(info); route != "" {
		name += " " + route
	}
	return name
}

// common are the attributes of a request that have few values: fit for a metric.
func common(req *http.Request, info crest.Info) []attribute.KeyValue {
	method := semconv.HTTPRequestMethodOther
	if known := methodOf(req); methods[known] {
		method = semconv.HTTPRequestMethodKey.String(known)
	}
	attrs := []attribute.KeyValue{method, semconv.ServerAddress(req.URL.Hostname()), semconv.ServerPort(port(req.URL))}
	if route := template(info); route != "" {
		attrs = append(attrs, semconv.URLTemplate(route))
	}
	return attrs
}

// own are the attributes of a request that are the span's alone.
func own(req *http.Request, info crest.Info) []attribute.KeyValue {
	attrs := []attribute.KeyValue{semconv.URLFull(shownURL(req.URL))}
	if info.Resent > 0 {
		attrs = append(attrs, semconv.HTTPRequestResendCount(info.Resent))
	}
	if method := methodOf(req); !methods[method] {
		attrs = append(attrs, semconv.HTTPRequestMethodOriginal(method))
	}
	return attrs
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
