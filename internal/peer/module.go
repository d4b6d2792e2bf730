package peer

import (
	"os"
	"path/filepath"
)

// modules is the folder of peers that are Node packages, below the root of the repository.
const modules = "test/peers"

// RequireModule returns the path of node and of a script of ours, which
// stands in test/peers and talks to a Node package there. When node or the package is
// missing the test is skipped, or fails if [RequireVar] is set.
func RequireModule(t TB, name, script string) (node, path string) {
	t.Helper()
	if node = Require(t, "nodejs"); node == "" {
		return "", ""
	}
	root, err := repository()
	if err != nil {
		t.Fatalf("peer: find the repository: %v", err)
		return "", ""
	}
	dir := filepath.Join(root, filepath.FromSlash(modules))
	if _, err := os.Stat(filepath.Join(dir, "node_modules", name, "package.json")); err != nil {
		Refuse(t, "Node package "+name+" not found: run `make peers`")
		return "", ""
	}
	return node, filepath.Join(dir, script)
}

// repository is the folder of go.mod at or above the working directory, which for a test is its package's.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", os.ErrNotExist
		}
		dir = filepath.Dir(dir)
	}
}
