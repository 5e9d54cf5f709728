package bench

import (
	"net/http"

	"github.com/gojek/heimdall/v7/httpclient"
)

// heimdallV7 differs from careless in who sends: heimdall stops at the
// [http.Response] and leaves requests and decoding to its users.
func heimdallV7() Contender {
	return Contender{
		Name:   "heimdall",
		Module: "github.com/gojek/heimdall/v7",
		Note:   "the user writes request and decoding as in careless; it reads a body to its end before it sends it",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			hc := httpclient.NewClient(httpclient.WithHTTPClient(&http.Client{Transport: rt}))
			return (&everyday{base: base, do: hc.Do}).calls(), nil
		},
		Own: ownDefault(func(base string, hc *http.Client) (Calls, error) {
			return (&everyday{base: base, do: httpclient.NewClient(httpclient.WithHTTPClient(hc)).Do}).calls(), nil
		}),
	}
}
