package sse

import (
	"strings"
	"time"

	"golang.org/x/text/encoding/unicode"
)

// reference is the algorithm of the standard, written down as it stands there: the whole stream in memory, a character at a
// time, no bounds. largest is the length of the largest id.
func reference(stream []byte, lastID string) (events []event, last string, delay time.Duration, told bool, largest int) {
	decoded, err := unicode.UTF8.NewDecoder().Bytes(stream)
	if err != nil {
		panic(err)
	}
	text := strings.TrimPrefix(string(decoded), "\uFEFF")
	data, kind, id := "", "", lastID
	last = lastID
	for _, line := range referenceLines(text) {
		if line == "" {
			last = id
			if data == "" {
				kind = ""
				continue
			}
			if kind == "" {
				kind = "message"
			}
			events = append(events, event{id, kind, strings.TrimSuffix(data, "\n")})
			data, kind = "", ""
			continue
		}
		name, value, found := strings.Cut(line, ":")
		if found {
			value = strings.TrimPrefix(value, " ")
		}
		switch {
		case name == "event":
			kind = value
		case name == "data":
			data += value + "\n"
		case name == "id" && !strings.Contains(value, "\x00"):
			id, largest = value, max(largest, len(value))
		case name == "retry" && value != "" && strings.Trim(value, "0123456789") == "":
			delay, told = referenceDelay(value), true
		}
	}
	return events, last, delay, told, largest
}

// referenceLines are the lines that have ended.
func referenceLines(text string) (lines []string) {
	for text != "" {
		i := strings.IndexAny(text, "\r\n")
		if i < 0 {
			break
		}
		lines = append(lines, text[:i])
		if strings.HasPrefix(text[i:], "\r\n") {
			i++
		}
		text = text[i+1:]
	}
	return lines
}

func referenceDelay(digits string) time.Duration {
	const most = 1<<31 - 1
	n := 0
	for _, d := range digits {
		n = min(n*10+int(d-'0'), most)
	}
	return time.Duration(n) * time.Millisecond
}

// event is an Event that nothing overwrites.
type event struct{ ID, Type, Data string }
