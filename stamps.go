package crest

// stamps are the moments at which units of a limit were sent, oldest first: a ring that grows as it is needed.
type stamps struct {
	at    []int64
	first int
	n     int
}

// smallestRing is what the first stamp makes room for.
const smallestRing = 16

// push adds cost units sent now, which is no earlier than any before. The ring never holds more than limit units.
func (s *stamps) push(now int64, cost, limit int) {
	if s.n+cost > len(s.at) {
		s.grow(min(max(2*len(s.at), s.n+cost, smallestRing), max(limit, s.n+cost)))
	}
	i := s.index(s.n)
	for range cost {
		s.at[i] = now
		if i++; i == len(s.at) {
			i = 0
		}
	}
	s.n += cost
}

func (s *stamps) grow(size int) {
	bigger := make([]int64, size)
	k := copy(bigger, s.at[s.first:])
	copy(bigger[k:], s.at[:s.first])
	s.at, s.first = bigger, 0
}

// oldest returns the k-th oldest stamp, counted from 1.
func (s *stamps) oldest(k int) int64 { return s.at[s.index(k-1)] }

func (s *stamps) index(k int) int {
	if k += s.first; k >= len(s.at) {
		k -= len(s.at)
	}
	return k
}

// expire forgets what was sent at end or before.
func (s *stamps) expire(end int64) {
	for s.n > 0 && s.at[s.first] <= end {
		s.n--
		if s.first++; s.first == len(s.at) {
			s.first = 0
		}
	}
}
