package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/crest-go/crest"
)

func init() {
	vectorAreas = append(vectorAreas, "download")
	drivers["download_to_writer"] = downloadToWriter
}

// statusClasses are the names that the cases give to statuses.
var statusClasses = map[string]int{"InternalServer": http.StatusInternalServerError, "Gone": http.StatusGone}

// downloadToWriter: a body that goes to a writer, from a server that refuses.
func downloadToWriter(r *row) (facts, error) {
	s := r.serve(reply{status: r.in.number("status", 200), body: r.in.text("body")}.bytes())
	rules := crest.Retry{Max: r.in.retries("n_retries", 0), Backoff: immediately}
	c, err := crest.New[*crest.Problem](s.url(), crest.WithRetry(rules))
	if err != nil {
		return nil, err
	}
	r.after(func() { _ = c.Close() })
	var out bytes.Buffer
	_, err = crest.Download(context.Background(), c, crest.Get[crest.Empty, io.ReadCloser]("/file"), crest.Empty{}, &out)
	return facts{
		"written": out.String(),
		"error_class": check(func(want any) error { // of all rows, in their order
			if !slices.ContainsFunc(asTexts(want), func(class string) bool {
				return errors.Is(err, crest.Status(statusClasses[class])) && statusClasses[class] == r.in.number("status", 0)
			}) {
				return fmt.Errorf("the call ended with %v", err)
			}
			return nil
		}),
	}, nil
}
