package crest_test

import (
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// credentialSources are the options that name an Authorization, each with what it sends for the text x.
var credentialSources = map[string]struct {
	option func(x string) crest.Option
	want   func(x string) string
}{
	"header":        {func(x string) crest.Option { return crest.WithHeader("authorization", x) }, func(x string) string { return x }},
	"bearer":        {func(x string) crest.Option { return crest.WithBearer(crest.NewSecret(x)) }, func(x string) string { return "Bearer " + x }},
	"authorization": {func(x string) crest.Option { return crest.WithAuthorization("OAuth", crest.NewSecret(x)) }, func(x string) string { return "OAuth " + x }},
	"basic": {func(x string) crest.Option { return crest.WithBasic("u", crest.NewSecret(x)) }, func(x string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte("u:"+x))
	}},
	"digest": {func(x string) crest.Option { return crest.WithDigest("u", crest.NewSecret(x)) }, func(string) string { return "" }},
	"signer": {func(x string) crest.Option {
		return crest.WithAuth(crest.AuthFunc(func(req *http.Request) error { req.Header.Set("Authorization", "Sign "+x); return nil }))
	}, func(x string) string { return "Sign " + x }},
	"key":  {func(x string) crest.Option { return crest.WithAPIKey("Authorization", crest.NewSecret(x)) }, func(x string) string { return x }},
	"none": {func(string) crest.Option { return crest.WithoutHeader("Authorization") }, func(string) string { return "" }},
}

// D11: the nearest level that names a source wins, whatever the source; the netrc file comes last. The pairs are all of them.
func TestD11NearestSourceWins(t *testing.T) {
	file := netrcFile(t, netrcText)
	for farName, far := range credentialSources {
		for nearName, near := range credentialSources {
			for levels, run := range map[string]func(c func(...crest.ClientOption) crest.Caller, far, near crest.Option) error{
				"endpoint over client": func(c func(...crest.ClientOption) crest.Caller, far, near crest.Option) error {
					_, err := crest.Get[crest.Empty, crest.Empty]("/x", near).Call(t.Context(), c(far), crest.Empty{})
					return err
				},
				"call over client": func(c func(...crest.ClientOption) crest.Caller, far, near crest.Option) error {
					_, err := crest.Get[crest.Empty, crest.Empty]("/x").Call(t.Context(), c(far), crest.Empty{}, near)
					return err
				},
				"call over endpoint": func(c func(...crest.ClientOption) crest.Caller, far, near crest.Option) error {
					_, err := crest.Get[crest.Empty, crest.Empty]("/x", far).Call(t.Context(), c(), crest.Empty{}, near)
					return err
				},
			} {
				t.Run(nearName+" "+levels+" "+farName, func(t *testing.T) {
					rec := &recorder{}
					client := func(opts ...crest.ClientOption) crest.Caller {
						return newClient(t, "https://api.example.com", append(opts, crest.WithTransport(rec), crest.WithNetrc(file))...)
					}
					require.NoError(t, run(client, far.option("far"), near.option("near")))
					got := rec.last(t).Header.Values("Authorization")
					if want := near.want("near"); want != "" {
						require.Equal(t, []string{want}, got)
					} else {
						require.Empty(t, got)
					}
				})
			}
		}
	}
}

// D11: two sources at one level are a mistake, be it at New, at the declaration or in the call. The exceptions: of two options the last counts.
func TestD11TwoSourcesAtOneLevel(t *testing.T) {
	auth := map[string]string{"bearer": "WithBearer", "authorization": "WithAuthorization", "basic": "WithBasic", "digest": "WithDigest", "signer": "WithAuth"}
	for header, headerOption := range map[string]string{"header": "WithHeader", "key": "WithAPIKey"} {
		for other, otherOption := range auth {
			for _, first := range []bool{true, false} {
				t.Run(header+" and "+other, func(t *testing.T) {
					pair := []crest.Option{credentialSources[header].option("a"), credentialSources[other].option("s3cr3t")}
					if !first {
						pair[0], pair[1] = pair[1], pair[0]
					}
					_, err := crest.New[*failure]("https://api.example.com", pair[0], pair[1])
					require.ErrorContains(t, err, "at one level: keep one of them")
					require.ErrorContains(t, err, headerOption)
					require.ErrorContains(t, err, otherOption)
					require.NotContains(t, err.Error(), "s3cr3t")
					require.Panics(t, func() { crest.Get[crest.Empty, crest.Empty]("/x", pair[0], pair[1]) })
					rec := &recorder{}
					c := newClient(t, "https://api.example.com", crest.WithTransport(rec))
					_, err = ping.Call(t.Context(), c, crest.Empty{}, pair[0], pair[1])
					fails(t, err, crest.ErrRequest, "", crest.SentNo)
					rec.none(t)
				})
			}
		}
	}
	rec := &recorder{}
	c := newClient(t, "https://api.example.com", crest.WithTransport(rec), crest.WithBearer(crest.NewSecret("a")), crest.WithBasic("u", crest.NewSecret("b")), crest.WithBearer(crest.NewSecret("c")))
	_, err := ping.Call(t.Context(), c, crest.Empty{})
	require.NoError(t, err)
	require.Equal(t, []string{"Bearer c"}, rec.last(t).Header.Values("Authorization"))
}

// A field of the model stands between the call's options and those of the endpoint.
func TestD11ModelField(t *testing.T) {
	type plain struct {
		Auth string `header:"Authorization"`
	}
	type secret struct {
		Auth crest.Secret `header:"Authorization"`
	}
	for name, source := range credentialSources {
		for level, want := range map[string]string{"client": "model", "endpoint": "model", "call": source.want("near")} {
			t.Run(name+" "+level, func(t *testing.T) {
				rec := &recorder{}
				var client, endpoint, call crest.Option
				switch level {
				case "client":
					client = source.option("near")
				case "endpoint":
					endpoint = source.option("near")
				default:
					call = source.option("near")
				}
				c := newClient(t, "https://api.example.com", crest.WithTransport(rec), client)
				_, err := crest.Get[plain, crest.Empty]("/x", endpoint).Call(t.Context(), c, plain{"model"}, call)
				require.NoError(t, err)
				require.Equal(t, want, rec.last(t).Header.Get("Authorization"))
				_, err = crest.Get[secret, crest.Empty]("/x", endpoint).Call(t.Context(), c, secret{crest.NewSecret("model")}, call)
				require.NoError(t, err)
				got := rec.last(t).Header.Values("Authorization")
				require.LessOrEqual(t, len(got), 1)
				require.Equal(t, want, http.Header{"Authorization": got}.Get("Authorization"))
			})
		}
	}
}
