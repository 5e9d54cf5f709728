module github.com/crest-go/crest/examples

go 1.26.0

require github.com/crest-go/crest v0.0.0

require (
	github.com/mccutchen/go-httpbin/v2 v2.26.0 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	go.uber.org/goleak v1.3.0 // indirect
)

replace github.com/crest-go/crest => ../
