package stripe

import (
	"context"
	"iter"

	"github.com/crest-go/crest"
)

var (
	createCustomer = crest.Post[CustomerParams, Customer]("/customers")
	getCustomer    = crest.Get[customerRequest, Customer]("/customers/{id}")
	updateCustomer = crest.Post[updateCustomerRequest, Customer]("/customers/{id}")
	deleteCustomer = crest.Delete[customerRequest, Customer]("/customers/{id}")
	listCustomers  = crest.NewPager[Customer](crest.Get[listCustomersRequest, customerList]("/customers"),
		crest.Paging{Items: "data", Cursor: "starting_after", LastItem: "id", More: "has_more"})
)

// Customer is somebody who pays.
type Customer struct {
	ID          string            `json:"id" validate:"required"`
	Email       string            `json:"email"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Address     Address           `json:"address"`
	Metadata    map[string]string `json:"metadata"`
	Created     Timestamp         `json:"created"`
	Deleted     bool              `json:"deleted"` // all else but the ID is gone
}

// Address is where somebody lives. The names are those of forms too: address[city]=Bern.
type Address struct {
	Line1      string `json:"line1,omitempty"`
	City       string `json:"city,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	Country    string `json:"country,omitempty" validate:"omitempty,len=2"` // ISO 3166-1
}

// CustomerParams says what a customer has, or what of it changes: nil is left alone, and new("") takes a value away. An entry of Metadata is
// taken away by the value "", and entries that are not named stay.
type CustomerParams struct {
	Email       *string           `form:"email,omitzero"`
	Name        *string           `form:"name,omitzero"`
	Description *string           `form:"description,omitzero"`
	Address     *Address          `form:"address,style=deepObject,omitzero"`
	Metadata    map[string]string `form:"metadata,style=deepObject"`
}

// CustomerFilter says which customers are wanted. The zero value is all of them.
type CustomerFilter struct {
	Email    string `query:"email,omitzero"`
	Created  Range  `query:"created,style=deepObject"`
	PageSize int    `query:"limit,omitzero" validate:"gte=0,lte=100"` // 10 when 0
}

// Range is a stretch of time. 0 is no bound.
type Range struct {
	From   Timestamp `json:"gte,omitzero"`
	Before Timestamp `json:"lt,omitzero"`
}

type customerRequest struct {
	ID string `path:"id" validate:"required"`
}

type updateCustomerRequest struct {
	customerRequest
	CustomerParams
}

type listCustomersRequest struct {
	CustomerFilter
	After string `query:"starting_after,omitzero"`
}

type customerList struct {
	Data []Customer `json:"data"`
	More bool       `json:"has_more"`
}

// CreateCustomer makes a customer.
func (c *Client) CreateCustomer(ctx context.Context, params CustomerParams) (Customer, error) {
	return createCustomer.Call(ctx, c, params)
}

// Customer returns the customer with this ID. One who was deleted has Deleted set.
func (c *Client) Customer(ctx context.Context, id string) (Customer, error) {
	return getCustomer.Call(ctx, c, customerRequest{id})
}

// UpdateCustomer changes a customer and returns the new one.
func (c *Client) UpdateCustomer(ctx context.Context, id string, params CustomerParams) (Customer, error) {
	return updateCustomer.Call(ctx, c, updateCustomerRequest{customerRequest{id}, params})
}

// DeleteCustomer deletes a customer for good.
func (c *Client) DeleteCustomer(ctx context.Context, id string) error {
	_, err := deleteCustomer.Call(ctx, c, customerRequest{id})
	return err
}

// Customers walks the customers that the filter names, the newest first. Pages are fetched as the loop goes on, and leaving it fetches no
// more. A pair is a customer and a nil error, or a zero Customer and an error, which is the last.
func (c *Client) Customers(ctx context.Context, filter CustomerFilter) iter.Seq2[Customer, error] {
	return listCustomers.Items(ctx, c, listCustomersRequest{CustomerFilter: filter})
}
