//go:build unix && !solaris && !illumos && !aix

package crest

import (
	"os"
	"syscall"
)

// noFollow refuses to open what is a symbolic link.
const noFollow = syscall.O_NOFOLLOW

// lockFile locks a file until it is closed, or fails at once. The kernel unlocks it when its process ends, however it ends.
func lockFile(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			return err
		}
	}
}

// removeLocked removes a locked file, and closes it.
func removeLocked(file *os.File) {
	_ = os.Remove(file.Name())
	_ = file.Close()
}

// syncFolder makes a new name last. Not all file systems can, and the file itself is there.
func syncFolder(path string) {
	if folder, err := os.Open(path); err == nil {
		_ = folder.Sync()
		_ = folder.Close()
	}
}
