package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestVectorsDriver holds the driver to its promise that nothing of the data is passed over in silence.
func TestVectorsDriver(t *testing.T) {
	plain := map[string]any{"url": "http://api.test/a"}
	tests := map[string]struct {
		op       string
		in, want map[string]any
		says     string
	}{
		"a row that holds":   {"prepare", plain, map[string]any{"url": "http://api.test/a"}, ""},
		"another value":      {"prepare", plain, map[string]any{"url": "http://api.test/b"}, "instead of"},
		"no error expected":  {"prepare", map[string]any{"url": "api.test"}, map[string]any{"error": nil}, "failed: "},
		"an error expected":  {"prepare", plain, map[string]any{"error": "invalid_url"}, "not invalid_url"},
		"another error":      {"prepare", map[string]any{"url": "api.test"}, map[string]any{"error": "payload"}, "not payload"},
		"an unknown op":      {"teleport", plain, nil, `no driver for the operation "teleport"`},
		"an unknown input":   {"prepare", map[string]any{"url": "http://api.test", "colour": "red"}, nil, `the input "colour"`},
		"an unknown key":     {"prepare", plain, map[string]any{"colour": "red"}, `the key "colour" of the expectation`},
		"an unknown word":    {"prepare", plain, map[string]any{"error": "mishap"}, `the error word "mishap"`},
		"another delay":      {"retry_delay", map[string]any{"retry_number": 1.0, "backoff": 0.001}, map[string]any{"delay_s": 9.0}, "instead of 9"},
		"other attempts":     {"exchange", map[string]any{"retries": 1.0, "server": "always 500"}, map[string]any{"attempts": 3.0}, "the server saw 2"},
		"no retries at all":  {"exchange", map[string]any{"retries": 0.0, "server": "always 500"}, map[string]any{"attempts": 1.0}, ""},
		"other headers":      {"exchange", map[string]any{"server": "200"}, map[string]any{"sent": []any{map[string]any{"present": []any{"X-Retry"}}}}, "request 1: the header X-Retry"},
		"another mishap":     {"auto_retry", map[string]any{"errors": []any{"earthquake"}}, nil, "no mishap is called earthquake"},
		"an unknown server":  {"exchange", map[string]any{"server": "asleep"}, nil, "no server that answers: asleep"},
		"an unknown limit":   {"exchange", map[string]any{"server": "200", "mount_retry": map[string]any{"read": 1.0}}, nil, "mount_retry has [\"read\"]"},
		"an unknown literal": {"prepare_body", map[string]any{"json_special": "{foo: Infinity}"}, nil, "no model for the literal"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := &row{in: newObject(test.in), when: newObject(map[string]any{"op": test.op, "method": "GET"}), want: test.want}
			defer r.end()
			err := attempt(r.play)
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.says)
		})
	}
}
