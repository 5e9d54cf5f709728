package crest

import (
	"context"
	"net/http"
	"strings"

	"github.com/crest-go/crest/internal/bind"
)

// challenged answers a 401: with the same request and better credentials, or not at all (nil).
func (c *call) challenged(ctx context.Context, resp *http.Response) (*outgoing, *CallError) {
	at := c.at
	if resp.StatusCode != http.StatusUnauthorized || at.credentials.ticket == nil || c.settings.success.lists(http.StatusUnauthorized) {
		return nil, nil
	}
	better, err := at.credentials.ticket.refused(ctx, c, resp)
	if err != nil {
		return nil, fail(ErrCredentials, "", nested(err))
	}
	if better == nil {
		return nil, nil
	}
	next := *at
	next.credentials.ticket = better
	next.challenges++
	c.challenge = &Hop{at.method, c.shownURL(at.url), resp.StatusCode, resp.Header}
	return &next, nil
}

// repeatable reports whether the newest request can be sent once more.
func (c *call) repeatable() bool { return c.at.body.again() }

// authChallenge is one challenge of a WWW-Authenticate header (RFC 9110, section 11.6.1).
type authChallenge struct {
	scheme string
	params map[string]string // names in lower case
}

// maxChallengeBytes is how long a line of WWW-Authenticate may be.
const maxChallengeBytes = 8 << 10

// parseChallenges reads what it can.
func parseChallenges(lines []string) []authChallenge {
	var list []authChallenge
	for _, line := range lines {
		if len(line) <= maxChallengeBytes {
			list = append(list, parseChallengeLine(line)...)
		}
	}
	return list
}

func parseChallengeLine(s string) (list []authChallenge) {
	for s = skipCommas(s); s != ""; s = skipCommas(s) {
		word, rest := cutToken(s)
		if word == "" {
			return list
		}
		if value, after, ok := cutValue(rest); ok && len(list) > 0 {
			name := strings.ToLower(word)
			if _, twice := list[len(list)-1].params[name]; !twice {
				list[len(list)-1].params[name] = value
			}
			s = after
			continue
		}
		list = append(list, authChallenge{word, map[string]string{}})
		s = skipToken68(rest)
	}
	return list
}

// cutValue reads "=value" after a parameter's name.
func cutValue(s string) (value, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	if !strings.HasPrefix(s, "=") {
		return "", s, false
	}
	s = strings.TrimLeft(s[1:], " \t")
	if !strings.HasPrefix(s, `"`) {
		value, rest = cutToken(s)
		return value, rest, value != ""
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// skipToken68 passes over a scheme's token68, which stands in place of parameters: nothing but a comma can follow it.
func skipToken68(s string) string {
	s = strings.TrimLeft(s, " \t")
	i := 0
	for i < len(s) && (bind.ValidToken(s[i:i+1]) || s[i] == '/') {
		i++
	}
	after := strings.TrimLeft(strings.TrimLeft(s[i:], "="), " \t")
	if after != "" && after[0] != ',' {
		return s // a parameter
	}
	return after
}

func skipCommas(s string) string { return strings.TrimLeft(s, ", \t") }

func cutToken(s string) (token, rest string) {
	i := 0
	for i < len(s) && bind.ValidToken(s[i:i+1]) {
		i++
	}
	return s[:i], s[i:]
}
