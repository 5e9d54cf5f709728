package crestdebug

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/crest-go/crest"
)

// Sizes of the drawings, in the units of their SVG.
const (
	histogramWidth  = 260
	histogramHeight = 44
	sparkWidth      = 118 // two for each whole second
	sparkHeight     = 28
	meterWidth      = 60
)

// scale is the part of the time axis that the histograms of one client share: in steps of the square root of 2 from 100 µs on.
type scale struct{ from, to int }

// leastSteps is what a scale shows at least: nearly two powers of ten.
const leastSteps = 12

// step is where a duration lies on the axis.
func step(d time.Duration) float64 {
	return 2 * math.Log2(max(float64(d), 1)/float64(100*time.Microsecond))
}

// first is the step at which a bucket begins; that of the shortest one has no lower bound.
func first(b crest.LatencyBucket) int {
	if b.From == 0 {
		return -1
	}
	return int(math.Round(step(b.From)))
}

func scaleOf(list []crest.EndpointStats) scale {
	s := scale{math.MaxInt, math.MinInt}
	for _, e := range list {
		for _, b := range e.Latency.Buckets {
			s.from, s.to = min(s.from, first(b)), max(s.to, first(b)+1)
		}
	}
	if s.from > s.to {
		return scale{-1, leastSteps}
	}
	for s.to-s.from < leastSteps {
		if s.to++; s.to-s.from < leastSteps && s.from > -1 {
			s.from--
		}
	}
	return s
}

// x is where a step lies in the drawing.
func (s scale) x(step float64) float64 {
	at := (step - float64(s.from)) / float64(s.to-s.from)
	return histogramWidth * min(max(at, 0), 1)
}

// histogram is how long calls took, as it is drawn.
type histogram struct {
	Calls         int64
	Width, Height int
	Bars          []bar
	Ticks         []tick
	Marks         []mark
	Mean, Max     string
}

type bar struct{ X, Y, Width, Height, Title string }

type tick struct{ X, Label, Anchor string }

// mark is a quantile.
type mark struct{ Name, X, Text string }

func histogramOf(l crest.Latency, s scale) histogram {
	h := histogram{Calls: l.Calls, Width: histogramWidth, Height: histogramHeight}
	if l.Calls == 0 {
		return h
	}
	var most int64
	for _, b := range l.Buckets {
		most = max(most, b.Calls)
	}
	for _, b := range l.Buckets {
		h.Bars = append(h.Bars, barOf(b, most, s))
	}
	h.Ticks = s.ticks()
	for _, q := range [...]int{50, 90, 99} {
		d := l.Quantile(float64(q) / 100)
		h.Marks = append(h.Marks, mark{fmt.Sprint("p", q), number(s.x(step(d))), span(d)})
	}
	h.Mean, h.Max = span(l.Sum/time.Duration(l.Calls)), span(l.Max)
	return h
}

func barOf(b crest.LatencyBucket, most int64, s scale) bar {
	from, to := s.x(float64(first(b))), s.x(float64(first(b)+1))
	height := max(histogramHeight*float64(b.Calls)/float64(most), 1.5)
	return bar{
		X: number(from), Y: number(histogramHeight - height), Width: number(max(to-from-0.6, 0.6)), Height: number(height),
		Title: fmt.Sprintf("%s calls, %s to %s", count(b.Calls), span(b.From), span(b.To)),
	}
}

// ticks are the powers of ten. The outermost keep inside the drawing, and are left out where they would touch the next one.
func (s scale) ticks() (list []tick) {
	const margin, apart = 17, 46 // half of the longest label; one and a half, and some room
	before := math.Inf(-1)
	for d := 100 * time.Microsecond; d <= 100*time.Second; d *= 10 {
		if at := step(d); at < float64(s.from) || at > float64(s.to) {
			continue
		}
		x := s.x(step(d))
		t := tick{number(x), tickLabel(d), "middle"}
		switch close := x-before < apart; {
		case x < margin:
			t.Anchor = "start"
		case x > histogramWidth-margin && close:
			continue
		case x > histogramWidth-margin:
			t.Anchor = "end"
		case close && list[len(list)-1].Anchor == "start":
			list = list[:0]
		}
		list, before = append(list, t), x
	}
	return list
}

// tickLabel writes a power of ten as one, in minutes it would be none.
func tickLabel(d time.Duration) string {
	if d < time.Minute {
		return span(d)
	}
	return count(int64(d.Seconds())) + thin + "s"
}

// spark is the last minute, a column for each whole second.
type spark struct {
	Width, Height int
	Path          string // empty if nothing happened
	Most          string
}

func sparkOf(seconds []int64) spark {
	s := spark{Width: sparkWidth, Height: sparkHeight}
	if len(seconds) == 0 {
		return s
	}
	whole := seconds[:len(seconds)-1]
	var most int64
	for _, n := range whole {
		most = max(most, n)
	}
	if most == 0 {
		return s
	}
	s.Most = count(most)
	wide := float64(sparkWidth) / float64(len(whole))
	var b strings.Builder
	fmt.Fprintf(&b, "M0 %d", sparkHeight)
	for i, n := range whole {
		fmt.Fprintf(&b, "V%sH%s", number(sparkHeight*(1-float64(n)/float64(most))), number(wide*float64(i+1)))
	}
	fmt.Fprintf(&b, "V%dZ", sparkHeight)
	s.Path = b.String()
	return s
}

// number writes a coordinate.
func number(v float64) string { return fmt.Sprintf("%.1f", v) }
