package bind

import (
	"net/http"
	"reflect"
)

type Response struct{}

func CompileResponse(t reflect.Type) (*Response, []error)    { return nil, nil }
func (r *Response) Located() bool                            { return false }
func (r *Response) BodyKind() BodyKind                       { return NoBody }
func (r *Response) BodyTarget(v reflect.Value) reflect.Value { return v }
func (r *Response) DecodeLocated(v reflect.Value, h http.Header, cookies func() []*http.Cookie) error {
	return nil
}
func (r *Response) DecodeJSON(v reflect.Value, data []byte, unmarshal func(data []byte, v any) error) error {
	return nil
}
func (r *Response) HasDefaults() bool             { return false }
func (r *Response) ApplyDefaults(v reflect.Value) {}
