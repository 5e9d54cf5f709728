package bind

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
)

// redactedPath stands for a secret in the path that may be seen.
const redactedPath = "%5Bredacted%5D"

// span is where a secret stands in the clear path.
type span struct{ start, end int }

// step is a part of the route with the field that fills it.
type step struct {
	part
	e *encoder // nil for literal text
}

// encodePath writes the route with the model's path fields in it.
func (r *Request) encodePath(model reflect.Value, out *Parts) (err error) {
	if len(r.steps) == 0 {
		return nil
	}
	var room [4]span
	secrets := room[:0]
	from := len(out.Path)
	path := slices.Grow(out.Path, r.pathSize)
	var last *encoder
	for _, s := range r.steps {
		if s.e == nil {
			path = append(path, s.literal...)
			continue
		}
		last = s.e
		start := len(path)
		var hide bool
		if path, hide, err = s.e.path(path, model, s.rest); err != nil {
			return s.e.fail(err)
		}
		if hide {
			secrets = append(secrets, span{start, len(path)})
		}
	}
	if last != nil && dottedPath(path[from:]) {
		return last.fail(&problem{text: "makes a dot segment (. or ..) of the path, which would leave the route: send another value"})
	}
	out.Path = path
	if len(secrets) > 0 {
		out.ClearPath, out.Path = path, redactSpans(path, secrets)
	}
	return nil
}

func redactSpans(path []byte, secrets []span) []byte {
	var shown []byte
	from := 0
	for _, s := range secrets {
		shown = append(append(shown, path[from:s.start]...), redactedPath...)
		from = s.end
	}
	return append(shown, path[from:]...)
}

// path appends the field's value, escaped once and checked (R14), and reports
// whether it is a secret: an any may hold one.
func (e *encoder) path(dst []byte, model reflect.Value, rest bool) (_ []byte, hide bool, err error) {
	n, v, is, err := e.opened(model)
	switch {
	case err != nil:
		return dst, false, err
	case is == null:
		return dst, false, &problem{text: "is null, which a path can't hold: give it a value"}
	case is == absent:
		return dst, false, errEmptyPath
	case rest:
		dst, err = e.rest(dst, n, v)
	case n.shape != scalarShape:
		dst, err = e.compound(dst, n, v)
	default:
		dst, err = e.single(dst, n, v)
	}
	return dst, n.secret(), err
}

// single writes one text into one segment.
func (e *encoder) single(dst []byte, n *node, v reflect.Value) (_ []byte, err error) {
	start := len(dst)
	dst = append(dst, e.style.prefix...)
	if e.style.named {
		dst = append(append(dst, e.escaped...), '=')
	}
	value := len(dst)
	if dst, err = n.scalar.append(dst, v); err == nil {
		err = segmentProblem(dst[value:])
	}
	if err != nil {
		return dst[:start], err
	}
	return escapeFrom(dst, value), nil
}

var (
	errEmptyPath = &problem{text: "is empty; a path segment needs a value"}
	errDotted    = &problem{text: "is or holds a dot segment (. or .., perhaps percent-encoded), which would leave the route: send another value"}
)

// segmentProblem judges a value before it is escaped.
func segmentProblem(text []byte) error {
	switch {
	case len(text) == 0:
		return errEmptyPath
	case dotted(text):
		return errDotted
	}
	return nil
}

// compound writes a list or an object into one segment.
func (e *encoder) compound(dst []byte, n *node, v reflect.Value) ([]byte, error) {
	start := len(dst)
	dst, err := e.style.appendTo(dst, e.escaped, n, v, present)
	if err == nil && len(dst) == start {
		err = errEmptyPath
	}
	return dst, err
}

// rest writes {name...}: a string that is split at its slashes, or a list with
// one segment each. Each segment is escaped and checked. One slash at the end
// is kept, because "photos/" and "photos" are different things to many servers;
// an empty segment anywhere else is an error.
func (e *encoder) rest(dst []byte, n *node, v reflect.Value) ([]byte, error) {
	if n.shape == listShape {
		return e.restList(dst, n, v)
	}
	text, err := n.scalar.text(v)
	if err != nil {
		return dst, err
	}
	body, slash := strings.CutSuffix(text, "/")
	for segment := range strings.SplitSeq(body, "/") {
		if dst, err = appendSegment(dst, segment); err != nil {
			return dst, err
		}
	}
	if !slash {
		dst = dst[:len(dst)-1]
	}
	return dst, nil
}

func (e *encoder) restList(dst []byte, n *node, v reflect.Value) ([]byte, error) {
	err := n.each(v, func(i item) error {
		text, err := i.text()
		if err == nil {
			dst, err = appendSegment(dst, text)
		}
		return err
	})
	return bytes.TrimSuffix(dst, []byte("/")), err
}

// appendSegment appends a segment and a slash. Whether it is a dot segment is
// seen when the path is whole.
func appendSegment(dst []byte, segment string) ([]byte, error) {
	if segment == "" {
		return dst, &problem{text: "holds an empty segment: take out the slash at the start, or the doubled one"}
	}
	return append(AppendQueryEscape(dst, segment), '/'), nil
}

// fillsRest reports whether the field can fill {name...}.
func (e *encoder) fillsRest() bool {
	plain := e.options.style == "" && e.options.explode == ""
	return plain && e.node.shape != mapShape && e.node.shape != structShape
}
