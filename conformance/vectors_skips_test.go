package conformance

import "os"

// waiting are rows (or whole cases, or single keys of an expectation) that need what crest does not have yet. The reason names the
// work that they wait for; that work takes the entry out. What crest never does is skipped in the data, with its reason there.
var waiting = map[string]string{}

// waits finds a row in the list, by its own name or its case's.
func (v *vectors) waits(names ...string) (reason string, ok bool) {
	for _, name := range names {
		if reason, ok = waiting[name]; ok {
			v.met[name] = true
			return reason, true
		}
	}
	return "", false
}

// checkWaiting fails entries that no row matched, unless the file is another one of the same form.
func (v *vectors) checkWaiting() {
	if os.Getenv(floorsVariable) == "off" {
		return
	}
	for name := range waiting {
		if !v.met[name] {
			v.tally.fail(name, "stands in the list of waiting rows, which has no such row")
		}
	}
}
