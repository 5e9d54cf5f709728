package validate

import (
	"fmt"
	"log/slog"
	"reflect"
	"time"
)

// optional is a field with three states: a *T and where its state is kept.
type optional interface {
	Inner() (value any, state *uint8)
}

// stateValue is the state of an optional field that holds a value.
const stateValue = 2

// secret is what tells a secret from other types: it can be revealed, and it
// hides itself from logs and from fmt.
type secret interface {
	Reveal() string
	LogValue() slog.Value
	Format(fmt.State, rune)
}

// asker is a model that validates itself.
type asker interface{ Validate() error }

var (
	optionalType = reflect.TypeFor[optional]()
	secretType   = reflect.TypeFor[secret]()
	askerType    = reflect.TypeFor[asker]()
	timeType     = reflect.TypeFor[time.Time]()
)

func isOptional(t reflect.Type) bool { return innerType(t) != nil }

func isSecret(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.Implements(secretType)
}

// isModel reports whether the engine would look into the fields of t: it takes
// whatever converts to a time for a plain value.
func isModel(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !t.ConvertibleTo(timeType) && !isSecret(t)
}

// innerType is what an optional field holds, nil for other types. It asks a zero
// value, because no exported field shows the type. A struct that embeds a pointer
// to an optional field has its methods too, which the zero value can't run.
func innerType(t reflect.Type) (inner reflect.Type) {
	if t.Kind() != reflect.Struct || !reflect.PointerTo(t).Implements(optionalType) {
		return nil
	}
	defer func() {
		if recover() != nil {
			inner = nil
		}
	}()
	value, state := reflect.New(t).Interface().(optional).Inner()
	if p := reflect.TypeOf(value); state != nil && p != nil && p.Kind() == reflect.Pointer {
		return p.Elem()
	}
	return nil
}

// inner returns the value of an optional field as a pointer, nil when it has none.
func inner(v reflect.Value) reflect.Value {
	value, state := addressable(v).Addr().Interface().(optional).Inner()
	p := reflect.ValueOf(value)
	if *state != stateValue {
		return reflect.Zero(p.Type())
	}
	return p
}

// settle strips pointers and optional fields off a type, as the engine does
// before it runs a rule. It gives up on types such as type P *P.
func settle(t reflect.Type) (base reflect.Type, isOpt bool) {
	for range 100 {
		switch {
		case t.Kind() == reflect.Pointer:
			t = t.Elem()
		case isOptional(t):
			t, isOpt = innerType(t), true
		default:
			return t, isOpt
		}
	}
	return t, isOpt
}

// standIn is what the engine sees in place of an optional field: a pointer.
func standIn(v reflect.Value) any { return inner(v).Interface() }

// secretStandIn is what it sees in place of a secret: whether there is one.
// An empty secret, by its IsZero, counts as absent.
func secretStandIn(v reflect.Value) any {
	absent := v.IsZero()
	if z, ok := v.Interface().(interface{ IsZero() bool }); ok {
		absent = z.IsZero()
	}
	if absent {
		return (*bool)(nil)
	}
	return true
}
