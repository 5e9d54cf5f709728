package crest

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"time"
)

// put keeps a cookie of a site, or removes the one that it replaces if it has ended. The lock is held.
func (j *Jar) put(site string, k *kept, now time.Time) {
	old := j.sites[site][k.id()]
	if old != nil {
		j.drop(site, old)
	}
	if k.expired(now) {
		return
	}
	k.born, k.used = j.tick(), j.clock
	if old != nil {
		k.born = old.born // a new value does not change the order in which cookies are sent
	}
	if j.sites == nil {
		j.sites = map[string]map[cookieID]*kept{}
	}
	if j.sites[site] == nil {
		j.sites[site] = map[cookieID]*kept{}
	}
	j.sites[site][k.id()] = k
	j.held++
}

// putAll keeps cookies of many sites.
func (j *Jar) putAll(all []*kept, now time.Time) {
	sites := map[string]bool{}
	for _, k := range all {
		site := k.site()
		sites[site] = true
		j.put(site, k, now)
	}
	j.makeRoom(now, slices.Collect(maps.Keys(sites))...)
}

func (j *Jar) tick() uint64 {
	j.clock++
	return j.clock
}

func (j *Jar) drop(site string, k *kept) {
	delete(j.sites[site], k.id())
	j.held--
	if len(j.sites[site]) == 0 {
		delete(j.sites, site)
	}
}

// shielded reports whether a cookie that came over a plain connection must leave a secure one alone.
func (j *Jar) shielded(site string, k *kept, now time.Time) bool {
	for _, other := range j.sites[site] {
		if other.shields(k) && !other.expired(now) {
			return true
		}
	}
	return false
}

// makeRoom brings the jar back within its bounds after cookies of some sites have come (R33). Ended ones go first. No server can drive out
// shared ones, which are bounded where they are set.
func (j *Jar) makeRoom(now time.Time, sites ...string) {
	for _, site := range sites {
		if site != "" && len(j.sites[site]) > maxCookiesPerDomain {
			j.sweep(site, now)
			j.evict(len(j.sites[site])-maxCookiesPerDomain, insecureFirst, site)
		}
	}
	if j.held <= maxCookies {
		return
	}
	var all []string
	for site := range j.sites {
		j.sweep(site, now)
		if site != "" {
			all = append(all, site)
		}
	}
	j.evict(j.held-maxCookies, unusedFirst, all...)
}

// sweep drops what has ended.
func (j *Jar) sweep(site string, now time.Time) {
	for _, k := range j.sites[site] {
		if k.expired(now) {
			j.drop(site, k)
		}
	}
}

// evict drops the first n cookies of some sites in an order.
func (j *Jar) evict(n int, order func(a, b *kept) int, sites ...string) {
	if n <= 0 {
		return
	}
	var all []*kept
	for _, site := range sites {
		all = slices.AppendSeq(all, maps.Values(j.sites[site]))
	}
	slices.SortFunc(all, order)
	for _, k := range all[:min(n, len(all))] {
		j.drop(k.site(), k)
	}
}

func unusedFirst(a, b *kept) int { return cmp.Compare(a.used, b.used) }

func insecureFirst(a, b *kept) int {
	if a.Secure != b.Secure {
		if b.Secure {
			return -1
		}
		return 1
	}
	return unusedFirst(a, b)
}

// match finds what goes to u, in the order of sending; with sending set it counts as a use.
func (j *Jar) match(u *url.URL, sending bool) []*kept {
	to, ok := placeOf(u)
	if !ok {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	found := j.fitting(to.site, to)
	for _, k := range j.fitting("", to) {
		if !slices.ContainsFunc(found, func(own *kept) bool { return own.Name == k.Name }) {
			found = append(found, k)
		}
	}
	if sending {
		now := j.tick()
		for _, k := range found {
			k.used = now
		}
	}
	return found
}

// fitting finds what one part of the jar has for a place, longest path first, then the oldest.
func (j *Jar) fitting(site string, to place) []*kept {
	j.sweep(site, time.Now())
	var found []*kept
	for _, k := range j.sites[site] {
		if k.sentTo(to) {
			found = append(found, k)
		}
	}
	slices.SortFunc(found, func(a, b *kept) int {
		return cmp.Or(cmp.Compare(len(b.Path), len(a.Path)), cmp.Compare(a.born, b.born))
	})
	return found
}

// live lists what has not ended, the oldest first.
func (j *Jar) live() []*kept {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	all := make([]*kept, 0, j.held)
	for site := range j.sites {
		j.sweep(site, now)
		all = slices.AppendSeq(all, maps.Values(j.sites[site]))
	}
	slices.SortFunc(all, func(a, b *kept) int { return cmp.Compare(a.born, b.born) })
	return all
}

// remove drops cookies that live has listed, unless others have replaced them meanwhile.
func (j *Jar) remove(all []*kept) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, k := range all {
		if site := k.site(); j.sites[site][k.id()] == k {
			j.drop(site, k)
		}
	}
}
