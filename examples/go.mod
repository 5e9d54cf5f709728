module github.com/crest-go/crest/examples

go 1.26.0

require github.com/crest-go/crest v0.0.0

replace github.com/crest-go/crest => ../
