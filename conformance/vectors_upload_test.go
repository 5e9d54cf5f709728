package conformance

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"github.com/crest-go/crest"
)

// filesOf adds the files of a row to the form: an object of contents, where null is no file, or a list in more words.
func filesOf(r *row, m *model) {
	switch files := r.in.get("files").(type) {
	case nil:
	case map[string]any:
		for _, field := range sortedKeys(files) {
			var f crest.File
			if files[field] != nil {
				f = crest.File{Name: field, Content: strings.NewReader(files[field].(string))}
			}
			m.add("form", field, f)
		}
	case []any:
		for _, entry := range files {
			addFile(newObject(asObject(entry)), m)
		}
	default:
		panic("files are neither an object nor a list")
	}
}

func addFile(file *object, m *model) {
	m.add("form", file.text("field"), crest.File{
		Name: file.text("filename"), ContentType: file.text("content_type"), Content: strings.NewReader(file.text("content")),
	})
	if keys := file.unread(); len(keys) > 0 {
		panic(fmt.Sprintf("the driver does not know the keys %q of a file", keys))
	}
}

// uploadFacts reads a multipart body as mime/multipart does.
func uploadFacts(f facts, header http.Header, body []byte) {
	f["content_type_prefix"] = check(func(want any) error {
		if got := header.Get("Content-Type"); !strings.HasPrefix(got, want.(string)) {
			return fmt.Errorf("%q does not begin with %q", got, want)
		}
		return nil
	})
	f["body_contains"] = check(func(want any) error {
		for _, text := range asTexts(want) {
			if !bytes.Contains(body, []byte(text)) {
				return fmt.Errorf("%q is not in %q", text, body)
			}
		}
		return nil
	})
	f["multipart_present"] = fieldsOf(header, body, true)
	f["multipart_absent"] = fieldsOf(header, body, false)
}

// fieldsOf is a check of which fields a form has.
func fieldsOf(header http.Header, body []byte, present bool) check {
	return func(want any) error {
		var names []string
		_, params, err := mime.ParseMediaType(header.Get("Content-Type"))
		if err != nil {
			return err
		}
		for form := multipart.NewReader(bytes.NewReader(body), params["boundary"]); ; {
			part, err := form.NextPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			names = append(names, part.FormName())
		}
		for _, name := range asTexts(want) {
			if slices.Contains(names, name) != present {
				return fmt.Errorf("the form has the fields %q", names)
			}
		}
		return nil
	}
}
