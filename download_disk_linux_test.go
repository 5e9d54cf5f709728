package crest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

// becomeUser gives up what root may.
func becomeUser(id int) error { return syscall.Setuid(id) }

// smallDisk puts a folder on a disk of its own, in a process that has its own view of what is mounted.
func smallDisk(path, size string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	return syscall.Mount("tmpfs", path, "tmpfs", 0, "size="+size)
}

// enlarge gives it room.
func enlarge(path string) error {
	return syscall.Mount("tmpfs", path, "tmpfs", syscall.MS_REMOUNT, "size=4m")
}

// Row 47: a full disk is an error of the output that says so, what fitted is kept, and goes on when there is room.
func TestDownloadToAFullDisk(t *testing.T) {
	s := newStore(300 << 10)
	base := serve(t, s.ServeHTTP)
	for name, how := range map[string]crest.Transfer{"one piece": {}, "parts": {Parallel: 3, PartSize: 50 << 10}} {
		t.Run(name, func(t *testing.T) {
			s.forget()
			f := newFolder(t)
			cmd := child(t, fetchTask{URL: base, Path: f.path, How: how, Small: "128k"})
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
			if os.Getuid() != 0 {
				cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
				cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
				cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
			}
			if probe := *cmd; mountable(&probe) != nil {
				t.Skip("this system lets nobody mount a small disk")
			}
			all := results(t, cmd)
			require.Len(t, all, 2)
			require.Equal(t, crest.KindOutput, all[0].Kind, all[0].Err)
			require.ElementsMatch(t, []string{"no space", "response"}, all[0].Is)
			require.Empty(t, all[1].Err)
			require.Less(t, all[1].Got.Fetched, int64(len(s.content)))
			require.Positive(t, all[1].Got.Resumed)
			require.EqualValues(t, len(s.content), all[1].Got.Size)
			require.Equal(t, fmt.Sprintf("%x", sums(s.content)["sha256"]), all[1].Sum)
		})
	}
}

// mountable tries what the child will do, without it.
func mountable(cmd *exec.Cmd) error {
	cmd.Path, cmd.Args = "/bin/true", []string{"true"}
	return cmd.Run()
}

// A device that is always full.
func TestDownloadToAFullWriter(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	s := newStore(1000)
	_, err = crest.Download(t.Context(), resuming(t, s), download, crest.Empty{}, full)
	fails(t, err, crest.ErrResponse, crest.KindOutput, crest.SentYes)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Len(t, s.asked, 1, "a retry would not help")
}

// Row 47: a folder that may not be written to is an error before anything is sent.
func TestDownloadToAFolderOfOthers(t *testing.T) {
	s := newStore(10)
	f := newFolder(t)
	dir := filepath.Dir(f.path)
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(t, os.Chmod(dir, 0o555))
	task := fetchTask{URL: serve(t, s.ServeHTTP), Path: f.path}
	if os.Getuid() == 0 {
		task.User = 65534 // nothing is forbidden to root
	}
	all := results(t, child(t, task))
	require.Equal(t, crest.KindOutput, all[0].Kind, all[0].Err)
	require.ElementsMatch(t, []string{"permission", "request"}, all[0].Is)
	require.Empty(t, s.asked)
	f.has()
}
