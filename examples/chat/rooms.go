package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/crest-go/crest/examples/chat/chatapi"
)

// rooms is the server's side: who is where. It is safe for concurrent use.
type rooms struct {
	mu      sync.Mutex
	members map[string]map[string]*websocket.Conn // by room and name; nil while a member is on the way in
}

func newRooms() *rooms { return &rooms{members: map[string]map[string]*websocket.Conn{}} }

func (rs *rooms) serve(w http.ResponseWriter, r *http.Request) {
	room, name := r.PathValue("room"), r.URL.Query().Get("name")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+key:
		refuse(w, http.StatusUnauthorized, "unauthorized", "the key is wrong")
		return
	case !rs.reserve(room, name):
		refuse(w, http.StatusConflict, "conflict", "somebody of that name is here already")
		return
	}
	defer rs.leave(room, name)
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	rs.enter(room, name, conn)
	for {
		var say chatapi.Say
		if wsjson.Read(r.Context(), conn, &say) != nil {
			return
		}
		if say.Text == strings.ToUpper(say.Text) {
			_ = conn.Close(chatapi.Shouting, "quiet, please")
			return
		}
		rs.tell(room, chatapi.Said{From: name, Text: say.Text})
	}
}

func (rs *rooms) reserve(room, name string) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.members[room] == nil {
		rs.members[room] = map[string]*websocket.Conn{}
	}
	_, taken := rs.members[room][name]
	if !taken {
		rs.members[room][name] = nil
	}
	return !taken
}

func (rs *rooms) enter(room, name string, conn *websocket.Conn) {
	rs.mu.Lock()
	rs.members[room][name] = conn
	rs.mu.Unlock()
	rs.tell(room, chatapi.Said{From: "room", Text: name + " is here"})
}

func (rs *rooms) leave(room, name string) {
	rs.mu.Lock()
	delete(rs.members[room], name)
	rs.mu.Unlock()
	rs.tell(room, chatapi.Said{From: "room", Text: name + " has left"})
}

// tell sends to everyone in the room, in one order for all.
func (rs *rooms) tell(room string, said chatapi.Said) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, conn := range rs.members[room] {
		if conn != nil {
			_ = wsjson.Write(ctx, conn, said)
		}
	}
}
