package bench

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/crest-go/crest"
)

// Starting is something that a program does once: a row of the table of starts.
type Starting struct {
	Name string
	What string
	Over string  // what its time is given in
	Goal float64 // the most it may be; 0 for none
}

// Endpoints is how many a program declares that has many.
const Endpoints = 10_000

const (
	startings     = "start"    // stands in the keys of their figures in place of a link
	startDistinct = "distinct" // the one whose cause the page tells
)

// Startings lists all of them. The goals of the first two were set as times, 12 and 120 µs: they are over the
// 5.8 µs that the call took then.
func Startings() []Starting {
	const call, most = "a GET of careless in memory", "100 ms"
	return []Starting{
		{Name: "declare", What: "declaring an endpoint whose models are new", Over: call, Goal: 12 / 5.8},
		{Name: "first", What: "the first call of an endpoint", Over: call, Goal: 120 / 5.8},
		{Name: "client", What: "making a client", Over: call},
		{Name: "shared", What: "declaring 10,000 endpoints that share their models", Over: most, Goal: 1},
		{Name: startDistinct, What: "declaring 10,000 endpoints, each with models of its own", Over: most, Goal: 1},
		{Name: "each", What: "one of these 10,000", Over: "one of the first 100", Goal: 1.5},
	}
}

// Start does all of it once, with n endpoints for many, if there are any. It is for a process
// that has done nothing else: what is made stays in memory.
func Start(ctx context.Context, n int) (map[string]float64, error) {
	s := &start{ratios: map[string]float64{}}
	steps := []func(context.Context, int) error{s.unit, s.few, s.clients}
	if n > 0 {
		steps = append(steps, s.shared, s.distinct)
	}
	for _, step := range steps {
		if err := step(ctx, n); err != nil {
			return nil, err
		}
	}
	return s.ratios, nil
}

type start struct {
	ratios map[string]float64
	call   time.Duration // one of careless
	early  time.Duration // one of the first declarations
}

// timed is how long each of n takes.
func timed(n int, do func(i int) error) (time.Duration, error) {
	began := time.Now()
	for i := range n {
		if err := do(i); err != nil {
			return 0, err
		}
	}
	return time.Since(began) / time.Duration(n), nil
}

func (s *start) unit(ctx context.Context, _ int) (err error) {
	const count = 10_000
	calls, err := careless().New(Memory().Base, memory{})
	if err != nil {
		return err
	}
	get := bindGet(calls, Quick)
	for range 2 { // the second is warm
		if s.call, err = timed(count, func(int) error { return get(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// few declares a hundred endpoints and calls each for the first time.
func (s *start) few(ctx context.Context, _ int) error {
	const count = 100
	c, err := crest.New[*APIError](Memory().Base, crest.WithTransport(memory{}))
	if err != nil {
		return err
	}
	models := newModels("few", count)
	endpoints := make([]*crest.Endpoint[any, any], count)
	s.early, err = timed(count, func(i int) error {
		endpoints[i], err = models[i].declare("/v1/orders/{id}")
		return err
	})
	if err != nil {
		return err
	}
	s.ratios["declare"] = s.over(s.early, s.call)
	first, err := timed(count, func(i int) error {
		_, err := endpoints[i].Call(ctx, c, models[i].in)
		return err
	})
	s.ratios["first"] = s.over(first, s.call)
	return err
}

func (s *start) clients(context.Context, int) error {
	made, err := timed(100, func(int) error {
		_, err := crest.New[*APIError](Memory().Base, crest.WithTransport(memory{}))
		return err
	})
	s.ratios["client"] = s.over(made, s.call)
	return err
}

func (s *start) shared(_ context.Context, n int) error {
	models := newModels("shared", 1)[0]
	routes := make([]string, n)
	for i := range routes {
		routes[i] = fmt.Sprintf("/v1/%d/orders/{id}", i)
	}
	each, err := timed(n, func(i int) error {
		_, err := models.declare(routes[i])
		return err
	})
	s.ratios["shared"] = s.over(each*Endpoints, 100*time.Millisecond)
	return err
}

func (s *start) distinct(_ context.Context, n int) error {
	models := newModels("distinct", n)
	each, err := timed(n, func(i int) error {
		_, err := models[i].declare("/v1/orders/{id}")
		return err
	})
	s.ratios[startDistinct] = s.over(each*Endpoints, 100*time.Millisecond)
	s.ratios["each"] = s.over(each, s.early)
	return err
}

func (*start) over(what, unit time.Duration) float64 { return float64(what) / float64(unit) }

// models are those of an endpoint like the GET of the tables, made at run time
// so that there can be any number of different ones.
type models struct {
	req, res reflect.Type
	in       any
}

func newModels(name string, n int) []models {
	all := make([]models, n)
	for i := range all {
		mark := reflect.StructTag(fmt.Sprintf("mark:%q", fmt.Sprintf("%s-%d", name, i)))
		req := renewed(reflect.TypeFor[GetOrder](), mark)
		in := reflect.New(req).Elem()
		in.Set(reflect.ValueOf(getInput).Convert(req))
		all[i] = models{req, renewed(reflect.TypeFor[Order](), mark), in.Interface()}
	}
	return all
}

// renewed is a type like t that no program has seen before.
func renewed(t reflect.Type, mark reflect.StructTag) reflect.Type {
	fields := reflect.VisibleFields(t)
	for i := range fields {
		fields[i].Tag += " " + mark
	}
	return reflect.StructOf(fields)
}

func (m models) declare(route string) (*crest.Endpoint[any, any], error) {
	return crest.NewEndpointOf(http.MethodGet, route, m.req, m.res)
}

// Started notes what one process found.
func (r Report) Started(ratios map[string]float64) {
	for name, ratio := range ratios {
		f := r.figures(Key{startings, name, sideWhat})
		f.Ratios = append(f.Ratios, ratio)
	}
}
