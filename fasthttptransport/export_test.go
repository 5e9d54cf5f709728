package fasthttptransport

// Hosts is how many pools the transport has.
func (t *Transport) Hosts() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.hosts)
}
