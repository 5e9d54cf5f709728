package bind

import (
	"reflect"
	"sync"
)

// requestPlan is what a request model's type says, whatever the route.
type requestPlan struct {
	typ      reflect.Type
	model    *model // without fields if the type is no struct and no pointer to one
	pointer  bool
	path     []*encoder
	query    []*encoder
	headers  []*encoder
	cookies  []*encoder
	defaults []*fallback
	body     requestBody
	mistakes []error
}

// requestPlans grows with the types of a program, not with its calls.
var requestPlans sync.Map // of reflect.Type to *requestPlan

func requestPlanOf(t reflect.Type) *requestPlan {
	if p, ok := requestPlans.Load(t); ok {
		return p.(*requestPlan)
	}
	p, _ := requestPlans.LoadOrStore(t, newRequestPlan(t))
	return p.(*requestPlan)
}

func newRequestPlan(t reflect.Type) *requestPlan {
	p := &requestPlan{typ: t}
	p.model, p.pointer = modelOf(t)
	p.mistakes = p.model.mistakes
	p.path = p.encoders(Path)
	p.query = p.encoders(Query)
	p.headers = p.encoders(Header)
	p.cookies = p.encoders(Cookie)
	compete(p.query)
	compete(p.headers)
	p.compileBody()
	p.defaults = p.fallbacks()
	return p
}

// modelOf walks t, or what it points to.
func modelOf(t reflect.Type) (m *model, pointer bool) {
	if t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct {
		return walk(t.Elem()), true
	}
	return walk(t), false
}

func (p *requestPlan) mistake(err error) {
	if err != nil {
		p.mistakes = append(p.mistakes, err)
	}
}

func (p *requestPlan) encoders(place Place) []*encoder {
	var list []*encoder
	for _, f := range p.model.at(place) {
		if place == inForm && attaches(f.typ) {
			continue
		}
		e, err := newEncoder(f)
		if why, refused := TransportHeader(f.name); err == nil && place == Header && refused {
			err = f.mistake("can't be sent by hand: %s; take it out", why)
		}
		if err != nil {
			p.mistake(err)
			continue
		}
		list = append(list, e)
	}
	return list
}
