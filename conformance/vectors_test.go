package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// vectorsFloor is how many rows passed when the list of skips was last touched.
const vectorsFloor = 563

// vectorAreas are the areas that the drivers of this package take: the beginning of a case's area.
var vectorAreas = []string{
	"url", "header", "merge", "hooks", "body", "params", "request", "response", "error", "model", "args", "util",
	"upload", "page", "box", "timeout", "retry", "redirect", "cookie", "cookiejar", "session", "auth", "client", "ws", "log",
}

// vector is one case of vectors.json; the format is described beside the file, in VECTORS.md.
type vector struct {
	ID, System, Area string
	Given            map[string]any
	When             map[string]any
	Then             map[string]any
	Policy           string
	Crest            *override
	Source           any
	Note, CVE        string
	Derived          bool
}

// vectorRow is an entry of given.cases.
type vectorRow struct {
	In, Want map[string]any
	Policy   string
	Crest    *override
	Note     string
}

// override is what crest holds instead of a recorded expectation.
type override struct {
	Then, Want, Given, In map[string]any
	Skip, Why             string
}

// facts are what a driver observed, under the keys of the expectation. A value of type check decides by itself.
type facts map[string]any

// check compares an expectation that is no plain value.
type check func(want any) error

// driver plays one row against crest. The error is what the call (or the declaration, or New) ended with;
// troubles of the driver itself are panics, which fail the row.
type driver func(r *row) (facts, error)

// drivers are the operations by their names in when.op.
var drivers = map[string]driver{
	"prepare":              prepare,
	"prepare_body":         prepareBody,
	"prepare_method":       prepareMethod,
	"validate_header":      validateHeader,
	"merged_headers":       mergedHeaders,
	"merged_query":         mergedQuery,
	"merge_setting":        mergeSetting,
	"merge_hooks":          mergeHooks,
	"dispatch_hooks":       dispatchHooks,
	"join_url":             joinURL,
	"requote":              requote,
	"request_target":       requestTarget,
	"flatten":              flattenValue,
	"flatten_params":       flattenParams,
	"drop_null":            dropNull,
	"json":                 answerJSON,
	"decode":               decodeModel,
	"text":                 answerText,
	"guess_json_encoding":  guessEncoding,
	"content_type":         contentType,
	"parse_content_type":   parseContentType,
	"parse_mimetype":       parseMimetype,
	"content_type_matches": contentTypeMatches,
	"links":                links,
	"parse_link_header":    parseLinkHeader,
	"raise_for_status":     raiseForStatus,
	"iter_content":         iterContent,
	"iter_lines":           iterLines,
	"close_unread":         closeUnread,
	"map_error":            mapError,
	"error_string":         errorString,
	"exchange":             exchange,
	"cookiejar_filter":     jarFilter,
	"cookiejar_filter_at":  jarFilterAt,
	"cookiejar_update":     jarUpdate,
	"cookiejar_iter":       jarUpdate,
	"cookiejar_len":        jarUpdate,
	"cookiejar_roundtrip":  jarRoundtrip,
	"cookiejar_load":       jarLoad,
	"cookie_domain_match":  cookieDomainMatch,
	"cookie_date":          cookieDate,
	"jar_get":              jarGet,
	"retry_delay":          retryDelay,
	"auto_retry":           autoRetry,
	"upload":               upload,
	"iterate":              iterate,
	"redirect_method":      redirectMethod,
	"should_strip_auth":    shouldStripAuth,
	"follow_one":           followOne,
	"manual_follow":        manualFollow,
	"rewind":               rewind,
	"session_by_name":      sessionByName,
	"set_token":            setToken,
	"basic_auth":           basicAuth,
	"basic_auth_decode":    basicAuthDecode,
	"auth_from_url":        authFromURL,
	"netrc_lookup":         netrcLookup,
	"netrc_header":         netrcHeader,
	"new_then_close":       newThenClose,
	"user_agent":           productAgent,
	"redact_values":        redactValues,
	"ws_connect":           wsConnect,
	"ws_receive":           wsReceive,
	"ws_close":             wsClose,
	"ws_timeout":           wsTimeout,
}

func TestVectors(t *testing.T) {
	v := &vectors{t: t, tally: newTally("vectors", nil), met: map[string]bool{}}
	cases := 0
	for _, c := range readVectors(t) {
		if inAreas(c.Area, vectorAreas) {
			cases++
			v.run(c)
		}
	}
	v.tally.suite = fmt.Sprintf("vectors (%d rows of %d cases, %d keys of them wait)", v.rows, cases, v.keys)
	v.checkWaiting()
	v.tally.done(t, vectorsFloor)
}

func readVectors(t *testing.T) []vector {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data(t, "seeds/vectors.json")))
	d.DisallowUnknownFields()
	var cases []vector
	require.NoError(t, d.Decode(&cases))
	return cases
}

// inAreas finds an area in a list, by its whole name or by its beginning.
func inAreas(area string, list []string) bool {
	name, _, _ := strings.Cut(area, ".")
	return slices.Contains(list, area) || slices.Contains(list, name)
}

// vectors is one run over the file.
type vectors struct {
	t     *testing.T
	tally *tally
	met   map[string]bool // entries of waiting that a row matched
	rows  int
	keys  int // keys of expectations that were left out, because they wait for something
}

// run plays the rows of a case; a case without a table is one row.
func (v *vectors) run(c vector) {
	table, ok := c.Given["cases"]
	if !ok {
		v.row(c.ID, &c, vectorRow{})
		return
	}
	for i, entry := range asList(table) {
		v.row(fmt.Sprintf("%s row %d", c.ID, i+1), &c, readRow(c.ID, entry))
	}
}

func readRow(id string, entry any) vectorRow {
	text, err := json.Marshal(entry)
	must(err)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var r vectorRow
	if err := d.Decode(&r); err != nil {
		panic(fmt.Sprintf("%s: %v", id, err))
	}
	return r
}

// alsoUnderPolicy are rows in which crest differs from what was recorded under the policy as well, since no setting takes that back.
var alsoUnderPolicy = map[string]string{
	"F003 row 3": "what a server asks for by Retry-After is waited, and up to a tenth more, whatever the backoff",
}

// row plays one row: as recorded under its policy, and as crest holds it without one.
func (v *vectors) row(id string, c *vector, r vectorRow) {
	v.rows++
	if reason := skipReason(c, r); reason != "" {
		v.tally.leave(id, reason)
		return
	}
	if reason, ok := v.waits(id, c.ID); ok {
		v.tally.leave(id, reason)
		return
	}
	policy := c.Policy + r.Policy
	v.tally.run(id, func() error {
		if policy == "" {
			return v.play(c, expectation(c, r, true), "")
		}
		_, differs := alsoUnderPolicy[id]
		err := v.play(c, expectation(c, r, differs), policy)
		if c.Crest != nil || r.Crest != nil {
			err = errors.Join(err, v.play(c, expectation(c, r, true), ""))
		}
		return err
	})
}

func skipReason(c *vector, r vectorRow) string {
	for _, o := range []*override{c.Crest, r.Crest} {
		if o != nil && o.Skip != "" {
			return o.Skip
		}
	}
	return ""
}

// expectation merges a case and its row, and with instead set what crest holds over both.
func expectation(c *vector, r vectorRow, instead bool) vectorRow {
	out := vectorRow{In: maps.Clone(c.Given), Want: maps.Clone(c.Then)}
	delete(out.In, "cases")
	keepSetURL(c, r, out.In)
	delete(out.Want, "each")
	maps.Copy(out.In, r.In)
	own := r.Want
	if instead && r.Crest != nil {
		maps.Copy(out.In, r.Crest.In)
		if r.Crest.Want != nil {
			own = r.Crest.Want
		}
	}
	maps.Copy(out.Want, own)
	if instead && c.Crest != nil {
		maps.Copy(out.In, c.Crest.Given)
		if c.Crest.Then != nil {
			out.Want = maps.Clone(c.Crest.Then)
		}
	}
	return out
}

// play runs the driver of one row, without the keys of the expectation that wait for something.
func (v *vectors) play(c *vector, r vectorRow, policy string) error {
	for _, key := range sortedKeys(r.Want) {
		if _, ok := v.waits(c.ID + " " + key); ok {
			v.keys++
			delete(r.Want, key)
		}
	}
	own := &row{in: newObject(r.In), when: newObject(c.When), want: r.Want, policy: policy}
	if timed(c, r) {
		return own.inVirtualTime(v.t)
	}
	defer own.end()
	return own.play()
}

// play finds the driver of the operation, and judges what it observed.
func (r *row) play() error {
	op := r.when.text("op")
	drive, ok := drivers[op]
	if !ok {
		return fmt.Errorf("no driver for the operation %q", op)
	}
	got, err := drive(r)
	return r.judge(got, err)
}
