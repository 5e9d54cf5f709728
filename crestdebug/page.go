package crestdebug

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crest-go/crest"
)

// page is what the template shows. Texts in it are plain: the template escapes them.
type page struct {
	Style   template.CSS
	Refresh int // seconds; 0 stops it
	Default int
	At      string
	Clients []clientView
}

// clientView is one client.
type clientView struct {
	Name       string
	On, Closed bool
	Origin     string // where the name is another
	Age        string
	Sums       []labelled
	Operations []operationView
	Limiters   []limiterView
	Open       []openView
	OpenMore   int
	Errors     []errorView
}

// labelled is a figure with its name. Class is how much it matters.
type labelled struct{ Label, Text, Class string }

type operationView struct {
	Name     string
	Calls    string
	Failed   string // empty for none
	Rate     string
	Spark    spark
	Now      []labelled
	Attempts string
	Statuses []labelled
	Failures []labelled
	Latency  histogram
	SlotWait string
}

type limiterView struct {
	Of      string
	Limit   string // empty where nothing is known
	Type    string
	Free    string
	Meter   float64 // of its width of 60
	Waiting int
	Paused  string
	Learned []string
}

type openView struct{ Operation, Kind, Age, Moved string }

type errorView struct{ Age, At, Operation, RequestID, Text string }

func (h handler) page(refresh int) page {
	p := page{Style: template.CSS(pageStyle), Refresh: refresh, Default: refreshDefault, At: time.Now().UTC().Format("2006-01-02 15:04:05 UTC")}
	for _, s := range h {
		p.Clients = append(p.Clients, viewOf(s))
	}
	return p
}

func viewOf(from source) clientView {
	s := from.stats()
	v := clientView{Name: s.Origin, On: s.On, Closed: s.Closed}
	if from.name != "" {
		v.Name, v.Origin = from.name, s.Origin
	}
	if v.Name == "" {
		v.Name = "a client"
	}
	if !s.On {
		return v
	}
	v.Age = span(s.At.Sub(s.Since))
	v.Sums = sums(s)
	scale := scaleOf(s.Endpoints)
	for _, e := range byTraffic(s.Endpoints) {
		v.Operations = append(v.Operations, operationOf(e, s.At.Sub(s.Since), scale))
	}
	for _, l := range s.Limiters {
		v.Limiters = append(v.Limiters, limiterOf(l, s.At))
	}
	for _, o := range s.Open {
		v.Open = append(v.Open, openOf(o, s.At))
	}
	v.OpenMore = s.OpenTotal - len(s.Open)
	for _, e := range s.Errors {
		v.Errors = append(v.Errors, errorView{span(s.At.Sub(e.At)), e.At.UTC().Format(time.RFC3339), e.Endpoint, e.RequestID, e.Text})
	}
	return v
}

// sums are the figures of a client as a whole.
func sums(s crest.Stats) []labelled {
	var calls, failed, underway, waiting, retries int64
	var rate float64
	for _, e := range s.Endpoints {
		calls, failed, underway, waiting, retries = calls+e.Calls, failed+e.Failed, underway+e.UnderWay, waiting+e.Waiting, retries+e.Retries
		rate += perSecond(e.Seconds, s.At.Sub(s.Since))
	}
	return []labelled{
		{"calls", count(calls), ""}, {"last minute", rateText(rate), ""}, {"failed", share(failed, calls), alarm(failed)}, {"retries", count(retries), ""},
		{"under way", count(underway), ""}, {"waiting for slots", count(waiting), ""}, {"bodies open", count(int64(s.OpenTotal)), ""},
	}
}

func alarm(n int64) string {
	if n > 0 {
		return "bad"
	}
	return ""
}

// byTraffic has the busiest of the last minute first, then of all time.
func byTraffic(list []crest.EndpointStats) []crest.EndpointStats {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b crest.EndpointStats) int {
		return cmp.Or(cmp.Compare(sum(b.Seconds), sum(a.Seconds)), cmp.Compare(b.Calls+b.UnderWay, a.Calls+a.UnderWay))
	})
	return list
}

func sum(list []int64) (n int64) {
	for _, v := range list {
		n += v
	}
	return n
}

func operationOf(e crest.EndpointStats, age time.Duration, scale scale) operationView {
	v := operationView{
		Name: e.Endpoint, Calls: count(e.Calls), Rate: rateText(perSecond(e.Seconds, age)), Spark: sparkOf(e.Seconds), Latency: histogramOf(e.Latency, scale),
		Now: present(labelled{"under way", count(e.UnderWay), ""}, labelled{"waiting for a slot", count(e.Waiting), "warn"}, labelled{"open", count(e.Open), ""}, labelled{"broke off", count(e.Broken), "bad"}),
	}
	if e.Failed > 0 {
		v.Failed = share(e.Failed, e.Calls) + " failed"
	}
	if e.Retries > 0 {
		v.Attempts = several(e.Attempts, "attempt", "attempts") + ", " + several(e.Retries, "retry", "retries")
	}
	if e.SlotWait >= time.Millisecond {
		v.SlotWait = span(e.SlotWait)
	}
	for _, status := range slices.Sorted(maps.Keys(e.Statuses)) {
		label, class := statusLabel(status)
		v.Statuses = append(v.Statuses, labelled{label, count(e.Statuses[status]), class})
	}
	for _, place := range slices.Sorted(maps.Keys(e.Failures)) {
		v.Failures = append(v.Failures, labelled{place, count(e.Failures[place]), ""})
	}
	return v
}

// present are those that are not 0.
func present(all ...labelled) (list []labelled) {
	for _, l := range all {
		if l.Text != "0" {
			list = append(list, l)
		}
	}
	return list
}

func statusLabel(status int) (label, class string) {
	switch {
	case status < 0:
		return "others", "other"
	case status == 0:
		return "no answer", "bad"
	case status >= 500:
		class = "bad"
	case status >= 400:
		class = "warn"
	case status >= 300:
		class = "other"
	default:
		class = "good"
	}
	return fmt.Sprint(status), class
}

func limiterOf(l crest.LimiterStats, now time.Time) limiterView {
	v := limiterView{Of: ofWhom(l.Endpoints), Type: l.Type, Waiting: l.Waiting}
	if l.N == 0 {
		return v
	}
	v.Limit = fmt.Sprintf("%s per %s", count(int64(l.N)), span(l.Per))
	v.Free = fmt.Sprintf("%s of %s", count(int64(l.Free)), count(int64(l.N)))
	v.Meter = meterWidth * float64(l.Free) / float64(l.N)
	if !l.Paused.IsZero() {
		v.Paused = "for " + span(l.Paused.Sub(now))
	}
	for _, q := range l.Learned {
		v.Learned = append(v.Learned, learned(q, now))
	}
	return v
}

// ofWhom names the first of the endpoints.
func ofWhom(endpoints []string) string {
	const shown = 3
	switch n := len(endpoints); {
	case n == 0:
		return "the client"
	case n > shown:
		return fmt.Sprintf("%s and %d more", strings.Join(endpoints[:shown], ", "), n-shown)
	}
	return strings.Join(endpoints, ", ")
}

// learned is what a server has said of a quota, in words.
func learned(q crest.QuotaStats, now time.Time) string {
	var parts []string
	if q.Policy != "" {
		parts = append(parts, q.Policy+":")
	}
	if q.Limit > 0 {
		parts = append(parts, count(int64(q.Limit)))
		if q.Window > 0 {
			parts = append(parts, "per "+span(q.Window))
		}
	}
	if !q.Reset.IsZero() {
		if q.Limit > 0 {
			parts = append(parts, "·")
		}
		parts = append(parts, fmt.Sprintf("%s left for %s", count(int64(q.Left)), span(q.Reset.Sub(now))))
	}
	return strings.Join(parts, " ")
}

func openOf(o crest.OpenBody, now time.Time) openView {
	v := openView{Operation: o.Endpoint, Kind: "body", Age: span(now.Sub(o.Since)), Moved: size(o.Received) + " received"}
	if o.Connection {
		v.Kind = "connection"
		v.Moved += ", " + size(o.Sent) + " sent"
	}
	return v
}
