package bench

import (
	"context"
	"encoding/json"
	"net/http"

	"connectrpc.com/connect"
)

// connectRPC makes the POST as a unary call. Its protocol knows no path
// parameters, and its GET puts the whole message into one query value, so the
// other requests can't be sent with it.
func connectRPC() Contender {
	return Contender{
		Name:   "connect",
		Module: "connectrpc.com/connect",
		Note:   "one POST as a unary call: its protocol has no path, query and error model of our choosing; JSON by encoding/json behind its codec interface, since its own takes protobuf messages only",
		New: func(base string, rt http.RoundTripper) (Calls, error) {
			rpc := connect.NewClient[NewOrder, Receipt](
				&http.Client{Transport: rt}, base+"/v1/orders", connect.WithCodec(plainJSON{}))
			return Calls{Post: func(ctx context.Context, in NewOrder) (out Receipt, err error) {
				resp, err := rpc.CallUnary(ctx, connect.NewRequest(&in))
				if err != nil {
					return out, err
				}
				return *resp.Msg, nil
			}}, nil
		},
	}
}

// plainJSON lets connect carry Go structs as application/json.
type plainJSON struct{}

func (plainJSON) Name() string                       { return "json" }
func (plainJSON) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (plainJSON) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }
