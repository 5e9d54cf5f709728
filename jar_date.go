package crest

import (
	"strings"
	"time"
)

// cookieDate is a date in the making: its parts in the order in which they are looked for, -1 for one that has not come yet.
type cookieDate struct{ hour, minute, second, day, month, year int }

// parseCookieDate reads an Expires attribute (RFC 6265, section 5.1.1). Servers write dates in many forms, so only the parts count, in any
// order and between any delimiters: a time, a day, the name of a month, a year. All dates are UTC.
func parseCookieDate(text string) (at time.Time, ok bool) {
	d := cookieDate{hour: -1, day: -1, month: -1, year: -1}
	for token := range strings.FieldsFuncSeq(text, dateDelimiter) {
		d.read(token)
	}
	if d.hour < 0 || d.hour > 23 || d.minute > 59 || d.second > 59 || d.day < 1 || d.month < 1 || d.year < 1601 {
		return time.Time{}, false
	}
	at = time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute, d.second, 0, time.UTC)
	return at, at.Day() == d.day // no February 30
}

func dateDelimiter(r rune) bool {
	return r == '\t' || r >= ' ' && r <= '/' || r >= ';' && r <= '@' || r >= '[' && r <= '`' || r >= '{' && r <= '~'
}

// read takes a token for the first part that has not come yet and that it can be.
func (d *cookieDate) read(token string) {
	switch {
	case d.hour < 0 && d.readTime(token):
	case d.day < 0 && readPart(&d.day, token, 1, 2):
	case d.month < 0 && d.readMonth(token):
	case d.year < 0 && readPart(&d.year, token, 2, 4):
		switch {
		case d.year < 70:
			d.year += 2000
		case d.year < 100:
			d.year += 1900
		}
	}
}

// readTime reads h:m:s, each with one or two digits.
func (d *cookieDate) readTime(token string) bool {
	hour, rest, _ := strings.Cut(token, ":")
	minute, second, ok := strings.Cut(rest, ":")
	var t cookieDate
	if !ok || len(hour) > 2 || len(minute) > 2 ||
		!readPart(&t.hour, hour, len(hour), 2) || !readPart(&t.minute, minute, len(minute), 2) || !readPart(&t.second, second, 1, 2) {
		return false
	}
	d.hour, d.minute, d.second = t.hour, t.minute, t.second
	return true
}

func (d *cookieDate) readMonth(token string) bool {
	if len(token) < 3 {
		return false
	}
	at := strings.Index("jan feb mar apr may jun jul aug sep oct nov dec", strings.ToLower(token[:3]))
	if at < 0 {
		return false
	}
	d.month = at/4 + 1
	return true
}

// readPart reads a number of least to most digits; what follows it, if it is no digit, does not count.
func readPart(part *int, token string, least, most int) bool {
	n, digits := 0, 0
	for digits < len(token) && token[digits] >= '0' && token[digits] <= '9' {
		if digits++; digits > most {
			return false
		}
		n = n*10 + int(token[digits-1]-'0')
	}
	if digits < max(least, 1) {
		return false
	}
	*part = n
	return true
}
