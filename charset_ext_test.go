package crest_test

import (
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func utf16Bytes(text string, big, bom bool) string {
	units := utf16.Encode([]rune(text))
	if bom {
		units = append([]uint16{0xFEFF}, units...)
	}
	var out []byte
	for _, u := range units {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return string(out)
}

// Row 32: what the charset says is taken at its word; bytes that contradict it are an error, never guessed.
func TestCharsetOfText(t *testing.T) {
	for name, tt := range map[string]struct{ contentType, body, want string }{
		"utf-8":             {"text/plain; charset=utf-8", "hé", "hé"},
		"quoted, case":      {`text/plain; Charset="UTF-8"`, "hé", "hé"},
		"utf-8 with BOM":    {"text/plain; charset=utf-8", "\xef\xbb\xbfhé", "hé"},
		"latin-1":           {"text/plain; charset=iso-8859-1", "h\xe9\x80", "hé\u0080"},
		"windows-1252":      {"text/plain; charset=windows-1252", "\x80", "€"},
		"shift_jis":         {"text/plain; charset=shift_jis", "\x93\xfa", "日"},
		"utf-16 BOM":        {"text/plain; charset=utf-16", utf16Bytes("hé", true, true), "hé"},
		"absent, utf-8":     {"text/plain", "hé", "hé"},
		"absent, BOM":       {"text/plain", "\xef\xbb\xbfhé", "hé"},
		"absent, utf-16":    {"text/plain", utf16Bytes("hé", false, true), "hé"},
		"absent, latin-1":   {"text/plain", "h\xe9", "hé"},
		"no content type":   {"", "hé", "hé"},
		"other parameters":  {"text/plain; format=flowed; charset=utf-8; x=y", "hé", "hé"},
		"unknown":           {"text/plain; charset=klingon", "hé", ""},
		"invalid utf-8":     {"text/plain; charset=utf-8", "h\xe9", ""},
		"replacement":       {"text/plain; charset=hz-gb-2312", "x", ""},
		"invalid shift_jis": {"text/plain; charset=shift_jis", "\x93", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			if tt.contentType != "" {
				headers = typed(tt.contentType)
			}
			got, err := answered[string](t, 200, tt.body, headers)
			if tt.want == "" {
				fails(t, err, crest.ErrResponse, crest.KindDecode, crest.SentYes)
				require.Empty(t, got)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestCharsetOfJSON(t *testing.T) {
	const doc = `{"id":1,"name":"é"}`
	for name, tt := range map[string]struct {
		contentType, body string
		ok                bool
	}{
		"utf-8":             {"application/json; charset=utf-8", doc, true},
		"BOM":               {"application/json", "\xef\xbb\xbf" + doc, true},
		"latin-1":           {"application/json; charset=iso-8859-1", "{\"id\":1,\"name\":\"\xe9\"}", true},
		"utf-16, declared":  {"application/json; charset=utf-16", utf16Bytes(doc, true, true), true},
		"utf-16le, sniffed": {"application/json", utf16Bytes(doc, false, false), true},
		"utf-16be, BOM":     {"application/json", utf16Bytes(doc, true, true), true},
		"unknown":           {"application/json; charset=klingon", doc, false},
		"not what it says":  {"application/json; charset=shift_jis", "{\"id\":1,\"name\":\"\x93\"}", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answered[thing](t, 200, tt.body, typed(tt.contentType))
			if !tt.ok {
				fails(t, err, crest.ErrResponse, crest.KindDecode, crest.SentYes)
				return
			}
			require.NoError(t, err)
			require.Equal(t, thing{1, "é"}, got)
		})
	}
}

// The charset of the header wins over the document's own (RFC 7303, section 3), and nothing is decoded twice.
func TestCharsetOfXML(t *testing.T) {
	const latin, utf = "<thing><id>1</id><name>\xe9</name></thing>", "<thing><id>1</id><name>é</name></thing>"
	declared := func(charset string) string { return `<?xml version="1.0" encoding="` + charset + `"?>` }
	for name, tt := range map[string]struct{ contentType, body string }{
		"plain":                 {"application/xml", utf},
		"by declaration":        {"application/xml", declared("ISO-8859-1") + latin},
		"by header":             {"application/xml; charset=iso-8859-1", latin},
		"both":                  {"application/xml; charset=iso-8859-1", declared("ISO-8859-1") + latin},
		"header wins":           {"application/xml; charset=utf-8", declared("ISO-8859-1") + utf},
		"BOM":                   {"application/xml", "\xef\xbb\xbf" + declared("UTF-8") + utf},
		"utf-16 with a BOM":     {"application/xml; charset=utf-16", utf16Bytes(declared("UTF-16")+utf, false, true)},
		"header, no such label": {"text/xml; charset=utf8", declared("utf-8") + utf},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answered[xmlThing](t, 200, tt.body, typed(tt.contentType), crest.WithCodec(crest.XML()))
			require.NoError(t, err)
			require.Equal(t, "é", got.Name)
		})
	}
}
