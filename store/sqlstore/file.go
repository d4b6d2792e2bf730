package sqlstore

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Parameters of modernc.org/sqlite that are set on every connection. The
// timeout comes first, so that the others wait for a lock as well.
const (
	writerParams = "_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	readerParams = "_pragma=busy_timeout(5000)&_pragma=query_only(1)"
)

// fileURI is the address of an absolute path in SQLite's form, with
// everything escaped that would mean something in it.
func fileURI(path, params string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u := url.URL{Path: path}
	return "file://" + u.EscapedPath() + "?" + params
}

// createFile makes an empty database file that only its owner can read,
// unless there is a file. SQLite gives its log the same mode.
//
// The file is linked to its name after it was closed: closing a file drops all
// locks that this process has on it, those of another Store that has just
// opened it included.
func createFile(path string) error {
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	folder := filepath.Dir(path)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the folder %q does not exist: create it first", folder)
	}
	f, err := os.CreateTemp(folder, ".authmodule-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
