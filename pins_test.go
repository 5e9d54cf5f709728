package crest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// R41: pins hang on the callback that crypto/tls calls for resumed sessions too, behind the caller's own, and look at the
// chains that were verified.
func TestPinsCallback(t *testing.T) {
	pinned, other := &x509.Certificate{RawSubjectPublicKeyInfo: []byte("pinned")}, &x509.Certificate{RawSubjectPublicKeyInfo: []byte("other")}
	failed := &PinError{}
	require.ErrorAs(t, checkPins(tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{pinned}}}, nil), &failed)
	pins, err := parsePins([]string{failed.Got[0], pinPrefix + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="})
	require.NoError(t, err)

	refused := errors.New("refused")
	for name, tt := range map[string]struct {
		state  tls.ConnectionState
		own    error
		is     error
		pinned bool
	}{
		"verified":               {tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{other, pinned}}}, nil, nil, true},
		"in the second chain":    {tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{other}, {other, pinned}}}, nil, nil, true},
		"resumed":                {tls.ConnectionState{DidResume: true, VerifiedChains: [][]*x509.Certificate{{other}}}, nil, nil, false},
		"shown only":             {tls.ConnectionState{PeerCertificates: []*x509.Certificate{pinned}, VerifiedChains: [][]*x509.Certificate{{other}}}, nil, nil, false},
		"not verified":           {tls.ConnectionState{PeerCertificates: []*x509.Certificate{pinned}}, nil, nil, false},
		"refused by the caller":  {tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{pinned}}}, refused, refused, false},
		"accepted by the caller": {tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{other}}}, nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := ownTransport{pins: pins, tls: &tls.Config{VerifyConnection: func(tls.ConnectionState) error { return tt.own }}}
			config := o.tlsConfig()
			require.Nil(t, config.VerifyPeerCertificate)
			err := config.VerifyConnection(tt.state)
			switch {
			case tt.pinned:
				require.NoError(t, err)
			case tt.is != nil:
				require.ErrorIs(t, err, tt.is)
			default:
				require.ErrorAs(t, err, &failed)
			}
		})
	}
}
