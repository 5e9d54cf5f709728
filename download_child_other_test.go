//go:build !linux

package crest_test

import "errors"

// The tests that need these are Linux's.

func becomeUser(int) error    { return errors.ErrUnsupported }
func limitFiles(uint64) error { return errors.ErrUnsupported }
