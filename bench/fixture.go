package bench

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const (
	listLength = 2000
	missingID  = 404 // the one order that the servers do not have
)

var day = time.Date(2026, time.March, 14, 15, 9, 26, 0, time.UTC)

// What the contenders are asked to send.
var (
	getInput   = GetOrder{ID: 4711, Expand: "items,customer", Version: 3, Tenant: "acme", RequestID: "req-8f14e45f"}
	errInput   = GetOrder{ID: missingID, Expand: "items,customer", Version: 3, Tenant: "acme", RequestID: "req-8f14e45f"}
	listInput  = ListOrders{Limit: listLength, Cursor: "c2Vjb25k/Mg==", Tenant: "acme", RequestID: "req-8f14e45f"}
	postInput  = newOrder()
	watchInput = WatchChanges{Since: 4711, Tenant: "acme"}
)

// What the servers answer, as values.
var (
	wantOrder   = order(getInput.ID, 39)
	wantReceipt = receipt()
	wantList    = list()
	wantChanges = changes()
	wantBusy    = APIError{Status: 503, Code: "busy", Message: "too much to do, come back later"}
	wantError   = APIError{
		Status:  404,
		Code:    "order_not_found",
		Message: "no order has the id 404 in this tenant",
		TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		Hints:   []string{"check your tenant header", "deleted orders are kept 30 days"},
	}
)

func order(id int64, note int) Order {
	return Order{
		ID:       id,
		Number:   "A-" + fmt.Sprint(100000+id),
		Status:   "paid",
		Currency: "EUR",
		Total:    129.95,
		Quantity: 3,
		Gift:     true,
		Customer: Customer{Name: "Grace Hopper", Email: "grace@example.com"},
		Tags:     []string{"new", "priority", "eu-west"},
		Created:  day,
		Note:     filler(note),
	}
}

func newOrder() NewOrder {
	o := NewOrder{
		Customer: Customer{Name: "Grace Hopper", Email: "grace@example.com"},
		Currency: "EUR",
		Due:      day.AddDate(0, 0, 14),
		Note:     filler(265),
	}
	for i := range 8 {
		o.Items = append(o.Items, Item{
			SKU:      fmt.Sprintf("SKU-%04d", 17*i+1),
			Title:    "Brass gear, 48 teeth",
			Quantity: i + 1,
			Price:    12.25,
		})
	}
	return o
}

func receipt() Receipt {
	return Receipt{
		ID:      4712,
		Number:  "A-104712",
		Status:  "open",
		Total:   441,
		Links:   []string{"/v1/orders/4712", "/v1/orders/4712/invoice", "/v1/orders/4712/items", "/v1/orders/4712/delivery-schedules"},
		Payment: Payment{Method: "invoice", Due: "2026-03-28"},
		Created: day,
	}
}

func list() []Order {
	orders := make([]Order, listLength)
	for i := range orders {
		orders[i] = order(int64(10000+i), 260)
	}
	return orders
}

func changes() []Change {
	all := make([]Change, changeCount)
	for i := range all {
		all[i] = Change{Order: int64(10000 + i), Status: "shipped", Total: 129.95, Note: filler(24)}
	}
	return all
}

// filler returns n bytes of plain text that JSON does not escape.
func filler(n int) string {
	const text = "leave it with the neighbour, please; "
	return strings.Repeat(text, n/len(text)+1)[:n]
}

func mustMarshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
