//go:build !unix

package fasthttptransport

import "net"

// probe is not there: every connection at rest is watched.
type probe struct{}

func newProbe(net.Conn) *probe { return nil }

func (*probe) isQuiet() bool { return false }
