package conformance

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/crest-go/crest"
)

// tempFile is a path in a folder of the row's own.
func (r *row) tempFile(name string) string {
	dir := must1(os.MkdirTemp("", "vectors"))
	r.after(func() { must(os.RemoveAll(dir)) })
	return filepath.Join(dir, name)
}

// jarRoundtrip: a jar that was saved, and loaded a while later.
func jarRoundtrip(r *row) (facts, error) {
	jar, path := r.readJar()[0], r.tempFile("jar.json")
	must(jar.Save(path))
	mode := must1(os.Stat(path)).Mode()
	const chosen = fs.FileMode(0o644)
	must(os.Chmod(path, chosen))
	must(jar.Save(path))
	time.Sleep(time.Minute)
	loaded := crest.NewJar(crest.JarOptions{})
	must(loaded.Load(path))
	before, after := slices.Collect(jar.All()), slices.Collect(loaded.All())
	flags := map[string]any{}
	for _, c := range after {
		flags[c.Name] = map[string]any{"secure": c.Secure, "http_only": c.HttpOnly}
	}
	return facts{
		"after_load":              check(func(want any) error { return afterLoad(loaded, want) }),
		"deadline_unchanged":      holds(reflect.DeepEqual(before, after), "%v became %v", before, after),
		"flags":                   check(func(want any) error { return sameFlags(flags, want) }),
		"file_mode_new":           fmt.Sprintf("%04o", mode),
		"file_mode_existing_kept": must1(os.Stat(path)).Mode() == chosen,
	}, nil
}

// afterLoad looks at what goes to each URL.
func afterLoad(jar *crest.Jar, want any) error {
	for _, entry := range asList(want) {
		expected := asObject(entry)
		f := cookieFacts(jar.For(must1(url.Parse(expected["url"].(string)))))
		delete(expected, "url")
		for key := range expected {
			if err := compare(expected[key], f[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

func sameFlags(flags map[string]any, want any) error {
	for name, expected := range asObject(want) {
		if err := compare(expected, flags[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// jarLoad: a file that was edited. A deadline in the data is in seconds since 1970.
func jarLoad(r *row) (facts, error) {
	jar, path := r.readJar()[0], r.tempFile("jar.json")
	must(jar.Save(path))
	var file map[string]any
	must(json.Unmarshal(must1(os.ReadFile(path)), &file))
	for key, value := range asObject(r.in.get("edit_file")) {
		name, ok := strings.CutSuffix(key, ".deadline")
		cookies := asList(file["cookies"])
		i := slices.IndexFunc(cookies, func(c any) bool { return asObject(c)["name"] == name })
		if !ok || i < 0 {
			panic("nothing to edit: " + key)
		}
		asObject(cookies[i])["expires"] = time.Unix(int64(value.(float64)), 0).UTC()
	}
	must(os.WriteFile(path, must1(json.Marshal(file)), 0o600))
	loaded := crest.NewJar(crest.JarOptions{})
	must(loaded.Load(path))
	return facts{"len": loaded.Len()}, nil
}
