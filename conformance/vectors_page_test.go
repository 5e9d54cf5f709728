package conformance

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/crest-go/crest"
)

// pageQuestion and pageAnswer are the models of a list that other clients iterate over.
type pageQuestion struct {
	Offset int `query:"offset,omitzero"`
	Limit  int `query:"limit,omitzero"`
}

type pageEntry struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

type pageEntries struct {
	Items []pageEntry `json:"items"`
}

var entryPages = crest.NewPager[pageEntry](crest.Get[pageQuestion, pageEntries]("/entries"), crest.Paging{Items: "items", Offset: "offset"})

// iterate: the loop counts, and breaks where the original was given a maximum.
func iterate(r *row) (facts, error) {
	names := asTexts(r.in.get("names"))
	entries := make([]pageEntry, r.in.number("total", len(names)))
	for i := range entries {
		entries[i].ID = i
		if names != nil {
			entries[i].Name = names[i]
		}
	}
	requests := 0
	base := r.open(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		requests++
		from := min(whole(req.URL.Query().Get("offset"), 0), len(entries))
		to := min(from+whole(req.URL.Query().Get("limit"), len(entries)), len(entries))
		w.Header().Set("Content-Type", "application/json")
		must(json.NewEncoder(w).Encode(pageEntries{entries[from:to]}))
	}))
	c, err := r.client(base)
	if err != nil {
		return nil, err
	}
	limited := r.in.get("max_items") != nil
	maxItems, maxPages := r.in.number("max_items", 0), r.in.number("max_pages", 0)
	question := pageQuestion{Limit: r.in.number("limit", r.in.number("page_size", 0))}

	count, pages, onPage, last := 0, 0, 0, -1
	var got []string
	if limited && maxItems == 0 { // a loop that is not begun sends nothing
		return facts{"count": 0, "prefix_of_names": requests == 0}, nil
	}
walk:
	for page, err := range entryPages.Pages(context.Background(), c, question) {
		if err != nil {
			return nil, err
		}
		if len(page.Items) == 0 {
			break
		}
		pages, onPage = page.Number, 0
		for _, e := range page.Items {
			count, onPage, last = count+1, onPage+1, e.ID
			got = append(got, e.Name)
			if limited && count == maxItems {
				break walk
			}
		}
		if pages == maxPages {
			break
		}
	}
	return facts{
		"count": count, "num_pages": pages, "page_count": onPage, "last_id": last,
		"prefix_of_names": names == nil || slices.Equal(got, names[:len(got)]),
	}, nil
}

func whole(text string, otherwise int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n == 0 {
		return otherwise
	}
	return n
}
