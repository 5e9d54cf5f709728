//go:build !unix || solaris || illumos || aix

package crest

import "os"

// noFollow has no meaning here.
const noFollow = 0

// lockFile does nothing: only downloads of this process know of each other.
func lockFile(*os.File) error { return nil }

// removeLocked removes a file that has to be closed first.
func removeLocked(file *os.File) {
	_ = file.Close()
	_ = os.Remove(file.Name())
}

// syncFolder does nothing: there is no way to, or no need.
func syncFolder(string) {}
