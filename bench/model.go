package bench

import (
	"fmt"
	"io"
	"time"
)

// GetOrder is what a contender's Get is given. The tags are those of the
// libraries that read them: path, query and header for crest, url for sling.
type GetOrder struct {
	ID        int64  `path:"id" url:"-" validate:"gt=0"`
	Expand    string `query:"expand" url:"expand" validate:"required,max=64"`
	Version   int    `query:"version" url:"version" validate:"gte=1"`
	Tenant    string `header:"X-Tenant" url:"-" validate:"required"`
	RequestID string `header:"X-Request-Id" url:"-" validate:"required"`
}

// ListOrders is what a contender's List is given.
type ListOrders struct {
	Limit     int    `query:"limit" url:"limit" validate:"gte=1,lte=5000"`
	Cursor    string `query:"cursor" url:"cursor" validate:"required"`
	Tenant    string `header:"X-Tenant" url:"-" validate:"required"`
	RequestID string `header:"X-Request-Id" url:"-" validate:"required"`
}

// Order is the answer to Get, and List answers with 2,000 of them.
type Order struct {
	ID       int64     `json:"id" validate:"gt=0"`
	Number   string    `json:"number" validate:"required"`
	Status   string    `json:"status" validate:"oneof=open paid shipped"`
	Currency string    `json:"currency" validate:"len=3"`
	Total    float64   `json:"total" validate:"gte=0"`
	Quantity int       `json:"quantity" validate:"min=1"`
	Gift     bool      `json:"gift"`
	Customer Customer  `json:"customer"`
	Tags     []string  `json:"tags" validate:"max=8,dive,required"`
	Created  time.Time `json:"created" validate:"required"`
	Note     string    `json:"note"`
}

// Customer is the nested part of an [Order] and of a [NewOrder].
type Customer struct {
	Name  string `json:"name" validate:"required"`
	Email string `json:"email" validate:"required,email"`
}

// NewOrder is the body that Post sends.
type NewOrder struct {
	Customer Customer  `json:"customer"`
	Currency string    `json:"currency" validate:"len=3"`
	Gift     bool      `json:"gift"`
	Due      time.Time `json:"due" validate:"required"`
	Items    []Item    `json:"items" validate:"min=1,max=100,dive"`
	Note     string    `json:"note" validate:"max=1000"`
}

// Item is one line of a [NewOrder].
type Item struct {
	SKU      string  `json:"sku" validate:"required"`
	Title    string  `json:"title" validate:"required,max=80"`
	Quantity int     `json:"quantity" validate:"gt=0"`
	Price    float64 `json:"price" validate:"gte=0"`
}

// Receipt is the answer to Post.
type Receipt struct {
	ID      int64     `json:"id" validate:"gt=0"`
	Number  string    `json:"number" validate:"required"`
	Status  string    `json:"status" validate:"oneof=open paid shipped"`
	Total   float64   `json:"total" validate:"gte=0"`
	Links   []string  `json:"links" validate:"dive,required"`
	Payment Payment   `json:"payment"`
	Created time.Time `json:"created" validate:"required"`
}

// Payment is the nested part of a [Receipt].
type Payment struct {
	Method string `json:"method" validate:"required"`
	Due    string `json:"due" validate:"required"`
}

// GetFile is what a contender's Down is given. The servers make the file up.
type GetFile struct {
	Size int64 `path:"size" validate:"gt=0"`
}

// PutFile is what a contender's Up is given: a body of unknown length.
type PutFile struct {
	Body io.Reader
}

// Stored is the answer to Up.
type Stored struct {
	Size int64 `json:"size" validate:"gt=0"`
}

// WatchChanges is what a contender's Watch is given.
type WatchChanges struct {
	Since  int64  `query:"since" url:"since" validate:"gte=0"`
	Tenant string `header:"X-Tenant" url:"-" validate:"required"`
}

// Change is the data of one event that Watch receives.
type Change struct {
	Order  int64   `json:"order" validate:"gt=0"`
	Status string  `json:"status" validate:"oneof=open paid shipped"`
	Total  float64 `json:"total" validate:"gte=0"`
	Note   string  `json:"note"`
}

// APIError is the error model: what a status outside 2xx decodes into.
type APIError struct {
	Status  int      `json:"status"`
	Code    string   `json:"code"`
	Message string   `json:"message"`
	TraceID string   `json:"trace_id"`
	Hints   []string `json:"hints"`
}

func (e *APIError) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message)
}
