package crest

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// WithDigest answers challenges of HTTP Digest authentication (RFC 7616): MD5, SHA-256, SHA-512-256 and SHA-512, each also as -sess, with qop
// auth, auth-int or none, of several challenges the strongest. The first request of a client goes out without credentials, those after an answered challenge with
// them; the request that answers a challenge takes a slot of its own. A body has to be one that can be sent twice. The scheme proves who sends, it hides
// nothing: over plain http it is refused as any credential.
func WithDigest(user string, password Secret) Option {
	d := &digest{user: user, password: password, known: map[origin]*challenge{}}
	return anyOption(func(s *settings) error {
		if strings.Contains(user, ":") {
			return errors.New("WithDigest: the user holds a colon, which would end it")
		}
		s.auth = &authorization{d, s.level}
		return nil
	})
}

// digest is the scheme, with the challenges that were answered.
type digest struct {
	user     string
	password Secret

	mu    sync.Mutex
	known map[origin]*challenge
}

// maxDigestOrigins bounds how many challenges are remembered.
const maxDigestOrigins = 64

func (d *digest) obtain(context.Context) (ticket, error) {
	return &digestTicket{digest: d, early: true}, nil
}

// digestTicket answers the challenge that it was made for, or one that was answered before.
type digestTicket struct {
	digest *digest
	answer *challenge // nil before there is one
	early  bool       // an older challenge of the origin may be answered at once
}

// redirected begins anew: the other place has a challenge of its own.
func (t *digestTicket) redirected() ticket { return &digestTicket{digest: t.digest} }

func (t *digestTicket) authorize(req *http.Request) error {
	c := t.answer
	if c == nil && t.early {
		t.digest.mu.Lock()
		c = t.digest.known[originOf(req.URL)]
		t.digest.mu.Unlock()
	}
	if c == nil {
		return nil
	}
	value, err := c.authorization(t.digest.user, t.digest.password.Reveal(), req)
	if err == nil {
		req.Header.Set("Authorization", value)
	}
	return err
}

// refused takes up the strongest challenge. Answered once it is not answered again, unless the server says that only its nonce has aged.
func (t *digestTicket) refused(_ context.Context, resp *http.Response) (ticket, error) {
	c := strongest(parseChallenges(resp.Header["Www-Authenticate"]))
	if c == nil || t.answer != nil && !c.stale {
		return nil, nil
	}
	t.digest.remember(originOf(resp.Request.URL), c)
	return &digestTicket{digest: t.digest, answer: c}, nil
}

func (d *digest) remember(o origin, c *challenge) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.known) >= maxDigestOrigins {
		clear(d.known)
	}
	d.known[o] = c
}

// challenge is what a server asks for, and how often it was answered.
type challenge struct {
	realm, nonce, opaque string
	algorithm            string // as the server wrote it
	qop                  string // auth, auth-int or ""
	userhash, stale      bool
	utf8                 bool

	mu    sync.Mutex
	count uint32
}

// digestHashes are the known algorithms, the stronger the higher.
var digestHashes = []struct {
	name string
	make func() hash.Hash
}{{"MD5", md5.New}, {"SHA-256", sha256.New}, {"SHA-512-256", sha512.New512_256}, {"SHA-512", sha512.New}}

// algorithm splits off -sess and finds the strength, -1 for an unknown one.
func digestAlgorithm(name string) (strength int, session bool) {
	upper := strings.ToUpper(name)
	base, session := strings.CutSuffix(upper, "-SESS")
	if base == "" {
		base = "MD5"
	}
	for i, h := range digestHashes {
		if h.name == base {
			return i, session
		}
	}
	return -1, session
}

// strongest picks the Digest challenge with the best algorithm among those that can be answered.
func strongest(list []authChallenge) *challenge {
	var best *challenge
	bestStrength := -1
	for _, offered := range list {
		if !strings.EqualFold(offered.scheme, "Digest") || offered.params["nonce"] == "" {
			continue
		}
		p := offered.params
		strength, _ := digestAlgorithm(p["algorithm"])
		qop, ok := chooseQop(p["qop"])
		if !ok || strength <= bestStrength {
			continue
		}
		bestStrength = strength
		best = &challenge{
			realm: p["realm"], nonce: p["nonce"], opaque: p["opaque"], algorithm: p["algorithm"], qop: qop,
			userhash: strings.EqualFold(p["userhash"], "true"), stale: strings.EqualFold(p["stale"], "true"), utf8: strings.EqualFold(p["charset"], "UTF-8"),
		}
	}
	return best
}

func chooseQop(offered string) (qop string, ok bool) {
	if offered == "" {
		return "", true
	}
	var list []string
	for q := range strings.SplitSeq(offered, ",") {
		list = append(list, strings.ToLower(strings.TrimSpace(q)))
	}
	for _, q := range []string{"auth", "auth-int"} {
		if slices.Contains(list, q) {
			return q, true
		}
	}
	return "", false
}

// authorization answers the challenge for one request.
func (c *challenge) authorization(user, password string, req *http.Request) (string, error) {
	strength, session := digestAlgorithm(c.algorithm)
	sum := func(text string) string {
		h := digestHashes[strength].make()
		_, _ = io.WriteString(h, text)
		return hex.EncodeToString(h.Sum(nil))
	}
	body, err := c.bodySum(req, digestHashes[strength].make())
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.count++
	count := fmt.Sprintf("%08x", c.count)
	c.mu.Unlock()
	uri, clientNonce := req.URL.RequestURI(), rand.Text()
	secret := sum(user + ":" + c.realm + ":" + password)
	if session {
		secret = sum(secret + ":" + c.nonce + ":" + clientNonce)
	}
	what := req.Method + ":" + uri
	if c.qop == "auth-int" {
		what += ":" + body
	}
	proof := sum(secret + ":" + c.nonce + ":" + sum(what))
	if c.qop != "" {
		proof = sum(strings.Join([]string{secret, c.nonce, count, clientNonce, c.qop, sum(what)}, ":"))
	}
	return c.write(user, sum(user+":"+c.realm), uri, proof, count, clientNonce), nil
}

// bodySum is the hash of the body, which auth-int signs.
func (c *challenge) bodySum(req *http.Request, h hash.Hash) (string, error) {
	if c.qop != "auth-int" {
		return "", nil
	}
	if req.Body != nil && req.Body != http.NoBody {
		if req.GetBody == nil {
			return "", errors.New("the server wants the body signed (qop auth-int), and it cannot be read twice")
		}
		body, err := req.GetBody()
		if err != nil {
			return "", err
		}
		defer body.Close()
		if _, err := io.Copy(h, body); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (c *challenge) write(user, hashed, uri, proof, count, clientNonce string) string {
	name := "username=" + quoted(user)
	switch {
	case c.userhash:
		name = "username=" + quoted(hashed)
	case c.utf8 && !printableASCII(user):
		name = "username*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(user), "+", "%20")
	}
	parts := []string{name, "realm=" + quoted(c.realm), "nonce=" + quoted(c.nonce), "uri=" + quoted(uri), "response=" + quoted(proof)}
	if c.algorithm != "" {
		parts = append(parts, "algorithm="+c.algorithm)
	}
	if c.opaque != "" {
		parts = append(parts, "opaque="+quoted(c.opaque))
	}
	if c.qop != "" {
		parts = append(parts, "qop="+quoted(c.qop), "nc="+count, "cnonce="+quoted(clientNonce))
	}
	if c.userhash {
		parts = append(parts, "userhash=true")
	}
	return "Digest " + strings.Join(parts, ", ")
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
