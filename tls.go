package crest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
)

// sessionTickets is how many servers a client remembers for TLS resumption.
const sessionTickets = 64

// WithTLS sets up TLS in crest's own transport: roots (RootCAs), client certificates (Certificates), versions, VerifyConnection.
// It is for the whole client, with an https proxy included, and never for one call: connections are shared. The configuration
// is copied; the client remembers sessions in a cache of its own, whatever ClientSessionCache says, so that no other client
// resumes a connection that was checked by other rules. nil is the default: the system's roots and TLS 1.2 or newer.
//
// A version below TLS 1.2 is an error of [New], and so is InsecureSkipVerify, which is [WithoutTLSVerification] here.
// A later WithTLS replaces an earlier one; beside [WithTransport] it is an error.
func WithTLS(config *tls.Config) ClientOption {
	config = copyTLS(config)
	return clientOption(func(s *settings) error {
		if err := checkTLS(config); err != nil {
			return fmt.Errorf("WithTLS: %w", err)
		}
		s.client.own.says("WithTLS")
		s.client.own.tls = config
		return nil
	})
}

// WithoutTLSVerification accepts any certificate from anybody, for tests and for devices that have no other way: everyone on the
// way can read and change what is sent, credentials too. It never comes from the environment, and [New] warns of it once through
// log/slog. VerifyConnection of [WithTLS] is called all the same and may look by itself. Beside [WithPins] or [WithTransport] it
// is an error of New.
func WithoutTLSVerification() ClientOption {
	return clientOption(func(s *settings) error {
		s.client.own.says("WithoutTLSVerification")
		s.client.own.unverified = true
		return nil
	})
}

func checkTLS(config *tls.Config) error {
	if config == nil {
		return nil
	}
	var mistakes []error
	if config.InsecureSkipVerify {
		mistakes = append(mistakes, errors.New("InsecureSkipVerify is set: leave it out and give WithoutTLSVerification, which says what it does"))
	}
	for _, v := range [...]struct {
		name    string
		version uint16
	}{{"MinVersion", config.MinVersion}, {"MaxVersion", config.MaxVersion}} {
		if v.version != 0 && v.version < tls.VersionTLS12 {
			mistakes = append(mistakes, fmt.Errorf("%s is %s, which is broken: TLS 1.2 is the least", v.name, tls.VersionName(v.version)))
		}
	}
	return errors.Join(mistakes...)
}

// copyTLS copies what Clone shares.
func copyTLS(config *tls.Config) *tls.Config {
	if config == nil {
		return nil
	}
	c := config.Clone()
	if c.RootCAs != nil {
		c.RootCAs = c.RootCAs.Clone()
	}
	c.Certificates = slices.Clone(c.Certificates)
	for i := range c.Certificates {
		c.Certificates[i].Certificate = slices.Clone(c.Certificates[i].Certificate)
	}
	c.NextProtos = slices.Clone(c.NextProtos)
	c.CipherSuites = slices.Clone(c.CipherSuites)
	c.CurvePreferences = slices.Clone(c.CurvePreferences)
	return c
}

// tlsConfig is the configuration of one client's transport.
func (o *ownTransport) tlsConfig() *tls.Config {
	c := copyTLS(o.tls)
	if c == nil {
		c = &tls.Config{}
	}
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	c.ClientSessionCache = tls.NewLRUClientSessionCache(sessionTickets)
	c.InsecureSkipVerify = o.unverified
	if len(o.pins) > 0 {
		c.VerifyConnection = alsoPinned(c.VerifyConnection, o.pins)
	}
	return c
}

// warn says once for each client that nothing is verified.
func (o *ownTransport) warn(base *url.URL) {
	if o.unverified {
		slog.Warn("crest: certificates are not verified (WithoutTLSVerification): everyone on the way can read and change what is sent", "host", base.Host)
	}
}
