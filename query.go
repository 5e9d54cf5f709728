package crest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/crest-go/crest/internal/bind"
)

// A query is kept as the escaped text that will be sent, so that the order of the declaration stays
// (net/url sorts) and nothing is parsed and written again.

// appendQuery appends one pair.
func appendQuery(query []byte, name, value string) []byte {
	if len(query) > 0 {
		query = append(query, '&')
	}
	query = bind.AppendQueryEscape(query, name)
	query = append(query, '=')
	return bind.AppendQueryEscape(query, value)
}

func appendPair(query, name, value string) string {
	return string(appendQuery([]byte(query), name, value))
}

// hasQuery reports whether a pair with the name is there.
func hasQuery(query []byte, name string) bool {
	escaped := bind.AppendQueryEscape(nil, name)
	for pair := range bytes.SplitSeq(query, []byte("&")) {
		if key, _, _ := bytes.Cut(pair, []byte("=")); bytes.Equal(key, escaped) && len(pair) > 0 {
			return true
		}
	}
	return false
}

// dropQuery removes every pair with the name.
func dropQuery(query []byte, name string) []byte {
	escaped := bind.AppendQueryEscape(nil, name)
	kept := make([]byte, 0, len(query))
	for pair := range bytes.SplitSeq(query, []byte("&")) {
		if key, _, _ := bytes.Cut(pair, []byte("=")); bytes.Equal(key, escaped) {
			continue
		}
		if len(kept) > 0 {
			kept = append(kept, '&')
		}
		kept = append(kept, pair...)
	}
	return kept
}

// joinQuery joins two escaped queries.
func joinQuery(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return strings.TrimSuffix(a, "&") + "&" + b
}

// cleanQuery escapes what must not stand raw in a query (RFC 3986, section 3.4) and leaves the rest as it was written.
func cleanQuery(raw string) string {
	var b strings.Builder
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func dropSecrets(pairs []bind.SecretPair, in bind.Place, name string) []bind.SecretPair {
	return slices.DeleteFunc(pairs, func(p bind.SecretPair) bool { return p.In == in && p.Name == name })
}

func indexPair(pairs []bind.Pair, name string) int {
	return slices.IndexFunc(pairs, func(p bind.Pair) bool { return p.Name == name })
}

func dropPair(pairs []bind.Pair, name string) []bind.Pair {
	return slices.DeleteFunc(pairs, func(p bind.Pair) bool { return p.Name == name })
}
