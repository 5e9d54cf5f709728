// Package structured parses structured field values for HTTP (RFC 9651): what RateLimit and Deprecation are made of.
// A field that does not parse as a whole is to be taken as not there (section 4.2); the error is for tests and logs.
//
// Values come as these types (section 3.3): int64 for an Integer, float64 for a Decimal, string for a String,
// [Token], []byte for a Byte Sequence, bool for a Boolean, [Date], [DisplayString], and [InnerList] for a member that is one.
package structured

import (
	"fmt"
	"strings"
)

type (
	// Token is a short word without quotes (section 3.3.4).
	Token string
	// Date is a moment in seconds since 1970 (section 3.3.7).
	Date int64
	// DisplayString is a text of Unicode characters (section 3.3.8).
	DisplayString string
	// InnerList is a list in parentheses (section 3.1.1).
	InnerList []Item
)

// Item is a value with its parameters (section 3.3), or an [InnerList] with its own.
type Item struct {
	Value  any
	Params Params
}

// Params are the parameters of an item, in their order, each name once (section 3.1.2).
type Params []Param

// Param is one of them. One without a value is true.
type Param struct {
	Name  string
	Value any
}

// Get returns the value of a parameter, nil if it is not there.
func (p Params) Get(name string) any {
	for _, x := range p {
		if x.Name == name {
			return x.Value
		}
	}
	return nil
}

func (p Params) set(name string, value any) Params {
	for i := range p {
		if p[i].Name == name {
			p[i].Value = value
			return p
		}
	}
	return append(p, Param{name, value})
}

// Member is an item of a dictionary.
type Member struct {
	Name string
	Item
}

// most bounds members, parameters and items of an inner list. Section 3 asks for no more, and names are looked up one by one.
const most = 1024

// ParseItem parses a field that is an Item (section 4.2.3). Field lines are joined first.
func ParseItem(lines []string) (Item, error) {
	p := begin(lines)
	item, err := p.item()
	if err != nil {
		return Item{}, err
	}
	return item, p.end()
}

// ParseList parses a field that is a List (section 4.2.1). An empty one is nil.
func ParseList(lines []string) ([]Item, error) {
	p := begin(lines)
	var list []Item
	err := p.members(func() error {
		item, err := p.itemOrInnerList()
		list = append(list, item)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// ParseDictionary parses a field that is a Dictionary (section 4.2.2). A name that comes again takes the new value at its old place.
func ParseDictionary(lines []string) ([]Member, error) {
	p := begin(lines)
	var all []Member
	err := p.members(func() error {
		m, err := p.member()
		for i := range all {
			if all[i].Name == m.Name {
				all[i].Item = m.Item
				return err
			}
		}
		all = append(all, m)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// parser reads a field's text from the left.
type parser struct {
	text string
	at   int
}

func begin(lines []string) *parser {
	return &parser{text: strings.Trim(strings.Join(lines, ", "), " ")}
}

func (p *parser) fail(wanted string) error {
	return fmt.Errorf("at byte %d of the field: %s", p.at, wanted)
}

func (p *parser) empty() bool { return p.at >= len(p.text) }

// peek returns the next byte, or 0 at the end: no value may hold it.
func (p *parser) peek() byte {
	if p.empty() {
		return 0
	}
	return p.text[p.at]
}

// take steps over c if it is next.
func (p *parser) take(c byte) bool {
	if p.peek() != c || p.empty() {
		return false
	}
	p.at++
	return true
}

func (p *parser) skip(set string) {
	for !p.empty() && strings.IndexByte(set, p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) end() error {
	if !p.empty() {
		return p.fail("the field should end here")
	}
	return nil
}

// members reads what stands between commas. Each call of one reads a member.
func (p *parser) members(one func() error) error {
	for n := 0; !p.empty(); n++ {
		if n == most {
			return p.fail("too many members")
		}
		if err := one(); err != nil {
			return err
		}
		p.skip(" \t")
		if p.empty() {
			return nil
		}
		if !p.take(',') {
			return p.fail("a comma should stand here")
		}
		p.skip(" \t")
		if p.empty() {
			return p.fail("a member should follow the comma")
		}
	}
	return nil
}

func (p *parser) member() (m Member, err error) {
	if m.Name, err = p.key(); err != nil {
		return m, err
	}
	if p.take('=') {
		m.Item, err = p.itemOrInnerList()
		return m, err
	}
	m.Value = true
	m.Params, err = p.params()
	return m, err
}

func (p *parser) itemOrInnerList() (Item, error) {
	if p.peek() == '(' {
		return p.innerList()
	}
	return p.item()
}

// innerList is section 4.2.1.2.
func (p *parser) innerList() (list Item, err error) {
	p.at++
	items := InnerList{}
	for len(items) < most {
		p.skip(" ")
		if p.take(')') {
			list.Value = items
			list.Params, err = p.params()
			return list, err
		}
		item, err := p.item()
		if err != nil {
			return list, err
		}
		items = append(items, item)
		if c := p.peek(); c != ' ' && c != ')' {
			return list, p.fail("a space or a closing parenthesis should stand here")
		}
	}
	return list, p.fail("too many items in the inner list")
}

func (p *parser) item() (item Item, err error) {
	if item.Value, err = p.bare(); err != nil {
		return item, err
	}
	item.Params, err = p.params()
	return item, err
}

// params is section 4.2.3.2.
func (p *parser) params() (all Params, err error) {
	for p.take(';') {
		p.skip(" ")
		name, err := p.key()
		if err != nil {
			return nil, err
		}
		value := any(true)
		if p.take('=') {
			if value, err = p.bare(); err != nil {
				return nil, err
			}
		}
		if all = all.set(name, value); len(all) > most {
			return nil, p.fail("too many parameters")
		}
	}
	return all, nil
}

// key is section 4.2.3.3.
func (p *parser) key() (string, error) {
	start := p.at
	if c := p.peek(); !isLower(c) && c != '*' {
		return "", p.fail("a name should begin here, with a lower-case letter or *")
	}
	for c := p.peek(); isLower(c) || isDigit(c) || c == '_' || c == '-' || c == '.' || c == '*'; c = p.peek() {
		p.at++
	}
	return p.text[start:p.at], nil
}
