package bind

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzReadTags holds the pass over a tag to the standard library's look-ups.
func FuzzReadTags(f *testing.F) {
	for _, tag := range []string{
		"", `json:"id"`, `json:"id,omitzero" default:"a\"b"  xml:"x"`, `path:"a" path:"b"`, `json:"a`, `json:"\x" json:"b"`, `json:a`, `json: "a"`, `:"a"`, ` query:"" header:"-"`,
		"json:\"a\nb\" form:\"c\"", `other:"\"json:\"" cookie:"c"`, "json\x7f:\"a\"", `json:"é\u00e9"`, "json:\"\xff\"", `validate:"required" json:"a"`,
	} {
		f.Add(tag)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		tags := readTags(tag)
		for _, key := range []string{"json", "default", "xml", "path", "query", "header", "cookie", "form"} {
			want, is := reflect.StructTag(tag).Lookup(key)
			got := tags.of(key)
			require.Equal(t, is, got.is, key)
			if is {
				require.Equal(t, want, got.value, key)
				require.Equal(t, key+`:"`+want+`"`, got.text(key))
			}
		}
	})
}
