package crest_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// WithRedact holds for errors as for logs.
func TestRedactErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		opts   []crest.ClientOption
		status string
		want   string
		url    string
	}{
		"nothing":        {nil, `404 {"password":"hunter2","hint":"cat"}`, `404 Not Found (no *crest_test.noModel: validation: Code fails required): "{\"password\":\"hunter2\",\"hint\":\"cat\"}"`, "page=2&owner=[redacted]"},
		"a field":        {redact("password"), `404 {"password":"hunter2","hint":"cat"}`, `404 Not Found (no *crest_test.noModel: validation: Code fails required): "{\"password\":\"[redacted]\",\"hint\":\"cat\"}"`, "page=2&owner=[redacted]"},
		"a parameter":    {redact("page"), `404 []`, `404 Not Found (no *crest_test.noModel: decode: json: at byte 1: array does not fit Go type crest_test.noModel): "[]"`, "page=[redacted]&owner=[redacted]"},
		"all":            {redact("*"), `404 {"hint":"cat"}`, `404 Not Found (no *crest_test.noModel: validation: Code fails required) (the body is not shown: WithRedact hides it, or fields that cannot be found in it)`, "[redacted]"},
		"no JSON at all": {redact("password"), `404 password=hunter2`, `404 Not Found (no *crest_test.noModel: decode: json: not valid JSON at byte 1) (the body is not shown: WithRedact hides it, or fields that cannot be found in it)`, "page=2&owner=[redacted]"},
		"another type":   {redact("password"), `200 {"id":"password"}`, ``, "page=2&owner=[redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := crest.New[*noModel]("https://api.example.com", append(tt.opts, once, crest.WithTransport(answers(tt.status)))...)
			require.NoError(t, err)
			_, err = findThings.Call(t.Context(), c, findThing{Owner: "jane", Page: 2})
			require.Error(t, err)
			if tt.want != "" {
				require.EqualError(t, err, "crest: GET /things/{id}: "+tt.want)
			}
			var failed *crest.CallError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, "https://api.example.com/things/0?"+tt.url, failed.URL)
		})
	}
}

// noModel is one that no body of the test is.
type noModel struct {
	Code int `json:"code" validate:"required"`
}

func (*noModel) Error() string { return "" }

func redact(names ...string) []crest.ClientOption {
	return []crest.ClientOption{crest.WithRedact(names...)}
}

// The levels add up: what the client hides no endpoint shows.
func TestRedactLevels(t *testing.T) {
	var log records
	c := newClient(t, "https://api.example.com", log.logger(slog.LevelDebug), crest.WithRedact("page"), crest.WithTransport(answers("200 "+thingJSON)))
	e := crest.Get[findThing, thing]("/things/{id}", crest.WithRedact("limit"))
	_, err := e.Call(t.Context(), c, findThing{Page: 2}, crest.WithQuery("limit", "5"), crest.WithQuery("offset", "6"), crest.WithRedact("other"))
	require.NoError(t, err)
	require.Equal(t, "page=[redacted]&owner=&limit=[redacted]&offset=6", log.all(t)[1]["query"])
}
