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
	"sync/atomic"

	"github.com/crest-go/crest/internal/bind"
)

// WithDigest answers challenges of HTTP Digest authentication (RFC 7616): MD5, SHA-256, SHA-512-256 and SHA-512, each also as -sess, with qop
// auth, auth-int or none, of several challenges the strongest. The first request of a client goes out without credentials, those after an answered
// challenge with them. The request that answers a challenge takes a slot of its own; a refused answer is not repeated, unless the server says that
// its nonce is stale. The body has to be one that can be sent twice (everything but an io.Reader that cannot seek, which is ErrRequest), and for auth-int
// bytes or a function. The scheme proves who sends, it hides nothing: over plain http it is refused as any credential.
// It is for servers: to a proxy it is spoken with what the proxy's URL says ([WithProxy]).
func WithDigest(user string, password Secret) Option {
	d := newDigest(user, password)
	return anyOption(func(s *settings) error {
		if err := checkUser("WithDigest", user); err != nil {
			return err
		}
		s.auth = &authorization{d, s.level}
		return nil
	})
}

// digest is the scheme, with the challenges that were answered.
type digest struct {
	user     string
	password Secret

	mu       sync.Mutex
	latest   map[origin]*digestSession // what the next requests answer unasked
	sessions map[digestPlace]*digestSession
}

func newDigest(user string, password Secret) *digest {
	return &digest{user: user, password: password, latest: map[origin]*digestSession{}, sessions: map[digestPlace]*digestSession{}}
}

// maxDigestSessions bounds how many challenges are remembered.
const maxDigestSessions = 256

// digestPlace tells sessions apart.
type digestPlace struct {
	origin    origin
	challenge challenge
}

// challenge is what a server asks for.
type challenge struct {
	realm, nonce, opaque string
	algorithm            string // as the server wrote it
	qop                  string // auth, auth-int or ""
	userhash, utf8       bool
}

// digestSession is a challenge that is being answered. All requests that answer it share the count, so that none is sent twice with one nonce.
type digestSession struct {
	challenge
	count       atomic.Uint32
	clientNonce string // of -sess, whose key is made with the first one; "" for a new one each time
}

func (d *digest) obtain(context.Context) (ticket, error) {
	return &digestTicket{digest: d, early: true}, nil
}

// begin returns the session of a challenge, the one that is there if it was met before: requests that are sent
// at the same time can all get the same nonce.
func (d *digest) begin(o origin, c *challenge) *digestSession {
	d.mu.Lock()
	defer d.mu.Unlock()
	place := digestPlace{o, *c}
	s := d.sessions[place]
	if s == nil {
		if len(d.sessions) >= maxDigestSessions {
			clear(d.sessions)
			clear(d.latest)
		}
		s = &digestSession{challenge: *c}
		if _, session := digestAlgorithm(c.algorithm); session {
			s.clientNonce = rand.Text()
		}
		d.sessions[place] = s
	}
	d.latest[o] = s
	return s
}

// end forgets a session whose answer was refused: user or password are wrong, and every answer may count against the account.
func (d *digest) end(o origin, s *digestSession) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.latest[o] == s {
		delete(d.latest, o)
	}
}

// current is the session that is answered unasked; nil for none.
func (d *digest) current(o origin) *digestSession {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.latest[o]
}

// digestTicket answers the challenge that it was made for, or one that was answered before.
type digestTicket struct {
	digest  *digest
	session *digestSession // nil before there is one
	early   bool           // an older challenge of the origin may be answered at once
}

// redirected begins anew: the other place has a challenge of its own.
func (t *digestTicket) redirected() ticket { return &digestTicket{digest: t.digest} }

func (t *digestTicket) authorize(req *http.Request) error {
	s := t.session
	if s == nil && t.early {
		s = t.digest.current(originOf(req.URL))
	}
	if s == nil {
		return nil
	}
	value, err := s.authorization(t.digest, req.URL.RequestURI(), req)
	if err == nil {
		req.Header.Set("Authorization", value)
	}
	return err
}

func (t *digestTicket) refused(_ context.Context, c *call, resp *http.Response) (ticket, error) {
	if !c.repeatable() || c.at.challenges == maxDigestAnswers {
		return nil, nil
	}
	if s := t.digest.take(originOf(c.at.url), t.session, resp.Header["Www-Authenticate"]); s != nil {
		return &digestTicket{digest: t.digest, session: s}, nil
	}
	return nil, nil
}

// take takes up the strongest challenge. Where one was answered it is nil, unless the server says that only its nonce has aged.
func (d *digest) take(o origin, answered *digestSession, lines []string) *digestSession {
	asked, stale := strongest(parseChallenges(lines))
	switch {
	case answered != nil && !stale:
		d.end(o, answered)
		return nil
	case asked == nil:
		return nil
	}
	return d.begin(o, asked)
}

// maxDigestAnswers is how often the challenges of one request are answered: once, and once more when a nonce has aged.
const maxDigestAnswers = 2

// digestHashes are the known algorithms, the stronger the higher.
var digestHashes = []struct {
	name string
	make func() hash.Hash
}{{"MD5", md5.New}, {"SHA-256", sha256.New}, {"SHA-512-256", sha512.New512_256}, {"SHA-512", sha512.New}}

// digestAlgorithm splits off -sess and finds the strength, -1 for an unknown one.
func digestAlgorithm(name string) (strength int, session bool) {
	if name != "" && !bind.ValidToken(name) {
		return -1, false
	}
	upper := strings.ToUpper(name)
	base, session := strings.CutSuffix(upper, "-SESS")
	if name == "" {
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
func strongest(list []authChallenge) (best *challenge, stale bool) {
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
		bestStrength, stale = strength, strings.EqualFold(p["stale"], "true")
		best = &challenge{
			realm: p["realm"], nonce: p["nonce"], opaque: p["opaque"], algorithm: p["algorithm"], qop: qop,
			userhash: strings.EqualFold(p["userhash"], "true"), utf8: strings.EqualFold(p["charset"], "UTF-8"),
		}
	}
	return best, stale
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

// authorization answers the challenge for one request; uri is its target as it will be written.
func (s *digestSession) authorization(d *digest, uri string, req *http.Request) (string, error) {
	body, err := s.bodySum(req)
	if err != nil {
		return "", err
	}
	a := digestAnswer{
		user: d.user, password: d.password.Reveal(), method: req.Method, uri: uri, body: body,
		clientNonce: s.clientNonce, count: s.count.Add(1),
	}
	if a.clientNonce == "" {
		a.clientNonce = rand.Text()
	}
	value := s.answer(&a)
	if bind.CheckHeader("Authorization", value) != nil {
		return "", errors.New("the answer to the Digest challenge would hold a character that no header may have")
	}
	return value, nil
}

// hash returns the hash of the challenge's algorithm.
func (c *challenge) hash() hash.Hash {
	strength, _ := digestAlgorithm(c.algorithm)
	return digestHashes[strength].make()
}

// sum hashes the parts with colons between them.
func (c *challenge) sum(parts ...string) string {
	h := c.hash()
	_, _ = io.WriteString(h, strings.Join(parts, ":"))
	return hex.EncodeToString(h.Sum(nil))
}

// bodySum is the hash of the body, which auth-int signs.
func (c *challenge) bodySum(req *http.Request) (string, error) {
	if c.qop != "auth-int" {
		return "", nil
	}
	h := c.hash()
	if req.Body != nil && req.Body != http.NoBody {
		if req.GetBody == nil {
			return "", errors.New("the Digest challenge wants the body signed (qop auth-int): give it as bytes or as a function that opens it")
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

// digestAnswer is what an answer is made of, beside the challenge.
type digestAnswer struct {
	user, password    string
	method, uri, body string // body is its hash
	clientNonce       string
	count             uint32
}

// answer computes and writes the header (RFC 7616, section 3.4; without a qop RFC 2069).
func (c *challenge) answer(a *digestAnswer) string {
	_, session := digestAlgorithm(c.algorithm)
	secret := c.sum(a.user, c.realm, a.password)
	if session {
		secret = c.sum(secret, c.nonce, a.clientNonce)
	}
	what := c.sum(a.method, a.uri)
	if c.qop == "auth-int" {
		what = c.sum(a.method, a.uri, a.body)
	}
	count := fmt.Sprintf("%08x", a.count)
	proof := c.sum(secret, c.nonce, what)
	if c.qop != "" {
		proof = c.sum(secret, c.nonce, count, a.clientNonce, c.qop, what)
	}
	parts := []string{c.userName(a.user), "realm=" + quoted(c.realm), "nonce=" + quoted(c.nonce), "uri=" + quoted(a.uri), "response=" + quoted(proof)}
	if c.algorithm != "" {
		parts = append(parts, "algorithm="+c.algorithm)
	}
	if c.opaque != "" {
		parts = append(parts, "opaque="+quoted(c.opaque))
	}
	if c.qop != "" {
		parts = append(parts, "qop="+quoted(c.qop), "nc="+count) // quoted as servers have long been used to
	}
	if c.qop != "" || session {
		parts = append(parts, "cnonce="+quoted(a.clientNonce))
	}
	if c.userhash {
		parts = append(parts, "userhash=true")
	}
	return "Digest " + strings.Join(parts, ", ")
}

// userName writes the name as the server asked for it: hashed, in RFC 8187's form where it is not ASCII, or as it is.
func (c *challenge) userName(user string) string {
	switch {
	case c.userhash:
		return "username=" + quoted(c.sum(user, c.realm))
	case c.utf8 && !isASCII(user):
		return "username*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(user), "+", "%20")
	}
	return "username=" + quoted(user)
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
