package crest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// seedRows are the systems of docs/features.md with the number of their rows.
var seedRows = map[string]int{"S1": 41, "S2": 45, "S3": 70, "S4": 105, "S5": 46}

// waitsFor are the parts of crest that a row may wait for.
var waitsFor = []string{
	"speed",
	"hardening",
}

// docRow is one row of a table whose first cell is an identifier.
type docRow struct {
	id    string
	cells []string // those after the first
}

func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("docs", name))
	require.NoError(t, err)
	return string(text)
}

// docRows returns the rows of a page whose first cell looks like id.
func docRows(text string, id *regexp.Regexp) []docRow {
	var rows []docRow
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if strings.HasPrefix(line, "|") && id.MatchString(cells[0]) {
			rows = append(rows, docRow{cells[0], cells[1:]})
		}
	}
	return rows
}

var (
	testName   = regexp.MustCompile(`\b(?:Test[A-Z]|Fuzz[A-Z]|Example[A-Z_])\w*|\bExample\b`)
	vectorName = regexp.MustCompile(`\bV ([RAFYP]\d{3}(?: row \d+)?(?:, [RAFYP]\d{3}(?: row \d+)?)*)`)
	waitClause = regexp.MustCompile(`\bwaits for: ([^;|]+)`)
)

// declaredTests are the names of all tests, examples and fuzz targets of the repository.
func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	declared := map[string]bool{}
	signature := regexp.MustCompile(`(?m)^func ((?:Test|Example|Fuzz)\w*)\(`)
	for _, path := range goFiles(t) {
		if !strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range signature.FindAllStringSubmatch(string(text), -1) {
			declared[m[1]] = true
		}
	}
	return declared
}

// TestDocsNameRealTests holds the pages to tests that are there.
func TestDocsNameRealTests(t *testing.T) {
	declared := declaredTests(t)
	require.NotEmpty(t, declared)
	for _, page := range []string{"features.md", "recipes.md", "promises.md", "faults.md", "../THREAT_MODEL.md", "../README.md"} {
		for _, name := range testName.FindAllString(readDoc(t, page), -1) {
			if !declared[name] {
				t.Errorf("docs/%s names %s, which no Go file declares", page, name)
			}
		}
	}
}

// TestDocsOptionsHaveExamples sees that every option is shown by an Example that runs.
func TestDocsOptionsHaveExamples(t *testing.T) {
	declared := declaredTests(t)
	option := regexp.MustCompile(`(?m)^func (With\w+)\(`)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	found := 0
	for _, path := range files {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range option.FindAllStringSubmatch(string(text), -1) {
			found++
			shown := slices.ContainsFunc(slices.Collect(maps.Keys(declared)), func(name string) bool {
				return name == "Example"+m[1] || strings.HasPrefix(name, "Example"+m[1]+"_")
			})
			require.True(t, shown, "%s has no Example", m[1])
		}
	}
	require.Greater(t, found, 40)
}

// TestDocsFeatures sees that every seed row stands once and in order, that it is shown by something or says what it waits for, and that the counts are right.
func TestDocsFeatures(t *testing.T) {
	text := readDoc(t, "features.md")
	rows := docRows(text, regexp.MustCompile(`^S\d\.\d+$`))
	var want, got []string
	for _, system := range []string{"S1", "S2", "S3", "S4", "S5"} {
		for i := range seedRows[system] {
			want = append(want, fmt.Sprintf("%s.%d", system, i+1))
		}
	}
	counts := map[string]int{}
	for _, row := range rows {
		got = append(got, row.id)
		state, err := featureState(row)
		if err != nil {
			t.Errorf("docs/features.md: %s: %v", row.id, err)
		}
		counts[state]++
	}
	require.Equal(t, want, got)
	line := fmt.Sprintf("| %d | %d | %d | %d | %d | %d |",
		counts["done"], counts["recipe"], counts["idiom"], counts["limit"], counts["waits"], len(rows))
	require.True(t, strings.Contains(text, "\n"+line+"\n"), "the counts of docs/features.md are not those of its rows: %s", line)
}

// featureState reads the state of a row off its cells.
func featureState(row docRow) (string, error) {
	if len(row.cells) != 2 || row.cells[0] == "" {
		return "", fmt.Errorf("the row needs three cells: ID, served by, shown by")
	}
	served, shown := row.cells[0], row.cells[1]
	if waits, err := waiting(shown); waits || err != nil {
		return "waits", err
	}
	if !testName.MatchString(shown) && !vectorName.MatchString(shown) {
		return "", fmt.Errorf("nothing shows it: name a test, or what it waits for")
	}
	for _, form := range []string{"recipe", "idiom", "limit"} {
		if strings.HasPrefix(served, form+": ") {
			return form, nil
		}
	}
	return "done", nil
}

// waiting reports whether a cell waits for something, which must be a part of crest.
func waiting(cell string) (bool, error) {
	clauses := waitClause.FindAllStringSubmatch(cell, -1)
	for _, m := range clauses {
		if !slices.Contains(waitsFor, strings.TrimSpace(m[1])) {
			return true, fmt.Errorf("it waits for %q, which is none of %q", m[1], waitsFor)
		}
	}
	return len(clauses) > 0, nil
}

// TestDocsVectors sees that each case that docs/features.md names is one that the conformance drivers play, where the data is at hand.
func TestDocsVectors(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(suitesFolder(), "seeds", "vectors.json"))
	if err != nil {
		t.Skip("no data: CREST_SUITE_DIR is not set and no folder shared lies beside the repository")
	}
	var cases []struct{ ID, Area string }
	require.NoError(t, json.Unmarshal(data, &cases))
	areas, left := playedAreas(t), waitingCases(t)
	played := map[string]bool{}
	for _, c := range cases {
		area, _, _ := strings.Cut(c.Area, ".")
		played[c.ID] = slices.Contains(areas, area)
	}
	for _, row := range docRows(readDoc(t, "features.md"), regexp.MustCompile(`^S\d\.\d+$`)) {
		if waits, _ := waiting(row.cells[1]); waits {
			continue
		}
		for _, m := range vectorName.FindAllStringSubmatch(row.cells[1], -1) {
			for id := range strings.SplitSeq(m[1], ", ") {
				name, _, _ := strings.Cut(id, " ")
				if !played[name] || leftOut(left, id) {
					t.Errorf("docs/features.md: %s names V %s, which the drivers of conformance do not play whole", row.id, id)
				}
			}
		}
	}
}

func suitesFolder() string {
	if dir := os.Getenv("CREST_SUITE_DIR"); dir != "" {
		return dir
	}
	return filepath.Join("..", "shared")
}

// playedAreas reads the areas that the drivers take: the list, and what the files of single parts append to it.
func playedAreas(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("conformance", "vectors_*_test.go"))
	require.NoError(t, err)
	list := regexp.MustCompile(`vectorAreas = (?:\[\]string\{|append\(vectorAreas,)([^})]*)`)
	var areas []string
	for _, path := range append(files, filepath.Join("conformance", "vectors_test.go")) {
		for _, found := range list.FindAllStringSubmatch(conformanceSource(t, filepath.Base(path)), -1) {
			for _, m := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(found[1], -1) {
				areas = append(areas, m[1])
			}
		}
	}
	require.Subset(t, areas, []string{"url", "proxy"}, "one of each kind of list")
	return areas
}

// waitingCases reads which cases, or rows of cases, the drivers leave out for now.
func waitingCases(t *testing.T) []string {
	t.Helper()
	var left []string
	for _, m := range regexp.MustCompile(`"([A-Z]\d{3}(?: row \d+)?)":`).FindAllStringSubmatch(conformanceSource(t, "vectors_skips_test.go"), -1) {
		left = append(left, m[1])
	}
	return left
}

// leftOut reports whether the case or row is among those, or one of its rows is.
func leftOut(left []string, id string) bool {
	name, _, _ := strings.Cut(id, " ")
	return slices.ContainsFunc(left, func(entry string) bool {
		return entry == id || entry == name || strings.HasPrefix(entry, id+" ")
	})
}

func conformanceSource(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("conformance", name))
	require.NoError(t, err)
	return string(text)
}

// TestDocsPromises sees that every promise and rule stands once, with tests and the file that owns it or with what it waits for.
func TestDocsPromises(t *testing.T) {
	var want, got []string
	for i := range 8 {
		want = append(want, fmt.Sprint(i+1))
	}
	for i := range 56 {
		want = append(want, fmt.Sprintf("R%d", i+1))
	}
	for _, row := range docRows(readDoc(t, "promises.md"), regexp.MustCompile(`^R?\d+$`)) {
		got = append(got, row.id)
		if len(row.cells) != 3 {
			t.Errorf("docs/promises.md: %s has %d cells, not 4: ID, what holds, shown by, held by", row.id, len(row.cells)+1)
			continue
		}
		waits, err := waiting(row.cells[1])
		if err != nil {
			t.Errorf("docs/promises.md: %s: %v", row.id, err)
		}
		if !waits && !testName.MatchString(row.cells[1]) {
			t.Errorf("docs/promises.md: nothing shows %s: name a test, or what it waits for", row.id)
		}
		ownersExist(t, row)
	}
	require.Equal(t, want, got)
}

// ownersExist checks the files in the last cell.
func ownersExist(t *testing.T, row docRow) {
	t.Helper()
	owners := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row.cells[2], -1)
	for _, m := range owners {
		if _, err := os.Stat(m[1]); err != nil {
			t.Errorf("docs/promises.md: %s is held by %s, which is not there", row.id, m[1])
		}
	}
	if waits, _ := waiting(row.cells[1]); !waits && len(owners) == 0 {
		t.Errorf("docs/promises.md: no file holds %s", row.id)
	}
}

// TestDocsRecipes sees that each code block of docs/recipes.md is code that a test runs, and that none is left out.
func TestDocsRecipes(t *testing.T) {
	regions := recipeRegions(t)
	text := readDoc(t, "recipes.md")
	blocks := regexp.MustCompile("(?ms)^(?:<!-- recipe: (\\S+) -->\n)?```go\n(.*?)^```$").FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		name, code := block[1], block[2]
		want, ok := regions[name]
		if !ok {
			t.Errorf("docs/recipes.md: no Go file has a recipe %q for the block\n%s", name, code)
			continue
		}
		delete(regions, name)
		require.Equal(t, want, code, "the recipe %s in docs/recipes.md differs from the one that is tested", name)
	}
	for name := range regions {
		t.Errorf("docs/recipes.md does not show the recipe %s", name)
	}
}

// recipeRegions cuts the recipes out of the Go files that hold them, without the indentation that they have there. Those that need
// another module lie in examples.
func recipeRegions(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("recipes*_example_test.go")
	require.NoError(t, err)
	nested, err := filepath.Glob(filepath.Join("examples", "*", "*.go"))
	require.NoError(t, err)
	files = append(files, nested...)
	regions := map[string]string{}
	marked := regexp.MustCompile(`(?ms)^(\t*)// recipe: (\S+)\n(.*?)^\t*// end of recipe$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range marked.FindAllStringSubmatch(string(text), -1) {
			code := regexp.MustCompile(`(?m)^`+m[1]).ReplaceAllString(m[3], "")
			require.NotContains(t, regions, m[2], "two recipes have the name")
			regions[m[2]] = strings.Trim(code, "\n") + "\n"
		}
	}
	return regions
}

// TestDocsLinks sees that links between the pages, and to files of the repository, lead to something that is there.
func TestDocsLinks(t *testing.T) {
	pages := docPages(t)
	code := regexp.MustCompile("(?ms)^```.*?^```$|`[^`\n]*`")
	for page, text := range pages {
		text = code.ReplaceAllString(text, "")
		for _, m := range regexp.MustCompile(`\]\(([\w./-]*)(?:#([\w-]+))?\)`).FindAllStringSubmatch(text, -1) {
			target := path.Join(path.Dir(page), m[1])
			if m[1] == "" {
				target = page
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", page, target)
			}
			if m[2] != "" && !slices.Contains(anchors(pages[target]), m[2]) {
				t.Errorf("%s links to %s#%s, which is no heading", page, target, m[2])
			}
		}
	}
}

// anchors are the names under which a page's headings can be linked to.
func anchors(text string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// TestDocsHaveNoLocalPaths keeps the machine that a page was written on out of it, and what lies outside the repository.
func TestDocsHaveNoLocalPaths(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	local := regexp.MustCompile(`(?m)(?:^|[\s("'` + "`" + `])(?:/(?:work|home|root|tmp|Users|usr|opt|var)/|\.\./(?:\.\.|shared)|file:/)\S*`)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, path := range local.FindAllString(string(text), -1) {
			t.Errorf("%s holds the local path %q", page, strings.TrimSpace(path))
		}
	}
}
