package conformance

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/crest-go/crest"
)

// walk is an exchange that redirects or cookies may prolong.
type walk struct {
	plan
	r     *row
	site  *site
	start string
	rules crest.Redirects
	jar   *cookiejar.Jar
}

// walkInputs are the inputs that only such an exchange has.
var walkInputs = []string{"chain", "location", "to", "jar", "respond", "steps", "request_cookies", "statuses"}

// walks reports whether an exchange is one. Bodies that are sent again are told by the status of their server.
func walks(in *object) bool {
	status, _ := in.values["status"].(float64)
	return int(status)/100 == 3 && in.values["data"] != nil || slices.ContainsFunc(walkInputs, func(key string) bool { return in.values[key] != nil })
}

// walked makes the call of such an exchange.
func walked(r *row) (facts, error) {
	w := &walk{r: r, plan: plan{method: r.method(), result: bytesBody}, start: "http://example.com/start", jar: must1(cookiejar.New(nil))}
	_ = r.when.text("policy") // aiohttp and strict-origin are the default; requests stands beside the case
	r.when.flag("defaults")
	w.site = r.site(w.readAnswers()...)
	w.readStart()
	w.readBody()
	resp, err := w.do(r, w.at(w.start))
	f := w.facts(resp, err)
	if _, answered := errors.AsType[*crest.Error](err); answered && r.want["error"] == nil {
		err = nil // status and body were read from it
	}
	return f, err
}

// readAnswers reads what the site answers.
func (w *walk) readAnswers() []siteAnswer {
	in := w.r.in
	var answers []siteAnswer
	switch chain := in.get("chain").(type) {
	case float64:
		w.start = fmt.Sprint("http://example.com/redirect/", chain)
		for n := int(chain) - 1; n >= 0; n-- {
			answers = append(answers, siteAnswer{status: http.StatusFound, location: fmt.Sprint("/redirect/", n)})
		}
	default:
		for _, entry := range asList(chain) {
			answers = append(answers, readSiteAnswer(asObject(entry)))
		}
	}
	for _, entry := range asList(in.get("steps")) {
		answers = append(answers, readSiteAnswer(asObject(asObject(entry)["respond"])))
	}
	for _, status := range asList(in.get("statuses")) {
		answers = append(answers, siteAnswer{status: int(status.(float64)), location: "/next"})
	}
	if respond := in.get("respond"); respond != nil {
		answers = append(answers, readSiteAnswer(asObject(respond)))
	}
	if target := in.text("location") + in.text("to"); target != "" {
		answers = append(answers, siteAnswer{status: in.number("status", http.StatusFound), location: strings.Replace(target, "PORT2", "8002", 1)})
	} else if in.has("status") {
		answers = append(answers, siteAnswer{status: in.number("status", 0), location: "/next"})
	}
	return answers
}

func readSiteAnswer(fields map[string]any) siteAnswer {
	o := newObject(fields)
	a := siteAnswer{o.number("status", http.StatusOK), o.text("location"), o.texts("set_cookie"), o.text("body")}
	if encoding := o.text("location_encoding"); encoding != "" && encoding != "utf-8 bytes" {
		panic("no such encoding of a Location: " + encoding)
	}
	if unread := o.unread(); unread != nil {
		panic(fmt.Sprintf("an answer of the site has %q, which the driver does not know", unread))
	}
	return a
}

// readStart reads where the call begins, and what it sends along.
func (w *walk) readStart() {
	in := w.r.in
	if from := in.text("from") + in.text("url"); from != "" {
		w.start = strings.Replace(from, "PORT1", "8001", 1)
	}
	if path := in.text("start"); path != "" {
		w.start = "http://example.com" + path
	}
	if method := in.text("first_method"); method != "" {
		w.method = method
	}
	first := newObject(asObject(in.get("first")))
	if method := first.text("method"); method != "" {
		w.method = method
	}
	if url := first.text("url"); url != "" {
		w.start = url
	}
	if auth := first.texts("auth"); auth != nil {
		w.callOpts = append(w.callOpts, crest.WithBasic(auth[0], crest.NewSecret(auth[1])))
	}
	if text := first.text("body"); text != "" {
		body(&w.request, text)
	}
	w.request.addNamed("form", first.fields("form"))
	w.readRules()
	w.readCookies()
}

// readRules reads options of the redirects. Without any the call has none.
func (w *walk) readRules() {
	in := w.r.in
	if w.r.policy == "redirect=requests" {
		w.rules = crest.RequestsRedirects()
	} else if w.r.policy != "" {
		panic("no setting for the policy " + w.r.policy)
	}
	w.rules.Max = in.number("max_redirects", w.rules.Max)
	switch words := in.text("custom_target"); words {
	case "":
	case "follow any Location that differs from the response URL":
		w.rules.Target = func(resp *http.Response) string {
			if location := resp.Header.Get("Location"); location != resp.Request.URL.Path {
				return location
			}
			return ""
		}
	default:
		panic("no target for: " + words)
	}
	if w.r.policy != "" || w.rules.Max != 0 || w.rules.Target != nil {
		w.callOpts = append(w.callOpts, crest.WithRedirects(w.rules))
	}
	w.clientOpts = append(w.clientOpts, crest.WithTransport(w.site.transport(w.r)), crest.WithPlainCredentials(), crest.WithCookieJar(w.jar))
	for _, f := range in.fields("headers") {
		if f.name == "Proxy-Authorization" { // it cannot be set on a request at all (SECURITY.md R2)
			_, err := crest.New[*apiError]("http://example.com", crest.WithHeader(f.name, f.values...))
			if err == nil {
				panic("crest takes " + f.name)
			}
			continue
		}
		w.callOpts = append(w.callOpts, crest.WithHeader(f.name, f.values...))
	}
}

func (w *walk) readCookies() {
	for name, value := range asObject(w.r.in.get("jar")) {
		w.jar.SetCookies(must1(url.Parse(w.start)), []*http.Cookie{{Name: name, Value: value.(string)}})
	}
	w.callOpts = cookies(w.callOpts, w.r.in.fields("request_cookies"))
}

// readBody reads a body that is sent again, or cannot be.
func (w *walk) readBody() {
	switch kind := w.r.in.text("body"); kind {
	case "":
	case "bytes":
		body(&w.request, []byte(w.r.in.text("data")))
	case "generator":
		body(&w.request, io.MultiReader(strings.NewReader(strings.Join(w.r.in.texts("data"), ""))))
	default:
		panic("no body that is " + kind)
	}
}

// facts are what server and caller saw.
func (w *walk) facts(resp *crest.Response[any], err error) facts {
	seen := w.site.requests()
	f := w.cookieFacts(seen)
	var methods, received []string
	for _, q := range seen {
		methods, received = append(methods, q.method), append(received, q.body)
	}
	f["requests_sent"], f["hop_methods"], f["received"] = len(seen), methods, received
	f["sent"] = check(func(want any) error { return eachSent(seen, asList(want)) })
	if len(seen) > 0 {
		last := seen[len(seen)-1]
		f["final_method"], f["final_body"], f["final_path"] = last.method, last.body, must1(url.Parse(last.url)).EscapedPath()
		f["first_values"] = check(func(want any) error {
			for name, values := range asObject(want) {
				if !slices.Equal(asTexts(values), seen[0].header.Values(name)) {
					return fmt.Errorf("%s is %q", name, seen[0].header.Values(name))
				}
			}
			return nil
		})
	}
	if len(seen) > 1 {
		f["second_request_line_prefix"] = check(func(want any) error { return compare(true, strings.HasPrefix(seen[1].line, want.(string))) })
		f["second_absent"] = check(func(want any) error { return eachHeader(seen[1].header, want, false) })
	} else {
		f["second_absent"] = check(func(any) error { return compare(true, w.r.want["error"] != nil) }) // there is no second one
	}
	w.answerFacts(f, resp, err)
	return f
}

func eachSent(seen []siteRequest, want []any) error {
	if len(seen) != len(want) {
		return fmt.Errorf("%d requests instead of %d", len(seen), len(want))
	}
	for i, entry := range want {
		o := newObject(asObject(entry))
		err := errors.Join(eachHeader(seen[i].header, o.get("present"), true), eachHeader(seen[i].header, o.get("absent"), false))
		if o.has("cookie") {
			err = errors.Join(err, compare(o.get("cookie"), seen[i].header.Get("Cookie")))
		}
		if unread := o.unread(); unread != nil {
			panic(fmt.Sprintf("the driver does not know %q of a request", unread))
		}
		if err != nil {
			return fmt.Errorf("request %d: %w", i+1, err)
		}
	}
	return nil
}

// cookieFacts look into the jar. A value stands there with the quotes that it came with.
func (w *walk) cookieFacts(seen []siteRequest) facts {
	kept := map[string]string{}
	if len(seen) > 0 {
		for _, cookie := range w.jar.Cookies(must1(url.Parse(seen[0].url))) {
			kept[cookie.Name] = strings.TrimPrefix(cookie.String(), cookie.Name+"=")
		}
	}
	return facts{"jar": kept}
}

// answerFacts are what the caller got.
func (w *walk) answerFacts(f facts, resp *crest.Response[any], err error) {
	var hops []crest.Hop
	failed, _ := errors.AsType[*crest.CallError](err)
	answer, answered := errors.AsType[*crest.Error](err)
	switch {
	case resp != nil:
		hops = resp.History
		f["status"], f["body"] = resp.StatusCode, string(resp.Body)
		f["final_url_suffix"] = check(func(want any) error { return compare(true, strings.HasSuffix(resp.URL.String(), want.(string))) })
	case failed != nil:
		hops = failed.History
		f["error_url_remaining"] = lastNumber(failed.URL)
	}
	if answered {
		f["status"], f["body"] = answer.StatusCode, string(answer.Body)
	}
	if len(hops) > 0 {
		f["error_request_path"] = must1(url.Parse(hops[0].URL)).Path
	}
	w.historyFacts(f, hops)
}

func (w *walk) historyFacts(f facts, hops []crest.Hop) {
	var codes []int
	var redirects []bool
	same := true
	for i, hop := range hops {
		codes = append(codes, hop.StatusCode)
		redirects = append(redirects, slices.Contains([]int{301, 302, 303, 307, 308}, hop.StatusCode))
		same = same && hop.URL == w.site.requests()[i].url
	}
	f["history"], f["history_len"], f["history_is_redirect"] = codes, len(hops), redirects
	f["history_urls_equal_request_urls"] = same
	f["history_prefix_property"] = true // the history is flat: no hop has one of its own
	f["history_nil"] = false            // a slice without hops is an empty list
	f["history_url_suffixes"] = check(func(want any) error {
		for i, suffix := range asTexts(want)[:min(len(hops), len(asTexts(want)))] {
			plain, _, _ := strings.Cut(suffix, "#") // a hop's URL is redacted: fragments can hold tokens
			if !strings.HasSuffix(hops[i].URL, plain) {
				return fmt.Errorf("hop %d is %s", i, hops[i].URL)
			}
		}
		return compare(true, len(asTexts(want)) == len(hops))
	})
}

// lastNumber is the number at the end of a URL.
func lastNumber(text string) int {
	n, err := strconv.Atoi(text[strings.LastIndexByte(text, '/')+1:])
	if err != nil {
		return -1
	}
	return n
}
