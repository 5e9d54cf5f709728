package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// botoSuite is one element of botocore's protocol tests: a model of one operation and its cases.
type botoSuite struct {
	Shapes         map[string]*botoShape `json:"shapes"`
	Cases          []*botoCase           `json:"cases"`
	ClientEndpoint string                `json:"clientEndpoint"`
}

// botoShape is a type of the model.
type botoShape struct {
	Type            string               `json:"type"`
	Members         ordered[*botoMember] `json:"members"`
	Member          *botoMember          `json:"member"` // of a list
	Value           *botoMember          `json:"value"`  // of a map
	Payload         string               `json:"payload"`
	TimestampFormat string               `json:"timestampFormat"`
	Document        bool                 `json:"document"`
	Union           bool                 `json:"union"`
	Sparse          bool                 `json:"sparse"`
	Error           struct {
		HTTPStatusCode int `json:"httpStatusCode"`
	} `json:"error"`
}

// botoMember is a use of a shape.
type botoMember struct {
	Shape           string `json:"shape"`
	Location        string `json:"location"`
	LocationName    string `json:"locationName"`
	TimestampFormat string `json:"timestampFormat"`
	Document        bool   `json:"document"`
}

// botoCase is a case of the input or the output file.
type botoCase struct {
	ID    string `json:"id"`
	Given struct {
		HTTP struct {
			Method     string `json:"method"`
			RequestURI string `json:"requestUri"`
		} `json:"http"`
		Input  *botoMember   `json:"input"`
		Output *botoMember   `json:"output"`
		Errors []*botoMember `json:"errors"`
	} `json:"given"`

	Params     map[string]any `json:"params"`
	Serialized struct {
		Method         string            `json:"method"`
		URI            string            `json:"uri"`
		Headers        map[string]string `json:"headers"`
		Body           *string           `json:"body"`
		ForbidHeaders  []string          `json:"forbidHeaders"`
		RequireHeaders []string          `json:"requireHeaders"`
	} `json:"serialized"`

	Response struct {
		StatusCode int               `json:"status_code"`
		Headers    map[string]string `json:"headers"`
		Body       string            `json:"body"`
	} `json:"response"`
	Result       map[string]any `json:"result"`
	ErrorCode    string         `json:"errorCode"`
	ErrorMessage string         `json:"errorMessage"`
	Error        map[string]any `json:"error"`
}

// ordered is a JSON object whose members keep their order: query parameters follow that of the declaration.
type ordered[T any] []orderedMember[T]

type orderedMember[T any] struct {
	name  string
	value T
}

// UnmarshalJSON reads an object member by member.
func (o *ordered[T]) UnmarshalJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return fmt.Errorf("an object should stand where %v is (%v)", start, err)
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		n := orderedMember[T]{name: fmt.Sprint(name)}
		if err := dec.Decode(&n.value); err != nil {
			return err
		}
		*o = append(*o, n)
	}
	return nil
}

// botoSuites reads a file of the suite.
func botoSuites(t *testing.T, name string) []*botoSuite {
	t.Helper()
	var suites []*botoSuite
	if err := json.Unmarshal(data(t, "suites/botocore/"+name), &suites); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return suites
}

// shape finds the shape that a member uses.
func (s *botoSuite) shape(m *botoMember) *botoShape {
	found := s.Shapes[m.Shape]
	if found == nil {
		panic(fmt.Sprintf("the model lacks the shape %s", m.Shape))
	}
	return found
}

// basePath is the path of the suite's own endpoint, if it names one.
func (s *botoSuite) basePath() string {
	u, err := url.Parse(s.ClientEndpoint)
	if err != nil {
		panic(err.Error())
	}
	return u.EscapedPath()
}

// route is requestUri in crest's grammar.
func (c *botoCase) route() string {
	return strings.ReplaceAll(c.Given.HTTP.RequestURI, "+}", "...}")
}

// wireName is the member's name on the wire.
func (m *botoMember) wireName(name string) string {
	if m.LocationName != "" || m.Location == "headers" {
		return m.LocationName
	}
	return name
}

// The formats of timestamps, by crest's names.
const (
	isoFormat  = "date-time"
	httpFormat = "http-date"
	unixFormat = "unix"
)

// timeFormat is the format of a timestamp: the member's, else its shape's, else that of the place.
func (s *botoSuite) timeFormat(m *botoMember, location string) string {
	format := m.TimestampFormat
	if format == "" {
		format = s.shape(m).TimestampFormat
	}
	switch format {
	case "iso8601":
		return isoFormat
	case "rfc822":
		return httpFormat
	case "unixTimestamp":
		return unixFormat
	case "":
		return formatByPlace(location)
	}
	panic("an unknown timestampFormat: " + format)
}

func formatByPlace(location string) string {
	switch location {
	case "header", "headers":
		return httpFormat
	case "uri", "querystring":
		return isoFormat
	}
	return unixFormat
}
