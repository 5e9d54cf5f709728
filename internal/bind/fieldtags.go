package bind

import "strconv"

// fieldTags are the tags of a field that say where it goes, read in one pass:
// [reflect.StructTag.Lookup] would begin anew for each of them.
type fieldTags struct {
	places [len(locations)]tagText // in the order of Place
	json   tagText
	def    tagText
	xml    tagText
}

// tagText is one tag of a field.
type tagText struct {
	value string
	whole string // as it stands in the source: json:"id"
	seen  bool   // what a tag says again counts for nothing, as with Lookup
	is    bool   // it is there, and a Go string
}

// text is the tag for messages.
func (t tagText) text(key string) string {
	if inside := t.whole[len(key)+2 : len(t.whole)-1]; inside == t.value { // nothing in it is escaped
		return t.whole
	}
	return key + `:"` + t.value + `"`
}

// of finds the place for a key; nil for keys that mean nothing here.
func (t *fieldTags) of(key string) *tagText {
	switch key {
	case "json":
		return &t.json
	case "default":
		return &t.def
	case "xml":
		return &t.xml
	}
	for _, place := range locations {
		if key == placeNames[place] {
			return &t.places[place]
		}
	}
	return nil
}

// location is the place that the tags name, and how many of them do.
func (t *fieldTags) location() (at Place, count int) {
	for place := range t.places {
		if text := &t.places[place]; text.is && text.value != "-" {
			at = Place(place)
			count++
		}
	}
	return at, count
}

// skipped reports whether a location tag is "-".
func (t *fieldTags) skipped() bool {
	for i := range t.places {
		if text := &t.places[i]; text.is && text.value == "-" {
			return true
		}
	}
	return false
}

// readTags takes a struct tag apart at its key:"value" pairs and ends where it breaks
// the convention, as [reflect.StructTag.Lookup] does.
func readTags(tag string) (t fieldTags) {
	for {
		for tag != "" && tag[0] == ' ' {
			tag = tag[1:]
		}
		key := keySize(tag)
		if key == 0 || key+1 >= len(tag) || tag[key] != ':' || tag[key+1] != '"' {
			return t
		}
		end := key + 2
		for end < len(tag) && tag[end] != '"' {
			if tag[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(tag) {
			return t
		}
		if text := t.of(tag[:key]); text != nil && !text.seen {
			value, err := strconv.Unquote(tag[key+1 : end+1])
			*text = tagText{value, tag[:end+1], true, err == nil}
		}
		tag = tag[end+1:]
	}
}

func keySize(tag string) int {
	for i := range len(tag) {
		if c := tag[i]; c <= ' ' || c == ':' || c == '"' || c == 0x7f {
			return i
		}
	}
	return len(tag)
}
