package bind

import "reflect"

// AppendForm appends the form fields as application/x-www-form-urlencoded, in
// declared order. A space is %20, which every reader of forms understands.
// Secrets are in clear: a body is not hidden.
func (r *Request) AppendForm(dst []byte, v reflect.Value) ([]byte, error) {
	v, err := r.open(v)
	if err != nil {
		return dst, err
	}
	form := dst[len(dst):] // pairs are separated from each other, not from what stands before
	for _, e := range r.body.form {
		n, value, is, err := e.opened(v)
		if err == nil && is != absent {
			form, err = e.pairs(form, v, n, value, is)
		}
		if err != nil {
			return dst, e.fail(err)
		}
	}
	return append(dst, form...), nil
}
