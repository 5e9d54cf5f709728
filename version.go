package crest

// Version is the version of this package, as it stands in the User-Agent header.
const Version = "0.1.0"
