package crest_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/crest-go/crest"

// doors names the only package that may import a dependency (DESIGN: each dependency has one door).
var doors = map[string]string{
	"github.com/coder/websocket":             module + "/websocket",
	"github.com/goccy/go-json":               module + "/internal/codec",
	"github.com/go-playground/validator/v10": module + "/internal/validate",
	"golang.org/x/net":                       module,
	"golang.org/x/text":                      module,
}

// requirements are the modules that the root may require directly; more need a reason its users would accept.
var requirements = []string{
	"github.com/coder/websocket",
	"github.com/go-playground/validator/v10",
	"github.com/goccy/go-json",
	"github.com/stretchr/testify",
	"go.uber.org/goleak",
	"golang.org/x/net",
	"golang.org/x/text",
}

type listedPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	out, err := cmd.Output()
	require.NoError(t, err)
	var all []listedPackage
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p listedPackage
		require.NoError(t, d.Decode(&p))
		all = append(all, p)
	}
	require.NotEmpty(t, all)
	return all
}

// TestArchImports holds the import rules: root → internal → std, never sideways, never back.
func TestArchImports(t *testing.T) {
	for _, p := range listPackages(t) {
		for _, imported := range p.Imports {
			internal := strings.HasPrefix(p.ImportPath, module+"/internal/")
			if internal && (imported == module || strings.HasPrefix(imported, module+"/")) {
				t.Errorf("%s imports %s: internal packages import neither the root nor each other", p.ImportPath, imported)
			}
			if imported == module+"/cresttest" {
				t.Errorf("%s imports %s, which is for tests", p.ImportPath, imported)
			}
			if !strings.Contains(strings.Split(imported, "/")[0], ".") || strings.HasPrefix(imported, module) {
				continue
			}
			if !allowedImport(p.ImportPath, imported) {
				t.Errorf("%s imports %s: its door is another package", p.ImportPath, imported)
			}
		}
	}
}

func allowedImport(from, imported string) bool {
	for dependency, door := range doors {
		if imported == dependency || strings.HasPrefix(imported, dependency+"/") {
			return from == door
		}
	}
	return false
}

// TestArchRequirements keeps the root module light.
func TestArchRequirements(t *testing.T) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	out, err := cmd.Output()
	require.NoError(t, err)
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	require.NoError(t, json.Unmarshal(out, &mod))
	for _, r := range mod.Require {
		if !r.Indirect && !slices.Contains(requirements, r.Path) {
			t.Errorf("go.mod requires %s: put what needs it in a nested module", r.Path)
		}
	}
}

// The sizes that keep the code readable in an evening.
const (
	maxFileLines     = 500
	maxFunctionLines = 70
	maxMedian        = 9
)

// TestArchSizes holds files and functions of all modules to the sizes of the house.
func TestArchSizes(t *testing.T) {
	var lengths []int
	for _, path := range goFiles(t) {
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		if lines := files.File(parsed.FileStart).LineCount(); lines > maxFileLines {
			t.Errorf("%s has %d lines, more than %d: is it about two things?", path, lines, maxFileLines)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			if strings.HasSuffix(path, "_test.go") {
				continue // a table of cases is as long as its cases
			}
			n := files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1
			if n > maxFunctionLines {
				t.Errorf("%s: %s has %d lines, more than %d", path, f.Name.Name, n, maxFunctionLines)
			}
			lengths = append(lengths, n)
		}
	}
	slices.Sort(lengths)
	median := lengths[len(lengths)/2]
	t.Logf("%d functions, median %d lines, 95th percentile %d, longest %d", len(lengths), median, lengths[len(lengths)*95/100], lengths[len(lengths)-1])
	require.LessOrEqual(t, median, maxMedian, "the median function grew")
}

func goFiles(t *testing.T) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "." {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			paths = append(paths, path)
		}
		return nil
	})
	require.NoError(t, err)
	return paths
}

// TestArchDocs sees that every exported name of the packages that users import has a doc comment.
func TestArchDocs(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	fakes, err := filepath.Glob(filepath.Join("cresttest", "*.go"))
	require.NoError(t, err)
	for _, path := range append(files, fakes...) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range parsed.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s: %s is exported and has no doc comment", path, name)
			}
		}
	}
}

func undocumented(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || exportedReceiver(d.Recv)) {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
				names = append(names, s.Name.Name)
			}
			if s, ok := spec.(*ast.ValueSpec); ok && s.Names[0].IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
				names = append(names, s.Names[0].Name)
			}
		}
		return names
	}
	return nil
}

func exportedReceiver(recv *ast.FieldList) bool {
	t := recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	switch i := t.(type) {
	case *ast.IndexExpr:
		t = i.X
	case *ast.IndexListExpr:
		t = i.X
	}
	name, ok := t.(*ast.Ident)
	return ok && name.IsExported()
}
