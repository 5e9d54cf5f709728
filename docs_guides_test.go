package crest_test

import (
	"context"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// The table of styles in docs/models.md is what crest sends.
func TestDocsStyles(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `((?:path|query|header|cookie):\"[pP][^`]*)` \\| (.*) \\| (.*) \\|$")
	rows := row.FindAllStringSubmatch(readDoc(t, "models.md"), -1)
	require.Len(t, rows, 15)
	object := struct{ R, G int }{100, 200}
	for _, m := range rows {
		require.Equal(t, m[2], fieldSent(t, m[1], []string{"a", "b"}), m[1])
		require.Equal(t, m[3], fieldSent(t, m[1], object), m[1])
	}
}

// fieldSent is how a field with the tag goes out, as the guide writes it.
func fieldSent(t *testing.T, tag string, value any) string {
	t.Helper()
	route := "/"
	if strings.HasPrefix(tag, "path") {
		route = "/{p}"
	}
	model := reflect.StructOf([]reflect.StructField{{Name: "P", Type: reflect.TypeOf(value), Tag: reflect.StructTag(tag)}})
	endpoint, err := crest.NewEndpointOf(http.MethodGet, route, model, reflect.TypeFor[crest.Empty]())
	require.NoError(t, err)
	c, err := crest.New[*crest.Problem]("https://api.example.com")
	require.NoError(t, err)
	defer c.Close()
	req := reflect.New(model).Elem()
	req.Field(0).Set(reflect.ValueOf(value))
	p, err := endpoint.Prepare(context.Background(), c, req.Interface())
	require.NoError(t, err)
	switch place, _, _ := strings.Cut(tag, ":"); place {
	case "path":
		return "`" + strings.TrimPrefix(p.URL().EscapedPath(), "/") + "`"
	case "query":
		return "`" + p.URL().RawQuery + "`"
	case "cookie":
		return "`" + p.Header().Get("Cookie") + "`"
	}
	lines := p.Header().Values("P")
	if len(lines) > 1 {
		return "`" + strings.Join(lines, "` and `") + "`, a line each"
	}
	return "`" + lines[0] + "`"
}

// The messages in the guides are those that crest gives.
func TestDocsMessages(t *testing.T) {
	type GetLatest struct {
		Owner string `path:"owner" validate:"required"`
		Repo  string `path:"repo" validate:"required"`
	}
	type Stray struct {
		ID    int `query:"id"`
		Shelf string
	}
	type Twice struct {
		ID int `query:"id" header:"X-Id"`
	}
	type Wrong struct {
		Author []string `query:"author" default:"Herbert"`
	}
	type Typo struct {
		Pages int `query:"pages,omitemtpy"`
	}
	type Rule struct {
		Pages int `json:"pages" validate:"atleast=1"`
	}
	for page, mistakes := range map[string][]struct {
		route string
		model reflect.Type
	}{
		"start": {{"/repos/{owner}/{name}/releases/latest", reflect.TypeFor[GetLatest]()}},
		"models": {
			{"/", reflect.TypeFor[Stray]()}, {"/", reflect.TypeFor[Twice]()}, {"/", reflect.TypeFor[Wrong]()},
			{"/", reflect.TypeFor[Typo]()}, {"/", reflect.TypeFor[Rule]()},
		},
	} {
		text := readDoc(t, page+".md")
		for _, mistake := range mistakes {
			method := http.MethodPost
			if page == "start" {
				method = http.MethodGet
			}
			_, err := crest.NewEndpointOf(method, mistake.route, mistake.model, reflect.TypeFor[crest.Empty]())
			require.Error(t, err)
			message := strings.NewReplacer("crest_test.", map[string]string{"start": "main.", "models": "models."}[page]).Replace(err.Error())
			message = strings.TrimPrefix(message, "crest: POST "+mistake.route+": ")
			if !strings.Contains(text, "\n"+message+"\n") {
				t.Errorf("docs/%s.md lacks this message:\n%s", page, message)
			}
		}
	}
}
