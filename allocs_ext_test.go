package crest_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// The models of the budgets have no rules: what those cost is counted in internal/validate.
type (
	parcelRequest struct {
		ID     int64  `path:"id"`
		Expand string `query:"expand"`
		Limit  int    `query:"limit"`
		Tenant string `header:"X-Tenant"`
		Trace  string `header:"X-Trace"`
	}
	parcel struct {
		ID     int64     `json:"id"`
		Name   string    `json:"name"`
		Weight float64   `json:"weight"`
		To     address   `json:"to"`
		Tags   []string  `json:"tags"`
		Sent   time.Time `json:"sent"`
	}
	address struct {
		Street string `json:"street"`
		City   string `json:"city"`
	}
)

const parcelJSON = `{"id":7,"name":"books","weight":1.5,"to":{"street":"Elm","city":"Ulm"},"tags":["new"],"sent":"2026-01-02T03:04:05Z"}`

var (
	getParcel   = crest.Get[parcelRequest, parcel]("/parcels/{id}")
	getLimited  = crest.Get[parcelRequest, parcel]("/parcels/{id}", crest.WithRateLimit(1_000_000, time.Second))
	postParcel  = crest.Post[parcel, parcel]("/parcels")
	listParcels = crest.Get[parcelRequest, []parcel]("/parcels/{id}/all")
	parcelAsked = parcelRequest{ID: 7, Expand: "to", Limit: 3, Tenant: "acme", Trace: "t-1"}
)

// stored answers from memory, with one allocation.
type stored struct {
	status int
	body   []byte
	header http.Header
}

func storedJSON(status int, body string) *stored {
	return &stored{status, []byte(body), http.Header{"Content-Type": {"application/json"}}}
}

func (c *stored) RoundTrip(req *http.Request) (*http.Response, error) {
	closeBody(req)
	a := &struct {
		http.Response
		body unclosed
	}{}
	a.body.Reset(c.body)
	a.Response = http.Response{
		StatusCode: c.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: c.header, ContentLength: int64(len(c.body)), Body: &a.body,
	}
	return &a.Response, nil
}

type unclosed struct{ bytes.Reader }

func (*unclosed) Close() error { return nil }

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// allocations counts those of one call, the transport's one left out.
func allocations(t *testing.T, do func() error) float64 {
	t.Helper()
	require.NoError(t, do())
	return testing.AllocsPerRun(200, func() {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}) - 1
}

// Each budget is what a call takes today: model and request together, the encoded request, what the call keeps of itself, one context
// and its timer, the hooks of httptrace, and what decoding makes of the answer. What is more is a regression.
func TestAllocationBudgets(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	sent, err := time.Parse(time.RFC3339, "2026-01-02T03:04:05Z")
	require.NoError(t, err)
	books := parcel{ID: 7, Name: "books", Weight: 1.5, To: address{"Elm", "Ulm"}, Tags: []string{"new"}, Sent: sent}
	tests := map[string]struct {
		answer *stored
		call   func(crest.Caller) error
		budget float64
	}{
		"GET": {storedJSON(200, parcelJSON), func(c crest.Caller) error {
			_, err := getParcel.Call(t.Context(), c, parcelAsked)
			return err
		}, 19},
		"Do": {storedJSON(200, parcelJSON), func(c crest.Caller) error {
			_, err := getParcel.Do(t.Context(), c, parcelAsked)
			return err
		}, 27},
		"POST": {storedJSON(200, parcelJSON), func(c crest.Caller) error {
			_, err := postParcel.Call(t.Context(), c, books)
			return err
		}, 25},
		"error": {storedJSON(404, `{"code":"gone","message":"no such parcel"}`), func(c crest.Caller) error {
			if _, err := getParcel.Call(t.Context(), c, parcelAsked); !errors.Is(err, crest.Status(404)) {
				return fmt.Errorf("not a 404: %w", err)
			}
			return nil
		}, 24},
		"limited GET": {storedJSON(200, parcelJSON), func(c crest.Caller) error {
			_, err := getLimited.Call(t.Context(), c, parcelAsked)
			return err
		}, 19},
		"list of 20": {storedJSON(200, "["+strings.Repeat(parcelJSON+",", 19)+parcelJSON+"]"), func(c crest.Caller) error {
			_, err := listParcels.Call(t.Context(), c, parcelAsked)
			return err
		}, 118},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "https://api.example.com/v1", crest.WithTransport(test.answer))
			got := allocations(t, func() error { return test.call(c) })
			require.LessOrEqual(t, got, test.budget)
		})
	}
}

// Fifty fields of a request take what one takes, but for the rooms of net/http's own map, and one for all lines.
func TestAllocationsPerField(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	c := newClient(t, "https://api.example.com", crest.WithTransport(storedJSON(200, parcelJSON)))
	const n = 50
	for place, rooms := range map[string]float64{"query": 0, "header": headerRooms(n) - headerRooms(1) + 1} {
		t.Run(place, func(t *testing.T) {
			one := allocationsOfFields(t, c, place, 1, "value")
			many := allocationsOfFields(t, c, place, n, "value")
			require.LessOrEqual(t, many, one+rooms)
		})
	}
}

// headerRooms is what the map takes that holds n headers and those that crest adds.
func headerRooms(n int) float64 {
	names := make([]string, n+4)
	for i := range names {
		names[i] = fmt.Sprintf("X-F%d", i)
	}
	return testing.AllocsPerRun(100, func() {
		kept = make(http.Header, len(names))
		for _, name := range names {
			kept[name] = nil
		}
	})
}

var kept http.Header // keeps the compiler from doing without

func allocationsOfFields(t *testing.T, c crest.Caller, place string, n int, value string) float64 {
	fields := make([]reflect.StructField, n)
	for i := range fields {
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: reflect.TypeFor[string](), Tag: reflect.StructTag(fmt.Sprintf(`%s:"x-f%d"`, place, i))}
	}
	model := reflect.StructOf(fields)
	e, err := crest.NewEndpointOf(http.MethodGet, "/parcels", model, reflect.TypeFor[parcel]())
	require.NoError(t, err)
	req := reflect.New(model)
	for i := range n {
		req.Elem().Field(i).SetString(value)
	}
	return allocations(t, func() error {
		_, err := e.Call(t.Context(), c, req.Interface())
		return err
	})
}
