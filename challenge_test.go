package crest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseChallenges(t *testing.T) {
	type params = map[string]string
	for name, tt := range map[string]struct {
		line string
		want []authChallenge
	}{
		"empty":              {"", nil},
		"commas":             {" , ,, ", nil},
		"scheme alone":       {"Negotiate", []authChallenge{{"Negotiate", params{}}}},
		"two schemes":        {"Negotiate, NTLM", []authChallenge{{"Negotiate", params{}}, {"NTLM", params{}}}},
		"token68":            {"Negotiate oY/G+a==, Basic realm=x", []authChallenge{{"Negotiate", params{}}, {"Basic", params{"realm": "x"}}}},
		"token68, a word":    {"NTLM TlRM=, Basic realm=x", []authChallenge{{"NTLM", params{}}, {"Basic", params{"realm": "x"}}}},
		"token and quoted":   {`Basic realm="a b", charset=UTF-8`, []authChallenge{{"Basic", params{"realm": "a b", "charset": "UTF-8"}}}},
		"comma in quotes":    {`Basic realm="a, Digest b", x=y`, []authChallenge{{"Basic", params{"realm": "a, Digest b", "x": "y"}}}},
		"escapes":            {`Basic realm="\"\\\a"`, []authChallenge{{"Basic", params{"realm": `"\a`}}}},
		"empty value":        {`Basic realm=""`, []authChallenge{{"Basic", params{"realm": ""}}}},
		"spaces":             {"Basic \t realm \t=\t \"x\" \t,\t y = z", []authChallenge{{"Basic", params{"realm": "x", "y": "z"}}}},
		"space after equals": {`Basic realm= "x"`, []authChallenge{{"Basic", params{"realm": "x"}}}},
		"case of names":      {"Basic ReALM=X", []authChallenge{{"Basic", params{"realm": "X"}}}},
		"twice":              {"Basic realm=a, realm=b", []authChallenge{{"Basic", params{"realm": "a"}}}},
		"of two":             {"Basic realm=a, Digest realm=b, nonce=c", []authChallenge{{"Basic", params{"realm": "a"}}, {"Digest", params{"realm": "b", "nonce": "c"}}}},
		"no commas":          {`Bearer realm="a" error="b"`, []authChallenge{{"Bearer", params{"realm": "a", "error": "b"}}}},
		"quote not closed":   {`Basic realm=a, nonce="b`, []authChallenge{{"Basic", params{"realm": "a"}}, {"nonce", params{}}}},
		"escape at the end":  {`Basic nonce="b\`, []authChallenge{{"Basic", params{}}, {"nonce", params{}}}},
		"parameter first":    {`realm="x", Basic y=z`, []authChallenge{{"realm", params{}}}},
		"no token":           {"Basic realm=a, (x)", []authChallenge{{"Basic", params{"realm": "a"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, parseChallenges([]string{tt.line}))
		})
	}
}

func TestChallengeBound(t *testing.T) {
	line := func(n int) string { return `Basic realm="` + strings.Repeat("x", n-len(`Basic realm=""`)) + `"` }
	require.Len(t, parseChallenges([]string{line(maxChallengeBytes), "Digest nonce=x"}), 2)
	require.Len(t, parseChallenges([]string{line(maxChallengeBytes + 1), "Digest nonce=x"}), 1, "a longer line is passed over")
}

// Whatever a server writes: no panic, and no more comes out than went in.
func FuzzChallenges(f *testing.F) {
	for _, seed := range []string{
		`Digest realm="r", nonce="n", qop="auth, auth-int", algorithm=SHA-256, Basic realm="x"`, `Negotiate oY/G+a==, NTLM`, `a="\`, `,,=,`, "Basic \x00",
		`Digest nonce="\x`, `Digest nonce = n , stale=true`, strings.Repeat("a ", 99), strings.Repeat(`a="`, 99),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		size := 0
		for _, c := range parseChallenges([]string{line}) {
			require.NotEmpty(t, c.scheme)
			size += len(c.scheme)
			for name, value := range c.params {
				require.Equal(t, strings.ToLower(name), name)
				size += len(name) + len(value)
			}
		}
		require.LessOrEqual(t, size, len(line))
		if asked, _ := strongest(parseChallenges([]string{line})); asked != nil {
			require.NotEmpty(t, asked.nonce)
			require.NotEmpty(t, asked.answer(&digestAnswer{}))
		}
	})
}
