package websocket

import (
	"context"
	"fmt"
	"time"
)

// startHeartbeat pings until the connection is over.
func (l *link) startHeartbeat() {
	interval := l.options.Heartbeat
	if interval == 0 {
		return
	}
	l.beating.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-l.done:
				return
			case <-ticker.C:
				l.beat(interval / 2)
			}
		}
	})
}

// beat sends one ping. A missing pong says something only of a connection that is being read.
func (l *link) beat(patience time.Duration) {
	receives, before := l.receives.Load(), l.wire.arrived()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if l.conn.Ping(ctx) == nil {
		return
	}
	waited := receives%2 == 1 && l.receives.Load() == receives // the same Receive, all the time
	if waited && l.wire.arrived() == before && l.finish(&CloseError{Code: Lost}, fmt.Errorf("the connection was lost: no pong came within %v", patience)) {
		_ = l.conn.CloseNow()
	}
}
