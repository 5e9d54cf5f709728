//go:build !linux

package crest_test

import "errors"

// The tests that need these are Linux's.

func becomeUser(int) error        { return errors.ErrUnsupported }
func smallDisk(_, _ string) error { return errors.ErrUnsupported }
func enlarge(string) error        { return errors.ErrUnsupported }
