package crest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The examples of RFC 7616, section 3.9 (3.9.2 as its erratum 4897 has it), RFC 2617, section 3.5, and RFC 2069 (with its erratum 749). What
// no document shows was computed by another program from the formulas of RFC 7616, section 3.4.
func TestDigestAnswers(t *testing.T) {
	mufasa := digestAnswer{
		user: "Mufasa", password: "Circle of Life", method: "GET", uri: "/dir/index.html",
		clientNonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", count: 1,
	}
	asked := func(algorithm, qop string) challenge {
		return challenge{
			realm: "http-auth@example.org", nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
			opaque: "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", algorithm: algorithm, qop: qop,
		}
	}
	later, posted, signed := mufasa, mufasa, mufasa
	later.count = 0x1f
	posted.method = "POST"
	signed.method = "POST"
	old := digestAnswer{user: "Mufasa", password: "Circle Of Life", method: "GET", uri: "/dir/index.html", clientNonce: "0a4f113b", count: 1}
	oldest := digestAnswer{user: "Mufasa", password: "CircleOfLife", method: "GET", uri: "/dir/index.html"}
	oldChallenge := challenge{realm: "testrealm@host.com", nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093"}
	oldWithQop := oldChallenge
	oldWithQop.qop = "auth"
	for name, tt := range map[string]struct {
		asked  challenge
		answer digestAnswer
		body   string
		want   string
	}{
		"RFC 7616 MD5":         {asked("MD5", "auth"), mufasa, "", "8ca523f5e9506fed4657c9700eebdbec"},
		"RFC 7616 SHA-256":     {asked("SHA-256", "auth"), mufasa, "", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
		"lower case":           {asked("sha-256", "auth"), mufasa, "", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
		"no algorithm":         {asked("", "auth"), mufasa, "", "8ca523f5e9506fed4657c9700eebdbec"},
		"31st":                 {asked("MD5", "auth"), later, "", "b73d3a33f555d3e92224325b96a4020c"},
		"SHA-512-256":          {asked("SHA-512-256", "auth"), mufasa, "", "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0"},
		"MD5-sess":             {asked("MD5-sess", "auth"), mufasa, "", "e783283f46242139c486a698fec7211d"},
		"SHA-256-sess":         {asked("SHA-256-sess", "auth"), mufasa, "", "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7"},
		"-sess without qop":    {asked("MD5-sess", ""), mufasa, "", "37a7f42db2090a3fcac4e26e747d4fc8"},
		"auth-int":             {asked("SHA-256", "auth-int"), posted, "hello", "c98b95dbdb463c4483e324bced57d591946a6f84098142757b1333c52c47d62e"},
		"-sess, auth-int":      {asked("SHA-512-256-sess", "auth-int"), signed, "hello", "6188aa2d1c4d7adbdd32cdee6db3f0f8c107c0e7a45887aecb01647b05eda860"},
		"RFC 2617":             {oldWithQop, old, "", "6629fae49393a05397450978507c4ef1"},
		"RFC 2069, no qop":     {oldChallenge, oldest, "", "1949323746fe6a43ef61f9606e7febea"},
		"RFC 7616 SHA-512-256": {jason, jasonsAnswer, "", "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.body != "" {
				tt.answer.body = tt.asked.sum(tt.body)
			}
			got := parseChallenges([]string{tt.asked.answer(&tt.answer)})
			require.Len(t, got, 1)
			require.Equal(t, tt.want, got[0].params["response"])
		})
	}
}

var (
	jason = challenge{
		realm: "api@example.org", nonce: "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque: "HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS",
		algorithm: "SHA-512-256", qop: "auth", userhash: true, utf8: true,
	}
	jasonsAnswer = digestAnswer{
		user: "Jäsøn Doe", password: "Secret, or not?", method: "GET", uri: "/doe.json",
		clientNonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", count: 1,
	}
)

// How a user's name stands in the answer: RFC 7616, sections 3.4 and 3.4.4.
func TestDigestUserNames(t *testing.T) {
	plain := jason
	plain.userhash = false
	noCharset := plain
	noCharset.utf8 = false
	for name, tt := range map[string]struct {
		asked      challenge
		user, want string
	}{
		"hashed":                {jason, "Jäsøn Doe", `Digest username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", `},
		"RFC 8187":              {plain, "Jäsøn Doe", `Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, `},
		"ASCII with space":      {plain, "Jason Doe", `Digest username="Jason Doe", `},
		"no charset":            {noCharset, "Jäsøn Doe", `Digest username="Jäsøn Doe", `},
		"quote and backslash":   {noCharset, `J"s\n`, `Digest username="J\"s\\n", `},
		"empty":                 {plain, "", `Digest username="", `},
		"what RFC 8187 escapes": {plain, "ä'()*%+", `Digest username*=UTF-8''%C3%A4%27%28%29%2A%25%2B, `},
	} {
		t.Run(name, func(t *testing.T) {
			answer := jasonsAnswer
			answer.user = tt.user
			got := tt.asked.answer(&answer)
			require.Contains(t, got, tt.want)
			require.Equal(t, tt.asked.userhash, parseChallenges([]string{got})[0].params["userhash"] == "true")
		})
	}
}

// What stands in an answer, and in which form: algorithm, nc and userhash are tokens, the rest is quoted.
func TestDigestAnswerForm(t *testing.T) {
	require.Equal(t, `Digest username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", realm="api@example.org", `+
		`nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", uri="/doe.json", `+
		`response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5", algorithm=SHA-512-256, `+
		`opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", qop="auth", nc=00000001, cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", `+
		`userhash=true`, jason.answer(&jasonsAnswer))

	bare := challenge{realm: "r", nonce: "n"}
	for _, absent := range []string{"qop", "nc=", "cnonce", "opaque", "algorithm", "userhash"} {
		require.NotContains(t, bare.answer(&jasonsAnswer), absent)
	}
	require.Contains(t, (&challenge{nonce: "n", algorithm: "MD5-sess"}).answer(&jasonsAnswer), "cnonce=", "the server needs it for the session's key")
}

func TestStrongestChallenge(t *testing.T) {
	for name, tt := range map[string]struct {
		lines []string
		want  *challenge
		stale bool
	}{
		"none":                 {nil, nil, false},
		"Basic alone":          {[]string{`Basic realm="r"`}, nil, false},
		"one":                  {[]string{`Digest realm="r", nonce="n"`}, &challenge{realm: "r", nonce: "n"}, false},
		"several lines":        {[]string{`Digest nonce="a", algorithm=MD5`, `Basic realm="x"`, `Digest nonce="b", algorithm=SHA-256`}, &challenge{nonce: "b", algorithm: "SHA-256"}, false},
		"one line":             {[]string{`Basic realm="a, Digest nonce=\"x\"", Digest nonce="b", Digest nonce="c", algorithm=SHA-256-sess`}, &challenge{nonce: "c", algorithm: "SHA-256-sess"}, false},
		"weaker is last":       {[]string{`Digest nonce="c", algorithm=SHA-512-256`, `Digest nonce="b", algorithm=MD5, stale=true`}, &challenge{nonce: "c", algorithm: "SHA-512-256"}, false},
		"first of equals":      {[]string{`Digest nonce="a"`, `Digest nonce="b"`}, &challenge{nonce: "a"}, false},
		"unknown algorithm":    {[]string{`Digest nonce="a", algorithm=TOKEN`, `Digest nonce="b", algorithm=SHA-1`}, nil, false},
		"no algorithm name":    {[]string{`Digest nonce="a", algorithm="-sess"`}, nil, false},
		"algorithm in Unicode": {[]string{`Digest nonce="a", algorithm="MD5-ſeſſ"`}, nil, false},
		"no nonce":             {[]string{`Digest realm="r"`}, nil, false},
		"both qops":            {[]string{`Digest nonce="a", qop="auth-int, auth"`}, &challenge{nonce: "a", qop: "auth"}, false},
		"auth-int alone":       {[]string{`Digest nonce="a", qop=auth-int`}, &challenge{nonce: "a", qop: "auth-int"}, false},
		"unknown qop":          {[]string{`Digest nonce="a", qop="auth-conf"`}, nil, false},
		"all of it": {
			[]string{`dIgEsT Realm="a \"b\" c", NONCE = "n,n", opaque="o" , qop="AUTH", algorithm="SHA-256", stale=TRUE, userhash=true, charset=utf-8, domain="/x /y"`},
			&challenge{realm: `a "b" c`, nonce: "n,n", opaque: "o", qop: "auth", algorithm: "SHA-256", userhash: true, utf8: true}, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, stale := strongest(parseChallenges(tt.lines))
			require.Equal(t, tt.want, got)
			require.Equal(t, tt.stale, stale)
		})
	}
}
