package crest

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFileName is how long a name may be in most file systems, in bytes.
const maxFileName = 255

// FileName returns the name that the server suggests for the body, by Content-Disposition (RFC 6266, with filename* of RFC 8187 first),
// made safe to be the name of a file in a folder of the caller's: the part after the last slash or backslash, without control and
// formatting characters, without what Windows reserves, without a dot at its beginning, 255 bytes at most. It is "" when
// there is none, or nothing of it is left. Two answers may suggest one name, and it may be that of a file that is there.
func (r *Response[Res]) FileName() string { return suggestedName(r.Header.Get("Content-Disposition")) }

// suggestedName reads Content-Disposition.
func suggestedName(disposition string) string {
	params := dispositionParams(disposition)
	if extended, ok := params["filename*"]; ok {
		if name := safeName(extendedName(extended)); name != "" {
			return name
		}
	}
	return safeName(latin1(params["filename"]))
}

// dispositionParams takes the header apart as servers really write it. The first of two parameters with one name holds, as in
// section 4.1 of RFC 6266 for recipients that do not refuse.
func dispositionParams(text string) map[string]string {
	params := map[string]string{}
	_, rest, _ := strings.Cut(text, ";")
	for rest != "" {
		end := strings.IndexAny(rest, "=;")
		if end < 0 {
			break
		}
		name, after := rest[:end], rest[end+1:]
		if rest[end] == ';' { // a parameter without a value
			rest = after
			continue
		}
		var value string
		value, rest = paramValue(strings.TrimLeft(after, " \t"))
		name = strings.ToLower(strings.TrimSpace(name))
		if _, again := params[name]; !again {
			params[name] = value
		}
	}
	return params
}

// paramValue reads a token or a quoted string, and returns what follows the next semicolon.
func paramValue(text string) (value, rest string) {
	if !strings.HasPrefix(text, `"`) {
		value, rest, _ = strings.Cut(text, ";")
		return strings.TrimSpace(value), rest
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			_, rest, _ = strings.Cut(text[i+1:], ";")
			return b.String(), rest
		case c == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'): // not C:\dir, which some servers send
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

// extendedName reads the value of filename*: UTF-8 as RFC 8187 has it, or ISO-8859-1, which RFC 5987 allowed. "" is none.
func extendedName(text string) string {
	if name, ok := decodeExtended(text); ok {
		return name
	}
	charset, rest, _ := strings.Cut(text, "'")
	_, encoded, ok := strings.Cut(rest, "'")
	raw, err := url.PathUnescape(encoded)
	if !ok || err != nil || !strings.EqualFold(charset, "ISO-8859-1") {
		return ""
	}
	return fromLatin1(raw)
}

// latin1 is the text of a header that is not UTF-8 (RFC 9110, section 5.5).
func latin1(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return fromLatin1(text)
}

func fromLatin1(raw string) string {
	runes := make([]rune, len(raw))
	for i := range len(raw) {
		runes[i] = rune(raw[i])
	}
	return string(runes)
}

// behindFolders is what follows the last slash or backslash: either leads into a folder on some system.
func behindFolders(name string) string { return name[strings.LastIndexAny(name, `/\`)+1:] }

// safeName makes a name that a stranger gave safe for every file system.
func safeName(name string) string {
	name = behindFolders(name)
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r): // such as one that turns the direction of writing
			return -1
		case r == 0x2028 || r == 0x2029:
			return -1
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		}
		return r
	}, name)
	name = strings.TrimLeftFunc(trimEnd(name), unicode.IsSpace)
	if name == "" {
		return ""
	}
	if name[0] == '.' { // hidden, or of a tool that trusts its dot files
		name = "_" + name[1:]
	}
	if reservedName(name) {
		name = "_" + name
	}
	return trimEnd(shortened(name))
}

// trimEnd removes what Windows does not keep at the end of a name, and spaces that nobody sees.
func trimEnd(name string) string {
	return strings.TrimRightFunc(name, func(r rune) bool { return r == '.' || unicode.IsSpace(r) })
}

// reservedName reports whether Windows takes a name for a device, whatever its extension.
func reservedName(name string) bool {
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	stem = strings.TrimRight(stem, " ")
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	rest, ok := strings.CutPrefix(stem, "COM")
	if !ok {
		rest, ok = strings.CutPrefix(stem, "LPT")
	}
	return ok && utf8.RuneCountInString(rest) == 1 && strings.Contains("0123456789¹²³", rest)
}

// shortened cuts a name to the bound and keeps its extension.
func shortened(name string) string {
	if len(name) <= maxFileName {
		return name
	}
	extension := ""
	if dot := strings.LastIndexByte(name, '.'); dot > 0 && len(name)-dot <= 32 {
		extension = name[dot:]
	}
	cut := maxFileName - len(extension)
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut] + extension
}
