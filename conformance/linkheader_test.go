package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/crest-go/crest"
)

// linkHeaderFloor is how many cases of link-header pass: all of them.
const linkHeaderFloor = 41

// linkCase is an answer's Link header, what it says, and where paging goes on.
type linkCase struct {
	ID   string   `json:"id"`
	Base string   `json:"base"`
	Link []string `json:"link"`
	Want []struct {
		Rel    string            `json:"rel"`
		Href   string            `json:"href"`
		Anchor string            `json:"anchor"`
		Attr   map[string]string `json:"attr"`
	} `json:"want"`
	Next       *string `json:"next"`
	SameOrigin *bool   `json:"same_origin"`
}

// TestLinkHeader gives each header to an endpoint and to a Pager.
func TestLinkHeader(t *testing.T) {
	var suite struct {
		Cases []linkCase `json:"cases"`
	}
	if err := json.Unmarshal(data(t, "suites/link-header/cases.json"), &suite); err != nil {
		t.Fatal(err)
	}
	count := newTally("link-header", nil)
	for _, c := range suite.Cases {
		count.run(c.ID, func() error { return errors.Join(c.links(), c.paging()) })
	}
	count.done(t, linkHeaderFloor)
}

var linkedList = crest.Get[crest.Empty, []int]("/")

// client answers its first request with the case's header. The rest have none; their URLs are kept.
func (c linkCase) client(asked *[]string) (*crest.Client[*crest.Problem], error) {
	u, err := url.Parse(c.Base)
	if err != nil {
		return nil, err
	}
	return crest.New[*crest.Problem](u.Scheme+"://"+u.Host, crest.WithTransport(transport(func(req *http.Request) (*http.Response, error) {
		*asked = append(*asked, req.URL.String())
		header := http.Header{"Content-Type": {"application/json"}}
		if len(*asked) == 1 {
			header["Link"] = c.Link
		}
		return &http.Response{StatusCode: 200, Header: header, Body: io.NopCloser(strings.NewReader("[1]")), Request: req}, nil
	})))
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func (c linkCase) links() error {
	var asked []string
	client, err := c.client(&asked)
	if err != nil {
		return err
	}
	resp, err := linkedList.Do(context.Background(), client, crest.Empty{}, crest.WithURL(c.Base))
	if err != nil {
		return err
	}
	var got []crest.Link
	for _, l := range resp.Links() {
		if l.Rel != "" { // crest keeps links without a relation type, which are none in the suite
			got = append(got, l)
		}
	}
	if len(got) != len(c.Want) {
		return fmt.Errorf("%d links instead of %d: %v", len(got), len(c.Want), got)
	}
	for i, want := range c.Want {
		attr := want.Attr
		if attr == nil {
			attr = map[string]string{}
		}
		if g := got[i]; g.Rel != want.Rel || g.URL != want.Href || g.Anchor != want.Anchor || !reflect.DeepEqual(subset(g.Params, attr), attr) {
			return fmt.Errorf("link %d is %v, not %v", i, g, want)
		}
	}
	return nil
}

// subset is what of all has a name in some.
func subset(all, some map[string]string) map[string]string {
	out := map[string]string{}
	for name := range some {
		if v, ok := all[name]; ok {
			out[name] = v
		}
	}
	return out
}

func (c linkCase) paging() error {
	var asked []string
	client, err := c.client(&asked)
	if err != nil {
		return err
	}
	var failed error
	for _, failed = range crest.NewPager[int](linkedList, crest.Paging{Link: "next"}).Pages(context.Background(), client, crest.Empty{}, crest.WithURL(c.Base)) {
	}
	switch {
	case c.Next == nil && failed == nil && len(asked) == 1:
		return nil
	case c.Next != nil && !*c.SameOrigin && errors.Is(failed, crest.KindPageLink) && len(asked) == 1:
		return nil
	case c.Next != nil && *c.SameOrigin && failed == nil && len(asked) == 2 && asked[1] == strings.Replace(*c.Next, ":443/", "/", 1):
		return nil
	}
	return fmt.Errorf("asked for %q, ended with %v", asked, failed)
}
