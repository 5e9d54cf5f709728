package crest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// R19: what the environment says, for each client as it is when the client is made.
func TestR19EnvironmentProxies(t *testing.T) {
	const no = ""
	for name, tt := range map[string]struct {
		env  map[string]string
		want map[string]string // URL → proxy
	}{
		"none": {nil, map[string]string{"http://a.test": no, "https://a.test": no}},
		"by scheme": {map[string]string{"HTTP_PROXY": "http://one:1", "HTTPS_PROXY": "http://two:2"},
			map[string]string{"http://a.test": "http://one:1", "https://a.test": "http://two:2"}},
		"lower case wins": {map[string]string{"HTTP_PROXY": "http://one:1", "http_proxy": "http://two:2"},
			map[string]string{"http://a.test": "http://two:2", "https://a.test": no}},
		"ALL_PROXY fills the gap": {map[string]string{"HTTP_PROXY": "http://one:1", "ALL_PROXY": "socks5://two:2"},
			map[string]string{"http://a.test": "http://one:1", "https://a.test": "socks5://two:2"}},
		"all_proxy": {map[string]string{"all_proxy": "one:1"}, map[string]string{"http://a.test": "http://one:1", "https://a.test": "http://one:1"}},
		"without a scheme": {map[string]string{"HTTP_PROXY": "one:1", "HTTPS_PROXY": "//two"},
			map[string]string{"http://a.test": "http://one:1", "https://a.test": "http://two"}},
		"CGI": {map[string]string{"HTTP_PROXY": "http://attacker:1", "HTTPS_PROXY": "http://two:2", "REQUEST_METHOD": "GET"},
			map[string]string{"http://a.test": no, "https://a.test": "http://two:2"}},
		"this machine": {map[string]string{"ALL_PROXY": "http://one:1"}, map[string]string{
			"http://localhost": no, "http://localhost:8080": no, "http://127.0.0.1": no, "http://127.8.9.1:80": no, "http://[::1]:80": no, "http://localhost.test": "http://one:1",
		}},
		"NO_PROXY hosts": {map[string]string{"ALL_PROXY": "http://one:1", "NO_PROXY": "a.test, .b.test,c.test:8080 ,*.d.test"}, map[string]string{
			"http://a.test": no, "http://A.TEST": no, "http://x.a.test": no, "http://xa.test": "http://one:1", "http://a.test.evil": "http://one:1",
			"http://b.test": "http://one:1", "http://x.b.test": no, "http://c.test:8080": no, "http://c.test": "http://one:1", "http://x.c.test:8080": no,
			"http://x.d.test": no, "https://a.test:1234": no,
		}},
		"NO_PROXY addresses": {map[string]string{"ALL_PROXY": "http://one:1", "no_proxy": "10.0.0.0/8,192.0.2.7,192.0.2.8:81,2001:db8::/32,[2001:db9::1]:443"}, map[string]string{
			"http://10.1.2.3": no, "http://11.1.2.3": "http://one:1", "http://192.0.2.7:99": no, "http://192.0.2.70": "http://one:1",
			"http://192.0.2.8": "http://one:1", "http://192.0.2.8:81": no, "http://[2001:db8:1::1]": no, "http://[2001:db7::1]": "http://one:1",
			"https://[2001:db9::1]": no, "http://[2001:db9::1]": "http://one:1",
		}},
		"NO_PROXY everything": {map[string]string{"ALL_PROXY": "http://one:1", "NO_PROXY": "*"}, map[string]string{"http://a.test": no, "https://10.1.1.1": no}},
		"NO_PROXY nothing":    {map[string]string{"ALL_PROXY": "http://one:1", "NO_PROXY": " , ,"}, map[string]string{"http://a.test": "http://one:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			noProxies(t)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			c := newClient(t, "https://api.example.com")
			for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"} {
				t.Setenv(name, "http://changed:9")
			}
			t.Setenv("no_proxy", "")
			t.Setenv("NO_PROXY", "")
			for target, want := range tt.want {
				require.Equal(t, want, proxyOf(t, c, target), target)
			}
			require.Equal(t, "http://changed:9", proxyOf(t, newClient(t, "https://api.example.com"), "https://a.test"), "the next client reads it anew")
		})
	}
}

// proxyOf is the proxy by which a client's own transport would go to target.
func proxyOf(t *testing.T, c crest.Caller, target string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, target, nil)
	require.NoError(t, err)
	u, err := crest.OwnTransport(c).Proxy(req)
	require.NoError(t, err)
	if u == nil {
		return ""
	}
	return u.String()
}

// A value that is no URL is no reason to go without a proxy: the calls that would use it fail, the others do not.
func TestEnvironmentProxyMistakes(t *testing.T) {
	for name, value := range map[string]string{
		"no host": "http://:m4rker", "no URL": "http://user:m4rker@[::1", "one slash": "http:/user:m4rker@x:1", "port": "http://user:m4rker@x:99999",
		"scheme": "socks://user:m4rker@x:1", "blank": " ", "colon": "http://user:m4rker@x:",
	} {
		t.Run(name, func(t *testing.T) {
			noProxies(t)
			t.Setenv("HTTP_PROXY", value)
			t.Setenv("NO_PROXY", "direct.invalid")
			c := newClient(t, "http://api.invalid", crest.WithRetry(crest.Retry{Max: 3}))
			_, err := ping.Call(t.Context(), c, crest.Empty{})
			failed := fails(t, err, crest.ErrTransport, crest.KindProxy, crest.SentNo)
			require.Len(t, failed.Attempts, 1)
			require.NotContains(t, err.Error(), "m4rker")
			_, err = ping.Call(t.Context(), newClient(t, serve(t, reply(204, ""))), crest.Empty{})
			require.NoError(t, err)
			_, err = ping.Call(t.Context(), newClient(t, "http://direct.invalid"), crest.Empty{})
			fails(t, err, crest.ErrTransport, crest.KindDNS, crest.SentNo)
		})
	}
}
