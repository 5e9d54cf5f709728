package crest

import (
	"encoding/json"
	"strings"
)

// Problem is the stock error model: the problem details of RFC 9457. Use *Problem as E for an API that
// answers application/problem+json, or to have something before its own model is known. A model that adds members lists these beside its own: one that embeds Problem has its
// UnmarshalJSON, which reads no other field.
type Problem struct {
	Type     string `json:"type,omitempty"` // a URI; "about:blank" when absent
	Title    string `json:"title,omitempty"`
	Status   int    `json:"status,omitempty"` // what the body says; Error.StatusCode is what was sent
	Detail   string `json:"detail,omitempty"`
	Instance string `json:"instance,omitempty"`

	// Extensions are the members beyond those of section 3.1, undecoded.
	Extensions map[string]json.RawMessage `json:"-"`
}

// Error returns title and detail, as far as they are there.
func (p *Problem) Error() string {
	if p == nil {
		return ""
	}
	parts := make([]string, 0, 2)
	for _, s := range []string{p.Title, p.Detail} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// UnmarshalJSON reads the members of section 3.1 and keeps the others in Extensions. A member of
// the wrong type is ignored, as section 3.1 asks.
func (p *Problem) UnmarshalJSON(data []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	if members == nil {
		return nil
	}
	*p = Problem{}
	for name, to := range map[string]any{
		"type": &p.Type, "title": &p.Title, "status": &p.Status, "detail": &p.Detail, "instance": &p.Instance,
	} {
		if raw, ok := members[name]; ok {
			_ = json.Unmarshal(raw, to) // RFC 9457, section 3.1: ignore what has the wrong type
			delete(members, name)
		}
	}
	if len(members) > 0 {
		p.Extensions = members
	}
	return nil
}
