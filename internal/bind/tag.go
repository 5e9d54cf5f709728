package bind

import (
	"fmt"
	"reflect"
	"strings"
)

// locations are the tags that give a field its place, in the order of Place.
var locations = [...]Place{Path, Query, Header, Cookie, inForm}

// options are what follows the name in a tag.
type options struct {
	omitZero  bool
	omitEmpty bool
	asString  bool // json's "string"
	style     string
	explode   string // "", "true" or "false"
	format    string
}

// parseTag reads `name,option,key=value`. Each mistake lists what is allowed.
func parseTag(place Place, raw string) (name string, o options, problems []string) {
	name, rest, _ := strings.Cut(raw, ",")
	for rest != "" {
		var option string
		option, rest, _ = strings.Cut(rest, ",")
		if option == "" {
			continue
		}
		if problem := o.set(place, option); problem != "" {
			problems = append(problems, problem)
		}
	}
	return name, o, problems
}

func (o *options) set(place Place, option string) (problem string) {
	key, value, _ := strings.Cut(option, "=")
	if format, ok := strings.CutPrefix(option, "format:"); ok && place == inJSON {
		key, value = "format", strings.Trim(format, "'") // as encoding/json/v2 writes it
	}
	switch {
	case option == "omitzero":
		o.omitZero = true
	case option == "omitempty":
		o.omitEmpty = true
	case key == "format":
		o.format = value
		return formatProblem(value)
	case place == inJSON && option == "string":
		o.asString = true
	case place == inJSON && option == "inline": // a habit from other decoders; embedding does it
	case place != inJSON && key == "style":
		o.style = value
	case place != inJSON && key == "explode" && (value == "true" || value == "false"):
		o.explode = value
	default:
		return fmt.Sprintf("has the unknown option %q: use %s", option, allowedOptions(place))
	}
	return ""
}

func allowedOptions(place Place) string {
	if place == inJSON {
		return "omitzero, omitempty, string or format="
	}
	return "omitzero, omitempty, style=, explode=true, explode=false or format="
}

// codecTags mark a field named Body as an ordinary one.
var codecTags = [...]string{"json", "xml", "yaml", "toml", "msgpack", "bson", "cbor"}

func hasCodecTag(tag reflect.StructTag) bool {
	for _, key := range codecTags {
		if _, ok := tag.Lookup(key); ok {
			return true
		}
	}
	return false
}

func locationsOf(tag reflect.StructTag) []Place {
	var found []Place
	for _, place := range locations {
		if raw, ok := tag.Lookup(place.String()); ok && raw != "-" {
			found = append(found, place)
		}
	}
	return found
}

// jsonName is how encoding/json reads a json tag: the name, or "" for the Go name.
func jsonName(f reflect.StructField) (name string, skip bool) {
	raw := f.Tag.Get("json")
	name, _, _ = strings.Cut(raw, ",")
	return name, raw == "-"
}
