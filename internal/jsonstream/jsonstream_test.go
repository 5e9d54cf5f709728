package jsonstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

const limit = 16 << 20

// readAll reads a stream to its end.
func readAll(r *Reader) (texts []string, err error) {
	for {
		text, err := r.Next()
		if err != nil {
			return texts, err
		}
		texts = append(texts, string(text))
	}
}

var (
	errSyntax = &SyntaxError{}
	errLarge  = &TooLarge{}
)

func TestTexts(t *testing.T) {
	for name, tt := range map[string]struct {
		format Format
		stream string
		want   []string
		err    error
	}{
		"lines":                  {Lines, "{\"a\":1}\n\n \r\n2\r\n  [3] \n", []string{`{"a":1}`, "2", "[3]"}, io.EOF},
		"lines, the last open":   {Lines, "1\n2", []string{"1", "2"}, io.EOF},
		"lines, the last moved":  {Lines, "\n23", []string{"23"}, io.EOF},
		"lines, a mark":          {Lines, "\uFEFF1\n", []string{"1"}, io.EOF},
		"no lines":               {Lines, "\n\n", nil, io.EOF},
		"nothing":                {Lines, "", nil, io.EOF},
		"text":                   {Lines, "not json\n", []string{"not json"}, io.EOF},
		"sequence":               {Sequence, "\x1e{\"a\":\n1}\n\x1e\x1e\"b\"\n\x1e3\n", []string{"{\"a\":\n1}", `"b"`, "3"}, io.EOF},
		"sequence, a cut number": {Sequence, "\x1e1\n\x1e2", []string{"1"}, io.ErrUnexpectedEOF},
		"sequence, cut between":  {Sequence, "\x1e1\n\x1e2\x1e3\n", []string{"1"}, io.ErrUnexpectedEOF},
		"sequence, a cut object": {Sequence, "\x1e{\"a\"\x1e3\n", nil, io.ErrUnexpectedEOF},
		"sequence, a cut string": {Sequence, "\x1e\"a\x1e3\n", nil, io.ErrUnexpectedEOF},
		"sequence, cut":          {Sequence, "\x1e{\"a\"", nil, io.ErrUnexpectedEOF},
		"sequence, nothing":      {Sequence, "\x1e1\n\x1e", []string{"1"}, io.ErrUnexpectedEOF},
		"no sequence":            {Sequence, "1\n", nil, errSyntax},
		"empty sequence":         {Sequence, "", nil, io.EOF},
		"array":                  {Values, " [ {\"a\":[1,2]} ,\"]\\\"\\\\\" , 3,null] \n", []string{`{"a":[1,2]}`, `"]\"\\"`, "3", "null"}, io.EOF},
		"array, a mark":          {Values, "\uFEFF[1]", []string{"1"}, io.EOF},
		"empty array":            {Values, "[ ]", nil, io.EOF},
		"array without an end":   {Values, "[1,2", []string{"1"}, io.ErrUnexpectedEOF},
		"array, a comma too few": {Values, "[1 2]", []string{"1"}, errSyntax},
		"array, one too many":    {Values, "[1,]", []string{"1"}, errSyntax},
		"array, two too many":    {Values, "[,1]", nil, errSyntax},
		"array, cut at a comma":  {Values, "[1,", []string{"1"}, io.ErrUnexpectedEOF},
		"array, cut at once":     {Values, "[", nil, io.ErrUnexpectedEOF},
		"array, cut in a string": {Values, "[\"a\\", nil, io.ErrUnexpectedEOF},
		"array, a wrong bracket": {Values, "[1}", []string{"1"}, errSyntax},
		"more after an array":    {Values, "[1] 2", []string{"1"}, errSyntax},
		"two arrays":             {Values, "[1][2]", []string{"1"}, errSyntax},
		"values":                 {Values, "{\"a\":1}{\"b\":2}\n 3 \"x\"true", []string{`{"a":1}`, `{"b":2}`, "3", `"x"`, "true"}, io.EOF},
		"values, cut":            {Values, "{\"a\":1}{\"b\"", []string{`{"a":1}`}, io.ErrUnexpectedEOF},
		"values with a comma":    {Values, "1,2", []string{"1"}, errSyntax},
		"no values":              {Values, " \n", nil, io.EOF},
		"half a mark":            {Values, "\xEF\xBB", []string{"\xEF\xBB"}, io.EOF},
	} {
		for way, wrap := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "with its end": iotest.DataErrReader,
		} {
			t.Run(name+"/"+way, func(t *testing.T) {
				r := NewReader(wrap(strings.NewReader(tt.stream)), tt.format, limit)
				got, err := readAll(r)
				require.Equal(t, tt.want, got)
				require.IsType(t, tt.err, err)
				if tt.err == io.EOF || tt.err == io.ErrUnexpectedEOF {
					require.Equal(t, tt.err, err)
				}
				_, again := r.Next()
				require.Equal(t, err, again, "an end stays")
			})
		}
	}
}

// R32: a value of exactly the bound is fine, one byte more is an error.
func TestR32Bounds(t *testing.T) {
	const limit = 100 << 10 // more than one buffer
	text := func(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }
	for name, tt := range map[string]struct {
		format        Format
		before, after string
	}{
		"lines": {Lines, "", "\n"}, "a last line": {Lines, "", ""}, "sequence": {Sequence, "\x1e", "\n"}, "array": {Values, "[", "]"}, "values": {Values, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(NewReader(strings.NewReader(tt.before+text(limit)+tt.after), tt.format, limit))
			require.Equal(t, io.EOF, err)
			require.Len(t, got, 1)
			for _, size := range []int{limit + 1, 10 * limit} {
				r := NewReader(strings.NewReader(tt.before+text(size)+tt.after), tt.format, limit)
				_, err = readAll(r)
				require.IsType(t, errLarge, err)
				require.LessOrEqual(t, len(r.buf), 4*limit)
			}
		})
	}
}

// R32: a line of white space is a line, whose end a server may never send.
func TestR32LineOfSpace(t *testing.T) {
	const limit = 100 << 10
	for _, c := range []string{"\r", " ", "\t"} {
		r := NewReader(strings.NewReader(strings.Repeat(c, 1<<20)), Lines, limit)
		_, err := readAll(r)
		require.IsType(t, errLarge, err, "%q", c)
		require.LessOrEqual(t, len(r.buf), 4*limit)
	}
}

// What lies between the values is not held, and the buffer of a large value is given back.
func TestMemory(t *testing.T) {
	space := strings.Repeat(" \n", 1<<20)
	large := `"` + strings.Repeat("x", 4<<20) + `"`
	r := NewReader(strings.NewReader(space+"["+space+large+space+","+space+"1]"+space), Values, limit)
	got, err := readAll(r)
	require.Equal(t, io.EOF, err)
	require.Len(t, got, 2)
	require.LessOrEqual(t, len(r.buf), 2*bufferSize)
}

// However the bytes come, a megabyte takes no time to speak of.
func TestNoQuadraticTime(t *testing.T) {
	long := `"` + strings.Repeat("x", 1<<20) + `"`
	for format, stream := range map[Format]string{Lines: long, Sequence: "\x1e" + long + "\n", Values: "[" + long + strings.Repeat(",1", 1<<18) + "]"} {
		start := time.Now()
		_, err := readAll(NewReader(iotest.OneByteReader(strings.NewReader(stream)), format, limit))
		require.Equal(t, io.EOF, err)
		require.Less(t, time.Since(start), 10*time.Second)
	}
}

func TestSourceFailures(t *testing.T) {
	broken := errors.New("broken")
	for format, stream := range map[Format]string{Lines: "1\n2", Sequence: "\x1e1\n\x1e2", Values: "[1,2"} {
		r := NewReader(io.MultiReader(strings.NewReader(stream), iotest.ErrReader(broken)), format, limit)
		_, err := readAll(r)
		require.Equal(t, broken, err)
		_, err = readAll(NewReader(silent{}, format, limit))
		require.Equal(t, io.ErrNoProgress, err)
	}
}

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

// FuzzReader holds what is read to encoding/json: the values of a stream are those that its Decoder finds, however the bytes are cut.
func FuzzReader(f *testing.F) {
	for _, s := range []string{`[1,{"a":"]"},"\"",null]`, "1\n{\"a\":[]}\n", "{}{} 3", `[`, "\"\\", "[1 2]", "\x1e1\n"} {
		f.Add([]byte(s), uint64(1))
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		for _, format := range []Format{Lines, Sequence, Values} {
			whole, wholeErr := readAll(NewReader(bytes.NewReader(stream), format, limit))
			cut := &randomReader{bytes.NewReader(stream), rand.New(rand.NewPCG(seed, 0))}
			got, err := readAll(NewReader(cut, format, limit))
			require.Equal(t, whole, got)
			require.Equal(t, wholeErr, err)
		}
		values, err := readAll(NewReader(bytes.NewReader(stream), Values, limit))
		want, valid := decoded(stream)
		switch {
		case bytes.HasPrefix(stream, bom): // which encoding/json refuses
		case valid && allValid(values):
			require.Equal(t, io.EOF, err)
			require.Equal(t, want, values)
		case valid: // it takes 00 for two values
			require.Equal(t, squeezed(want), squeezed(values))
		case err == io.EOF:
			require.False(t, allValid(values), "%q is not what encoding/json takes", values)
		}
	})
}

// decoded are the values of a stream by encoding/json.
func decoded(stream []byte) (texts []string, valid bool) {
	var array []json.RawMessage
	if bytes.HasPrefix(bytes.TrimLeft(stream, " \t\r\n"), []byte("[")) {
		valid = json.Unmarshal(stream, &array) == nil
	} else {
		d := json.NewDecoder(bytes.NewReader(stream))
		for {
			var text json.RawMessage
			err := d.Decode(&text)
			if err != nil {
				valid = err == io.EOF
				break
			}
			array = append(array, text)
		}
	}
	for _, text := range array {
		texts = append(texts, string(text))
	}
	return texts, valid
}

func squeezed(texts []string) string { return strings.Join(texts, "") }

func allValid(texts []string) bool {
	for _, text := range texts {
		if !json.Valid([]byte(text)) {
			return false
		}
	}
	return true
}

// randomReader cuts at random places.
type randomReader struct {
	r   io.Reader
	rng *rand.Rand
}

func (r *randomReader) Read(p []byte) (int, error) {
	return r.r.Read(p[:min(len(p), r.rng.IntN(8))])
}

func BenchmarkReader(b *testing.B) {
	stream := []byte("[" + strings.Repeat(`{"id":12345,"name":"Rex","tags":["a","b"]},`, 10_000) + "0]")
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(bytes.NewReader(stream), Values, limit)
		for _, err := r.Next(); err == nil; _, err = r.Next() {
		}
	}
}
