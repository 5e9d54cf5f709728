package crest_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// docImports are the packages that a block of Go code in a page may use as if it imported them.
var docImports = []string{
	"bytes", "context", "encoding/json", "errors", "expvar", "fmt", "io", "iter", "log", "log/slog", "net/http", "net/url", "os", "os/signal",
	"slices", "strconv", "strings", "testing", "time",
	"github.com/crest-go/crest",
	"github.com/crest-go/crest/crestdebug",
	"github.com/crest-go/crest/cresttest",
	"github.com/crest-go/crest/har",
	"github.com/crest-go/crest/otelcrest",
	"github.com/crest-go/crest/redislimit",
	"github.com/crest-go/crest/websocket",
	"github.com/crest-go/crest/examples/sdk",
	"github.com/redis/go-redis/v9",
	"github.com/stretchr/testify/require",
}

// docBlock is one of Go code in a page.
type docBlock struct {
	line   int    // of its first line of code
	recipe bool   // it equals tested code: TestDocsRecipes sees to it
	file   string // the file that it is, for readers who build the page's program: TestDocsPrograms builds it
	code   string
}

var docFence = regexp.MustCompile("(?ms)^(<!-- recipe: \\S+ -->\n)?(?:[^\n]*`([a-z_/]+\\.go)`:\n\n)?```go\n(.*?)^```$")

func docBlocks(text string) []docBlock {
	var blocks []docBlock
	for _, m := range docFence.FindAllStringSubmatchIndex(text, -1) {
		b := docBlock{line: 1 + strings.Count(text[:m[6]], "\n"), recipe: m[2] >= 0, code: text[m[6]:m[7]]}
		if m[4] >= 0 {
			b.file = text[m[4]:m[5]]
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// docPages are all pages of the repository, by their path in it.
func docPages(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	require.NoError(t, filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != ".", d.IsDir() && d.Name() == "testdata":
			return filepath.SkipDir
		case path.Ext(name) == ".md":
			text, err := os.ReadFile(name)
			pages[filepath.ToSlash(name)] = string(text)
			return err
		}
		return nil
	}))
	return pages
}

// A page is a package. Its blocks of declarations are files of it, and its blocks of statements are functions, with the declarations
// that they begin with taken out for the blocks after them. What a page takes for granted, such as a client c, is declared in
// testdata/docs/<page>.go. No block is left out.
func TestDocsCompile(t *testing.T) {
	pages := docPages(t)
	require.Contains(t, pages, "examples/sdk/README.md")
	imports := docImporter(t)
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		text := pages[name]
		t.Run(name, func(t *testing.T) {
			blocks := docBlocks(text)
			require.Len(t, blocks, strings.Count(text, "```go"), "a block of Go code begins at the left margin")
			for _, problem := range checkPage(t, imports, name, blocks) {
				t.Error(problem)
			}
		})
	}
}

// The test above can fail, and then names the line of the page.
func TestDocsCompileNamesTheLine(t *testing.T) {
	imports := docImporter(t)
	for text, want := range map[string]string{
		"# A page\n\n```go\nx := crest.Nope()\n```\n":                         "docs/page.md:4: undefined: crest.Nope",
		"```go\nvar s string\n\ns = 1\n```\n":                                 "docs/page.md:4: cannot use 1",
		"```go\nif x {\n```\n":                                                "docs/page.md:",
		"```go\ntype T struct{}\n```\n\n```go\nfunc (t T) M() { y() }\n```\n": "docs/page.md:6: undefined: y",
	} {
		problems := checkPage(t, imports, "docs/page.md", docBlocks(text))
		require.NotEmpty(t, problems, text)
		require.True(t, strings.HasPrefix(problems[0], want), problems[0])
	}
}

// docImporter reads what the go command has compiled.
func docImporter(t *testing.T) func(*token.FileSet) types.Importer {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}, docImports...)...)
	var failed bytes.Buffer
	list.Stderr = &failed
	out, err := list.Output()
	require.NoError(t, err, failed.String())
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[name] = file
	}
	return func(files *token.FileSet) types.Importer {
		return importer.ForCompiler(files, "gc", func(name string) (io.ReadCloser, error) { return os.Open(exports[name]) })
	}
}

// checkPage compiles the blocks of a page and returns what the compiler has to say.
func checkPage(t *testing.T, imports func(*token.FileSet) types.Importer, page string, blocks []docBlock) (problems []string) {
	t.Helper()
	files := token.NewFileSet()
	var parsed []*ast.File
	add := func(name string, source any) {
		file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
		if err != nil {
			problems = append(problems, err.Error())
			return
		}
		parsed = append(parsed, file)
	}
	for _, b := range blocks {
		if !b.recipe && b.file == "" {
			add("", blockSource(page, b))
		}
	}
	granted := filepath.Join("testdata", "docs", strings.TrimSuffix(path.Base(page), ".md")+".go")
	if _, err := os.Stat(granted); err == nil && len(parsed) > 0 && page != "README.md" {
		add(granted, nil)
	}
	config := types.Config{Importer: imports(files), Error: func(err error) {
		if err := err.(types.Error); !err.Soft { // a soft one is a variable or an import that nothing uses
			problems = append(problems, err.Error())
		}
	}}
	_, _ = config.Check("docs", files, parsed, nil)
	return problems
}

var (
	docEllipsis = regexp.MustCompile(`(?m)^(\t*)…$|\{ … \}`)
	docStart    = "package docs; import (\"" + strings.Join(docImports, "\"; \"") + "\")\n"
)

// blockSource makes a file of a block. An ellipsis stands for code that a reader knows how to write.
func blockSource(page string, b docBlock) string {
	code := docEllipsis.ReplaceAllStringFunc(b.code, func(found string) string { return strings.Replace(found, "…", `panic("…")`, 1) })
	at := func(line int) string { return fmt.Sprintf("//line %s:%d\n", page, line) }
	declarations := docStart + at(b.line) + code
	if _, err := parser.ParseFile(token.NewFileSet(), page, declarations, parser.SkipObjectResolution); err == nil {
		return declarations
	}
	begin := "func _() error {\n"
	end := "\nreturn nil }\n"
	cut := leadingDeclarations(begin + code + end)
	if cut > 0 {
		cut -= len(begin)
	}
	return docStart + at(b.line) + code[:cut] + "\n" + begin + at(b.line+strings.Count(code[:cut], "\n")) + code[cut:] + end
}

// leadingDeclarations returns the end of the declarations that a function begins with.
func leadingDeclarations(function string) (end int) {
	const start = "package docs\n"
	file, err := parser.ParseFile(token.NewFileSet(), "", start+function, parser.SkipObjectResolution)
	if err != nil {
		return 0
	}
	for _, statement := range file.Decls[0].(*ast.FuncDecl).Body.List {
		if _, ok := statement.(*ast.DeclStmt); !ok {
			break
		}
		end = int(statement.End()) - 1 - len(start)
	}
	return end
}
