package crest

import (
	"crypto/tls"
	"crypto/x509"
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
// resumes a connection that was checked by other rules. Client certificates say who calls: they are shown to the client's own origin, and to an
// https proxy, and to nobody that a redirect or [WithURL] leads to. nil is the default: the system's roots and TLS 1.2 or newer.
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
	guardHooks(c)
	return c
}

// guardHooks makes an error of a panic in the caller's functions: they are called by goroutines of net/http's, where nobody could recover it.
func guardHooks(c *tls.Config) {
	if verify := c.VerifyConnection; verify != nil {
		c.VerifyConnection = func(state tls.ConnectionState) (err error) {
			defer hookPanicked("VerifyConnection", &err)
			return verify(state)
		}
	}
	if verify := c.VerifyPeerCertificate; verify != nil {
		c.VerifyPeerCertificate = func(raw [][]byte, chains [][]*x509.Certificate) (err error) {
			defer hookPanicked("VerifyPeerCertificate", &err)
			return verify(raw, chains)
		}
	}
	if choose := c.GetClientCertificate; choose != nil {
		c.GetClientCertificate = func(info *tls.CertificateRequestInfo) (cert *tls.Certificate, err error) {
			defer hookPanicked("GetClientCertificate", &err)
			if cert, err = choose(info); cert == nil && err == nil {
				err = errors.New("GetClientCertificate of WithTLS returned neither a certificate nor an error: an empty tls.Certificate sends none")
			}
			return cert, err
		}
	}
}

// hookPanicked is for defer.
func hookPanicked(hook string, err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("%s of WithTLS panicked: %v", hook, v)
	}
}

// warn says once for each client that nothing is verified.
func (o *ownTransport) warn(base *url.URL) {
	if o.unverified {
		slog.Warn("crest: certificates are not verified (WithoutTLSVerification): everyone on the way can read and change what is sent", "host", base.Host)
	}
}
