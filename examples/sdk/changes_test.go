package bookshop

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
	"github.com/crest-go/crest/cresttest"
)

var noon = time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)

func event(id, kind string) crest.Event[changed] {
	return crest.Event[changed]{ID: id, Type: kind, Data: changed{ISBN: dune.ISBN, At: noon}}
}

// Inside the bubble the wait before a reconnect takes no time.
func TestChangesGoOnAfterALostConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := faked(t)
		cresttest.HandleStream(srv, watchChanges, func(ctx context.Context, req changesRequest, send func(crest.Event[changed]) error) error {
			switch req.After {
			case FirstChange:
				return errors.Join(send(event("1", "created")), send(event("2", "updated")), errors.New("the connection is cut here"))
			case "2":
				return errors.Join(send(event("3", "deleted")), ctx.Err())
			}
			return &crest.Error{StatusCode: 400}
		})
		var got []Change
		for change, err := range c.Changes(t.Context(), FirstChange) {
			require.NoError(t, err)
			if got = append(got, change); len(got) == 3 {
				break
			}
		}
		require.Equal(t, []Change{
			{"1", Created, dune.ISBN, noon}, {"2", Updated, dune.ISBN, noon}, {"3", Deleted, dune.ISBN, noon},
		}, got)
		require.Len(t, cresttest.Calls(srv, watchChanges), 2)
	})
}

func TestChangesEndWithTheirContext(t *testing.T) {
	srv, c := faked(t)
	cresttest.HandleStream(srv, watchChanges, func(ctx context.Context, _ changesRequest, send func(crest.Event[changed]) error) error {
		if err := send(event("1", "created")); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for change, err := range c.Changes(ctx, "") {
		if err == nil {
			require.Equal(t, "1", change.ID)
			cancel()
			continue
		}
		require.Zero(t, change)
		last = err
	}
	require.ErrorIs(t, last, context.Canceled)
	require.Empty(t, cresttest.Calls(srv, watchChanges)[0].Header.Values("Last-Event-ID"), "from now on")
}
