package bind

// FieldError says which field of a model could not be written or read, and
// why. It never holds the field's value; a TextMarshaler's own error, which
// might, is reached only through Unwrap.
type FieldError struct {
	Field   string // the field with its model, such as "GetPetRequest.ID"
	Tag     string // the tag that gives its place, such as `path:"id"`
	Problem string // what is wrong and how to mend it, such as "is empty"
	Err     error  // the cause, or nil
}

// Error names the field, its tag and the problem, and nothing else.
func (e *FieldError) Error() string {
	if e.Tag == "" {
		return e.Field + " " + e.Problem
	}
	return e.Field + " (" + e.Tag + ") " + e.Problem
}

// Unwrap gives the cause, or nil.
func (e *FieldError) Unwrap() error { return e.Err }

// errText is a fixed message as an error.
type errText string

func (e errText) Error() string { return string(e) }

func errMarshalsItself(m *model, method string) error {
	return errText(typeName(m.typ) + " has " + method + ", and is bound field by field, so that it would not be asked: take the method out, or put the body into a field Body (an embedded type may have brought it)")
}
