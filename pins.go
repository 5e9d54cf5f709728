package crest

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// pin is the SHA-256 of a public key, as it stands in a certificate (SubjectPublicKeyInfo).
type pin [sha256.Size]byte

const pinPrefix = "sha256/"

func (p pin) String() string { return pinPrefix + base64.StdEncoding.EncodeToString(p[:]) }

func parsePin(text string) (pin, error) {
	rest, ok := strings.CutPrefix(text, pinPrefix)
	if !ok {
		return pin{}, fmt.Errorf("%q does not begin with %s: only SHA-256 is taken", text, pinPrefix)
	}
	sum, err := base64.StdEncoding.DecodeString(rest)
	switch {
	case err != nil:
		return pin{}, fmt.Errorf("%q is not base64 after %s", text, pinPrefix)
	case len(sum) != sha256.Size:
		return pin{}, fmt.Errorf("%q holds %d bytes, a SHA-256 has %d", text, len(sum), sha256.Size)
	}
	return pin(sum), nil
}

// WithPins demands one of these public keys in the verified chain of every TLS connection, beside what verification demands:
// the server's own key, or that of an authority above it. A pin is "sha256/" and the base64 of the SHA-256 of the key
// (SubjectPublicKeyInfo, RFC 7469, section 2.4), which this prints:
//
//	openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
//
// Give two or more, one of them of a key that is kept in reserve: with a single one, a lost key locks every user out. Pins hold for
// each connection of the client, resumed ones, those through a proxy and that to an https proxy included, and for redirects to
// other hosts. A mismatch is [ErrTransport] with [KindPin] and a [*PinError]; nothing was sent, and nothing is tried again.
//
// Fewer than two pins, or one in another form, are errors of [New], and so are pins beside [WithoutTLSVerification] or
// [WithTransport]. A later WithPins replaces an earlier one.
func WithPins(sums ...string) ClientOption {
	sums = slices.Clone(sums)
	return clientOption(func(s *settings) error {
		pins, err := parsePins(sums)
		if err != nil {
			return fmt.Errorf("WithPins: %w", err)
		}
		s.client.own.says("WithPins")
		s.client.own.pins = pins
		return nil
	})
}

func parsePins(sums []string) ([]pin, error) {
	var pins []pin
	var mistakes []error
	for _, text := range sums {
		p, err := parsePin(text)
		if err != nil {
			mistakes = append(mistakes, err)
		} else if !slices.Contains(pins, p) {
			pins = append(pins, p)
		}
	}
	if len(mistakes) == 0 && len(pins) < 2 {
		mistakes = append(mistakes, fmt.Errorf("%d different pins: give two or more, so that a lost key locks nobody out", len(pins)))
	}
	return pins, errors.Join(mistakes...)
}

// pinsNeedVerification: without verification there is no chain, and a pinned certificate that is merely shown proves nothing.
func (o *ownTransport) pinsNeedVerification() error {
	if o.unverified && len(o.pins) > 0 {
		return errors.New("WithPins beside WithoutTLSVerification: pins are looked for in the verified chain, leave one of them out")
	}
	return nil
}

// PinError is found in the error of a call whose server had none of the pinned keys: [WithPins].
type PinError struct {
	Host, Port string   // of the server, or of the https proxy on the way to it
	Expected   []string // the pins of WithPins
	Got        []string // the pins of the verified chain, the server's own first
}

// Error names the place and the pins, which are no secrets.
func (e *PinError) Error() string {
	at := e.Host
	if e.Port != "" {
		at = net.JoinHostPort(e.Host, e.Port)
	}
	return fmt.Sprintf("no pinned key in the verified chain of %s: expected one of %s, got %s",
		at, strings.Join(e.Expected, " "), strings.Join(e.Got, " "))
}

// alsoPinned looks for a pin after whatever the caller's own configuration verifies. crypto/tls calls it on every
// connection; VerifyPeerCertificate it does not call on resumed ones.
func alsoPinned(verify func(tls.ConnectionState) error, pins []pin) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		if verify != nil {
			if err := verify(state); err != nil {
				return err
			}
		}
		return checkPins(state, pins)
	}
}

// checkPins looks into the verified chains alone: a server can show any certificate beside its own.
func checkPins(state tls.ConnectionState, pins []pin) error {
	failed := &PinError{Host: state.ServerName}
	for _, chain := range state.VerifiedChains {
		for _, certificate := range chain {
			got := pin(sha256.Sum256(certificate.RawSubjectPublicKeyInfo))
			if slices.Contains(pins, got) {
				return nil
			}
			if text := got.String(); !slices.Contains(failed.Got, text) {
				failed.Got = append(failed.Got, text)
			}
		}
	}
	for _, p := range pins {
		failed.Expected = append(failed.Expected, p.String())
	}
	return failed
}

func pinKind(err error) Kind {
	if is[*PinError](err) {
		return KindPin
	}
	return ""
}

// locate tells a pin's error where it happened, which crypto/tls does not know.
func (f *flight) locate(err error) error {
	failed, ok := errors.AsType[*PinError](err)
	if !ok || failed.Port != "" {
		return err
	}
	o := originOf(f.asked.URL)
	failed.Host, failed.Port = o.host, o.port
	if toProxy(err) {
		failed.Host, failed.Port, _ = net.SplitHostPort(f.dialled)
	}
	return err
}
