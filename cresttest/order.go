package cresttest

import (
	"cmp"
	"strings"
)

// compareRoutes puts the more particular of two endpoints, such as "GET /pets/{id}", first: the one whose first differing segment is
// more literal, and of those that are alike the one with more constants in its query.
func compareRoutes(a, b string) int {
	a, aQuery := cutRoute(a)
	b, bQuery := cutRoute(b)
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(as), len(bs)) {
		if c := cmp.Compare(looseness(as[i]), looseness(bs[i])); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(len(bs), len(as)); c != 0 {
		return c
	}
	return cmp.Compare(len(bQuery), len(aQuery))
}

// cutRoute cuts an endpoint's name at its query.
func cutRoute(name string) (path, query string) {
	_, path, _ = strings.Cut(name, " ")
	path, query, _ = strings.Cut(path, "?")
	return path, query
}

// looseness is 0 for literal text, 1 for a placeholder with text around it, 2 for one alone, 3 for the rest of a path.
func looseness(segment string) int {
	switch {
	case !strings.Contains(segment, "{"):
		return 0
	case strings.HasSuffix(segment, "...}"):
		return 3
	case strings.HasPrefix(segment, "{") && strings.Index(segment, "}") == len(segment)-1:
		return 2
	}
	return 1
}
