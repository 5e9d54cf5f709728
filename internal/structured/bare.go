package structured

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"
)

// bare reads a value without parameters (section 4.2.3.1).
func (p *parser) bare() (any, error) {
	switch c := p.peek(); {
	case c == '-' || isDigit(c):
		return p.number()
	case c == '"':
		return p.quoted()
	case c == '*' || isAlpha(c):
		return p.token(), nil
	case c == ':':
		return p.bytes()
	case c == '?':
		return p.boolean()
	case c == '@':
		return p.date()
	case c == '%':
		return p.display()
	}
	return nil, p.fail("a value should begin here")
}

// The most digits of an Integer, and of a Decimal before and after its point (section 3.3.1 and 3.3.2).
const (
	integerDigits  = 15
	wholeDigits    = 12
	fractionDigits = 3
)

// number is section 4.2.4. What it reads fits an int64, or a float64 to the last digit.
func (p *parser) number() (any, error) {
	start := p.at
	p.take('-')
	whole := p.digits()
	if whole == 0 {
		return nil, p.fail("a digit should stand here")
	}
	if !p.take('.') {
		if whole > integerDigits {
			return nil, p.fail("the integer has more than 15 digits")
		}
		return strconv.ParseInt(p.text[start:p.at], 10, 64)
	}
	fraction := p.digits()
	if whole > wholeDigits || fraction < 1 || fraction > fractionDigits {
		return nil, p.fail("a decimal has up to 12 digits, a point, and 1 to 3 digits")
	}
	return strconv.ParseFloat(p.text[start:p.at], 64)
}

func (p *parser) digits() int {
	start := p.at
	for isDigit(p.peek()) {
		p.at++
	}
	return p.at - start
}

// date is section 4.2.9.
func (p *parser) date() (any, error) {
	p.at++
	n, err := p.number()
	if err != nil {
		return nil, err
	}
	seconds, whole := n.(int64)
	if !whole {
		return nil, p.fail("a date is an integer")
	}
	return Date(seconds), nil
}

// quoted is section 4.2.5.
func (p *parser) quoted() (any, error) {
	p.at++
	var b strings.Builder
	for !p.empty() {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			return b.String(), nil
		case c == '\\':
			if c = p.peek(); c != '"' && c != '\\' {
				return nil, p.fail("only a quote or a backslash may follow a backslash")
			}
			p.at++
		case c < ' ' || c > '~':
			return nil, p.fail("a string holds visible ASCII and spaces")
		}
		b.WriteByte(c)
	}
	return nil, p.fail("the string has no end")
}

// token is section 4.2.6.
func (p *parser) token() Token {
	start := p.at
	for c := p.peek(); isAlpha(c) || isDigit(c) || c != 0 && strings.IndexByte("!#$%&'*+-.^_`|~:/", c) >= 0; c = p.peek() {
		p.at++
	}
	return Token(p.text[start:p.at])
}

// bytes is section 4.2.7. Padding may be missing, and the last bits need not be zero: both are left to the parser.
func (p *parser) bytes() (any, error) {
	p.at++
	length := strings.IndexByte(p.text[p.at:], ':')
	if length < 0 {
		return nil, p.fail("the byte sequence has no end")
	}
	text := p.text[p.at : p.at+length]
	if strings.ContainsAny(text, "\r\n") { // the decoder would step over them
		return nil, p.fail("the byte sequence is not base64")
	}
	decoded, err := base64.RawStdEncoding.DecodeString(unpadded(text))
	if err != nil {
		return nil, p.fail("the byte sequence is not base64")
	}
	p.at += length + 1
	return decoded, nil
}

// unpadded cuts the padding off a text that has as much of it as it should.
func unpadded(text string) string {
	if len(text)%4 != 0 {
		return text
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "="), "=")
}

// boolean is section 4.2.8.
func (p *parser) boolean() (any, error) {
	p.at++
	switch {
	case p.take('1'):
		return true, nil
	case p.take('0'):
		return false, nil
	}
	return nil, p.fail("0 or 1 should follow the question mark")
}

// display is section 4.2.10.
func (p *parser) display() (any, error) {
	p.at++
	if !p.take('"') {
		return nil, p.fail("a quote should follow the percent sign")
	}
	var b []byte
	for !p.empty() {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			if !utf8.Valid(b) {
				return nil, p.fail("the display string is not UTF-8")
			}
			return DisplayString(b), nil
		case c == '%':
			high, low := unhex(p.peek()), byte(0xff)
			if p.at+1 < len(p.text) {
				low = unhex(p.text[p.at+1])
			}
			if high > 15 || low > 15 {
				return nil, p.fail("two lower-case hexadecimal digits should follow the percent sign")
			}
			p.at += 2
			c = high<<4 | low
		case c < ' ' || c > '~':
			return nil, p.fail("a display string holds visible ASCII and spaces")
		}
		b = append(b, c)
	}
	return nil, p.fail("the display string has no end")
}

// unhex is more than 15 for what is no lower-case digit.
func unhex(c byte) byte {
	switch {
	case isDigit(c):
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isAlpha(c byte) bool { return isLower(c | 0x20) }
