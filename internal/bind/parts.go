package bind

import "net/http"

// Place says where a field goes.
type Place int

// The places that a tag can name; inBody is the untagged field Body.
const (
	Path Place = iota
	Query
	Header
	Cookie
	inForm
	inJSON
	inBody
)

var placeNames = [...]string{"path", "query", "header", "cookie", "form", "json", "Body"}

// String gives the tag of the place: "path", "query" and so on.
func (p Place) String() string { return placeNames[p] }

// Parts is what a request model becomes, apart from its body.
// The zero value is ready for [Request.Encode], which appends to it.
type Parts struct {
	// Path is escaped and begins with what stood in it before, then "/".
	Path []byte
	// ClearPath is nil unless a path field is a secret: then it is the path
	// in clear, and Path has %5Bredacted%5D in the secret's place.
	ClearPath []byte
	// Query holds escaped pairs without "?": the route's constants first,
	// then the fields in their declared order.
	Query []byte
	// Header has canonical names. It is made when the first header is set.
	Header http.Header
	// Lines is room for the lines of headers; what does not fit is allocated.
	Lines []string

	headers int // how many are likely
	// Cookies are in declared order.
	Cookies []Pair
	// Secrets are the located fields that hold a secret. They stand nowhere
	// else (but in ClearPath) and are attached by the authorize step.
	Secrets []SecretPair
}

// Pair is a name and its value.
type Pair struct{ Name, Value string }

// SecretPair is a located field that holds a secret. Value is in clear and
// checked for its place; for the query it is not yet escaped.
type SecretPair struct {
	In          Place
	Name, Value string
}

// addHeader adds a line.
func (p *Parts) addHeader(name, value string) {
	if old := p.Header[name]; old != nil {
		p.Header[name] = append(old, value)
		return
	}
	p.SetHeader(name, value)
}

// SetHeader sets the lines of a canonical name, which are copied. As long as there is room all names share one allocation.
func (p *Parts) SetHeader(name string, values ...string) {
	if p.Header == nil {
		p.Header = make(http.Header, p.headers)
	}
	from := len(p.Lines)
	if from+len(values) > cap(p.Lines) {
		p.Header[name] = append([]string(nil), values...)
		return
	}
	p.Lines = append(p.Lines, values...)
	p.Header[name] = p.Lines[from:len(p.Lines):len(p.Lines)]
}
