package bench

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func TestGrowthIsComputedWithinAPass(t *testing.T) {
	all := Report{
		{growths, "G", sideOne}:      {Ratios: []float64{1, 1}},
		{growths, "G", sideMany}:     {Ratios: []float64{5, 10}},
		{growths, "G", sidePeerLess}: {Ratios: []float64{2, 1}},
		{growths, "G", sidePeerMore}: {Ratios: []float64{10, 19}},
	}
	whole := Growth{Name: "G", N: 10}
	require.Equal(t, []float64{0.5, 1}, all.linear(whole))
	require.Equal(t, []float64{0.5, 0.5}, all.another(whole))
	require.Equal(t, []float64{5, 10}, all.linear(Growth{Name: "G", N: 10, many: part{each: true}}))

	all[Key{growths, "G", sideLess}] = &Figures{Ratios: []float64{3, 1}}
	require.Equal(t, []float64{0.25, 0.5}, all.another(whole))
	delete(all, Key{growths, "G", sidePeerLess})
	require.Equal(t, []float64{0.5, 10.0 / 19}, all.another(whole))
	delete(all, Key{growths, "G", sidePeerMore})
	require.Nil(t, all.another(whole))
	require.Nil(t, all.linear(Growth{Name: "unknown", N: 10}))
}

// Both sides of the fields send the same.
func TestFieldsAreTheSame(t *testing.T) {
	for name, newCalls := range map[string][]maker{
		"query":  {crestFields(50, "query", ""), crestFields(50, "query", "required,max=64"), carelessQuery(50)},
		"header": {crestFields(50, "header", ""), carelessHeader(50)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, newCall := range newCalls {
				var seen *http.Request
				f := &Field{nothing: roundTrip(func(req *http.Request) (*http.Response, error) {
					seen = req
					return empty{}.RoundTrip(req)
				})}
				call, err := newCall(f)
				require.NoError(t, err)
				require.NoError(t, call(t.Context()))
				f.Close()
				require.Equal(t, ordersPath, seen.URL.Path)
				for _, field := range fieldNames(50) {
					got := seen.URL.Query()[field]
					if name == "header" {
						got = seen.Header[field]
					}
					require.Equal(t, []string{fieldValue}, got, field)
				}
			}
		})
	}
}

// The rules of the validated fields are looked at by both sides.
func TestValidatedFieldsAreValidated(t *testing.T) {
	const rules = "required,max=3"
	f := &Field{}
	t.Cleanup(f.Close)
	for name, newCall := range map[string]maker{"crest": crestFields(10, "query", rules), "validator/v10": validatorFields(10, rules)} {
		call, err := newCall(f)
		require.NoError(t, err)
		require.ErrorContains(t, call(t.Context()), "max", name)
	}
}

func TestWaitersWait(t *testing.T) {
	for name, newLimiter := range map[string]func(int) crest.Limiter{"crest": newSlowLimiter, timeRate: newSlowRate} {
		t.Run(name, func(t *testing.T) {
			result, err := waiters(newLimiter, 2)(&Field{scale: Scale{Waiters: 500}})(t.Context())
			require.NoError(t, err)
			require.Equal(t, 250, result.N)
			require.Positive(t, result.T)
		})
	}
}

// A limiter that lets them through would be timed for nothing.
func TestWaitersMustWait(t *testing.T) {
	open := func(int) crest.Limiter { return newTimeRate() }
	_, err := waiters(open, 1)(&Field{scale: Scale{Waiters: 10}})(t.Context())
	require.ErrorIs(t, err, errUnexpected)
}

func TestPagesAreTheSame(t *testing.T) {
	for name, way := range map[string]func(context.Context, crest.Caller) (int, error){"pager": byPager, "by hand": byHand} {
		t.Run(name, func(t *testing.T) {
			var queries []string
			pages := newBook(3)
			f := &Field{}
			t.Cleanup(f.Close)
			c, err := f.client(roundTrip(func(req *http.Request) (*http.Response, error) {
				queries = append(queries, req.URL.RawQuery)
				return pages.RoundTrip(req)
			}))
			require.NoError(t, err)
			items, err := way(t.Context(), c)
			require.NoError(t, err)
			require.Equal(t, 3*perPage, items)
			require.Equal(t, []string{"", "cursor=1", "cursor=2"}, queries)
		})
	}
}

func TestCellReportsAFailedSample(t *testing.T) {
	failure := errors.New("no")
	c := &Cell{sample: func(context.Context) (r testing.BenchmarkResult, err error) { return r, failure }}
	_, err := c.time(t.Context())
	require.ErrorIs(t, err, failure)
}
