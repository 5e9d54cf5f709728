package stripe

import (
	"bytes"
	"encoding/json"
	"time"
)

// Timestamp is a moment in seconds since 1970, which is how Stripe writes all of them. 0 is none.
type Timestamp int64

// At is the Timestamp of a time; what is below a second is cut off.
func At(t time.Time) Timestamp { return Timestamp(t.Unix()) }

// Time is the moment in local time.
func (t Timestamp) Time() time.Time { return time.Unix(int64(t), 0) }

// Expandable is an object that Stripe names by its ID, and gives as a whole where the call asks for it. The zero value is none.
type Expandable[T any] struct {
	ID     string // there in both cases
	Object *T     // nil unless it was asked for
}

// UnmarshalJSON reads an ID or an object.
func (e *Expandable[T]) UnmarshalJSON(data []byte) error {
	*e = Expandable[T]{}
	if !bytes.HasPrefix(data, []byte("{")) {
		return json.Unmarshal(data, &e.ID)
	}
	var named struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(data, &named); err != nil {
		return err
	}
	e.ID = named.ID
	return json.Unmarshal(data, &e.Object)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (e Expandable[T]) MarshalJSON() ([]byte, error) {
	switch {
	case e.Object != nil:
		return json.Marshal(e.Object)
	case e.ID == "":
		return []byte("null"), nil
	}
	return json.Marshal(e.ID)
}
