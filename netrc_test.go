package crest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a netrc file says. The machines are shown as host:user:password.
func TestParseNetrc(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"empty":                       {"", ""},
		"one line":                    {"machine h login u password p\n", "h:u:p"},
		"no line end":                 {"machine h login u password p", "h:u:p"},
		"several lines":               {"machine h\n\tlogin u\r\n\tpassword p\n", "h:u:p"},
		"password first":              {"machine h password p login u", "h:u:p"},
		"account":                     {"machine h login u account a password p", "h:u:p"},
		"case and dot":                {"machine H.Example. login u password p", "h.example:u:p"},
		"two machines":                {"machine a login u password p\nmachine b login v password q", "a:u:p b:v:q"},
		"the first counts":            {"machine a login u password p\nmachine a login v password q", "a:u:p"},
		"the first complete":          {"machine a login u\nmachine a login v password q", "a:v:q"},
		"default":                     {"default login u password p", ""},
		"after default":               {"default login u password p\nmachine a login v password q", "a:v:q"},
		"default after it":            {"machine a login u default login v password q", ""},
		"no login":                    {"machine a password p", ""},
		"no password":                 {"machine a login u", ""},
		"never merged":                {"machine a login u\nmachine b password p", ""},
		"login is missing":            {"machine a login\nmachine b login v password q", "b:v:q"},
		"value is missing":            {"machine a login password p", ""},
		"nothing after it":            {"machine a login u password", ""},
		"machine alone":               {"machine", ""},
		"machine machine":             {"machine machine a login u password p", "a:u:p"},
		"before a machine":            {"login u password p machine a", ""},
		"quoted":                      {`machine "h" login "a b" password "p \"q\" \\ #r"`, `h:a b:p "q" \ #r`},
		"quoted keyword":              {`machine h login "machine" password "default"`, "h:machine:default"},
		"quoted and empty":            {`machine h login "" password ""`, "h::"},
		"quotes inside":               {`machine h login u"v password p"`, `h:u"v:p"`},
		"a quoted word is no keyword": {`"machine" h login u password p`, ""},
		"comments":                    {"# machine x login u password p\nmachine h # login x\nlogin u # password q\npassword p", "h:u:p"},
		"hash in a value":             {"machine h login #u password #p", "h:#u:#p"},
		"unknown words":               {"machine h port 22 login u protocol https password p", "h:u:p"},
		"macro":                       {"macdef init\nmachine x login u password p\n\nmachine h login u password p", "h:u:p"},
		"macro of a machine":          {"machine h login u password p macdef init\nmachine x login u\n  password p\n \t\nmachine i login u password p", "h:u:p i:u:p"},
		"macro to the end":            {"macdef init\nmachine x login u password p", ""},
		"colon in the login":          {"machine h login u:v password p", ""},
		"colon in password":           {"machine h login u password p:q", "h:u:p:q"},
		"UTF-8":                       {"machine h login имя password пароль", "h:имя:пароль"},
		"no prefix":                   {"machineh login u password p", ""},
	} {
		t.Run(name, func(t *testing.T) {
			machines, err := parseNetrc(tt.text)
			require.NoError(t, err)
			require.Equal(t, tt.want, showNetrc(machines))
		})
	}
}

func showNetrc(machines map[string]*fixedTicket) string {
	var list []string
	for _, host := range slices.Sorted(maps.Keys(machines)) {
		user, password, _ := basicOf(machines[host].value)
		list = append(list, host+":"+user+":"+password)
	}
	return strings.Join(list, " ")
}

func basicOf(authorization string) (user, password string, ok bool) {
	req := &http.Request{Header: http.Header{"Authorization": {authorization}}}
	return req.BasicAuth()
}

func TestNetrcMistakes(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"quote not closed":  {"machine h\nlogin u\n# x\npassword \"s3cr3t\nmachine i", "line 4: a quote is not closed"},
		"at the end":        {`machine "h`, "line 1: a quote is not closed"},
		"escape":            {`machine h login "u\`, "line 1: a quote is not closed"},
		"escaped line end":  {"machine h login \"u\\\n\" password p", "line 1: a quote is not closed"},
		"in a macro's line": {"macdef x\n\"\n\n\n\"", "line 5: a quote is not closed"},
	} {
		t.Run(name, func(t *testing.T) {
			machines, err := parseNetrc(tt.text)
			require.EqualError(t, err, tt.want)
			require.Nil(t, machines)
		})
	}
}

// Whatever stands in the file: no panic, nothing for an empty host, and no password that does not stand in it.
func FuzzNetrc(f *testing.F) {
	for _, seed := range []string{
		"machine h login u password p\n", "default login u password p", `machine "h" login "a \" b" password "\\"`, "macdef x\n\nmachine a # b\n", `"`, "machine machine login",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		machines, err := parseNetrc(text)
		if err != nil {
			require.Nil(t, machines)
			return
		}
		plain := strings.ReplaceAll(text, `\`, "")
		for host, entry := range machines {
			user, password, ok := basicOf(entry.value)
			require.True(t, ok)
			require.NotEmpty(t, host)
			require.NotContains(t, user, ":")
			require.Contains(t, plain, strings.ReplaceAll(user, `\`, ""))
			require.Contains(t, plain, strings.ReplaceAll(password, `\`, ""))
		}
	})
}
