package otelcrest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/crest-go/crest"
)

// marker stands in every place of a call that can hold a secret.
const marker = "m4rk3r"

type login struct {
	Tenant   crest.Secret `path:"tenant"`
	Key      crest.Secret `query:"key"`
	Token    crest.Secret `header:"X-Token"`
	Cookie   crest.Secret `cookie:"session"`
	Password crest.Secret `json:"password"`
	Note     string       `query:"note"`
	Trace    string       `header:"X-Trace"`
	Plain    string       `json:"plain"`
}

// No secret is in anything recorded, however the call goes.
func TestR43NoSecretsInSpans(t *testing.T) {
	secret := func(place string) crest.Secret { return crest.NewSecret(marker + "-" + place) }
	for name, answers := range map[string]wire{
		"success":        always(200, "Set-Cookie", "a="+marker, "X-Request-Id", marker),
		"refused":        always(401, "WWW-Authenticate", `Bearer realm="`+marker+`"`),
		"failed":         always(500, "X-Reason", marker),
		"redirect":       redirects("/elsewhere?signature=" + marker + "#" + marker),
		"another origin": redirects("https://b.example/elsewhere?signature=" + marker),
		"with a user":    redirects("https://" + marker + ":" + marker + "@b.example/elsewhere"),
		"error":          func(*http.Request) (*http.Response, error) { return nil, errors.New(marker) },
		"error with a URL": func(req *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Get", URL: req.URL.String(), Err: errors.New(marker)}
		},
		"panic": func(req *http.Request) (*http.Response, error) { panic(marker) },
		"cancelled": func(req *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("%s: %w", marker, context.Canceled)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			var arrived bool
			c := b.client(t, func(req *http.Request) (*http.Response, error) {
				arrived = arrived || strings.Contains(req.URL.String(), marker+"-path") && strings.Contains(req.Header.Get("Authorization"), marker)
				return answers(req)
			}, crest.WithBearer(secret("bearer")), crest.WithQueryKey("api_key", secret("key")), crest.WithAPIKey("X-Api-Key", secret("header")),
				crest.WithHeader("X-Client", marker), crest.WithCookie("client", marker), crest.WithRedact("*"))
			member, err := baggage.NewMember("who", marker)
			require.NoError(t, err)
			bag, err := baggage.New(member)
			require.NoError(t, err)
			func() {
				defer func() { _ = recover() }()
				_, _ = crest.Post[login, any]("/{tenant}/login").Call(baggage.ContextWithBaggage(t.Context(), bag), c, login{
					secret("path"), secret("query"), secret("token"), secret("cookie"), secret("password"), marker, marker, marker,
				})
			}()
			require.True(t, arrived, "the secrets were sent")
			require.NotContains(t, b.texts(t), marker)
		})
	}
}

func redirects(location string) wire {
	return func(req *http.Request) (*http.Response, error) {
		if strings.Contains(req.URL.Path, "elsewhere") {
			return answer(req, 200), nil
		}
		return answer(req, 303, "Location", location), nil
	}
}

// texts is all that was recorded.
func (b *bench) texts(t testing.TB) string {
	var all strings.Builder
	for _, span := range b.spans.GetSpans() {
		fmt.Fprintf(&all, "%s %s %v %v %v\n", span.Name, span.Status.Description, values(span.Attributes), span.SpanContext.TraceState(), span.Links)
		for _, event := range span.Events {
			fmt.Fprintln(&all, event.Name, values(event.Attributes))
		}
	}
	var points metricdata.ResourceMetrics
	require.NoError(t, b.reader.Collect(t.Context(), &points))
	for _, p := range b.points(t) {
		fmt.Fprintln(&all, values(p.Attributes.ToSlice()))
		for _, e := range p.Exemplars {
			fmt.Fprintln(&all, values(e.FilteredAttributes))
		}
	}
	require.Contains(t, all.String(), "/{tenant}/login")
	return all.String()
}
