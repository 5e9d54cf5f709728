// Package validate checks models against their validate tags and their Validate
// methods. It is the only importer of validator/v10, whose language the tags are.
//
// validator panics where a rule does not fit its field, for some rules only once
// a certain value arrives. [Compile] therefore tries every rule on its own, on
// samples of the field's type, and reports what panics as mistakes of the
// declaration; [Plan.Check] turns what is left into errors.
//
// Most values keep their rules, and the engine is a slow way to hear it. Compile
// therefore makes a verdict of the commonest rules, which says yes at once, or
// leaves the value to the engine: errors are always validator's own.
//
// Optional fields are validated by the value they hold; unset and null ones count
// as absent, like nil pointers. Secrets take only rules about their presence.
package validate
