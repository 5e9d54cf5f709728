package crest

import "sort"

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

// drop forgets the k oldest; none if k is less than 1.
func (s *stamps) drop(k int) {
	if k < 1 {
		return
	}
	k = min(k, s.n)
	s.first, s.n = s.index(k), s.n-k
}

// since is how many were sent after a moment.
func (s *stamps) since(at int64) int {
	return s.n - sort.Search(s.n, func(k int) bool { return s.oldest(k+1) > at })
}

// least is a moment, no earlier than from, before which the last of so many more units cannot go if any window of the span
// has room for n: when the n-th unit before it has left the window. Where that one waits itself, it takes whole windows more,
// back to a unit whose time is known, or is now at best.
func (s *stamps) least(now, from, span int64, n, pending int, more int64) int64 {
	known, room := int64(s.n+pending), int64(n)
	over := known + more - room
	windows := max(0, (over-known+room-1)/room)
	over -= windows * room
	at := from
	switch {
	case over > int64(s.n):
		at = max(from, now+span)
	case over > 0:
		at = max(from, s.oldest(int(over))+span)
	}
	return at + times(windows, span)
}

// newest is a copy of the k newest stamps.
func (s *stamps) newest(k int) stamps {
	k = min(k, s.n)
	c := stamps{at: make([]int64, max(k, smallestRing)), n: k}
	for i := range k {
		c.at[i] = s.oldest(s.n - k + 1 + i)
	}
	return c
}
