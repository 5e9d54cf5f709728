package bind

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUnixRoundTrip(t *testing.T) {
	for want, at := range map[string]time.Time{
		"0":                    time.Unix(0, 0),
		"1576540098":           time.Unix(1576540098, 0),
		"1576540098.123456789": time.Unix(1576540098, 123456789),
		"0.000000001":          time.Unix(0, 1),
		"-0.25":                time.Unix(0, -250e6),
		"-1.25":                time.Unix(-1, -250e6),
		"-2":                   time.Unix(-2, 0),
	} {
		t.Run(want, func(t *testing.T) {
			text, err := appendTime(nil, at, formatUnix)
			require.NoError(t, err)
			require.Equal(t, want, string(text))
			back, err := parseTime(want, formatUnix)
			require.NoError(t, err)
			require.True(t, at.Equal(back), "%v is not %v", back, at)
		})
	}
	for _, bad := range []string{"", "x", "1.x", "1e400", "1.5e0", "1e30", "0x1", "1_0", "1.-5", "9223372036854775808"} {
		_, err := parseTime(bad, formatUnix)
		require.Error(t, err, bad)
	}
}

func TestDatesWithFraction(t *testing.T) {
	got, err := parseTime("Sun, 02 Jan 2000 20:34:56.456 GMT", formatHTTPDate)
	require.NoError(t, err)
	require.Equal(t, 456*time.Millisecond, time.Duration(got.Nanosecond()))
	text, err := appendTime(nil, time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -7200)), formatHTTPDate)
	require.Error(t, err, "in GMT it is the year 10000")
	require.Empty(t, text)
}

// An embedded type that is not exported still shares its exported fields.
func TestEmbeddedUnexported(t *testing.T) {
	type shared struct {
		M level    `query:"m" default:"-"`
		N int      `query:"n" default:"4"`
		O Opt[int] `header:"X-O" default:"5"`
	}
	_, mistakes := CompileRequest(reflect.TypeFor[struct{ shared }](), new(Route), RequestConfig{})
	require.Contains(t, text(mistakes), "can't be read from text")

	type plain struct {
		M level    `query:"m"`
		N int      `query:"n" default:"4"`
		O Opt[int] `header:"X-O" default:"5"`
	}
	type model struct{ plain }
	r := compile(t, "/", model{})
	v, out := own(model{}), new(Parts)
	r.ApplyDefaults(v)
	require.NoError(t, r.Encode(v, out))
	require.Equal(t, "m=level%2F0&n=4", string(out.Query))
	require.Equal(t, "5", out.Header.Get("X-O"))
}
