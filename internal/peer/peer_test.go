package peer_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/peer"
)

var _ peer.TB = testing.TB(nil)

// recorder is a TB that notes what is asked of it.
type recorder struct{ skipped, failed string }

func (r *recorder) Helper() {}

func (r *recorder) Skipf(format string, args ...any) { r.skipped = fmt.Sprintf(format, args...) }

func (r *recorder) Fatalf(format string, args ...any) { r.failed = fmt.Sprintf(format, args...) }

// The tests set variables, so they are not parallel.

func TestRequire(t *testing.T) {
	testCases := []struct {
		name             string
		installed        []string
		required         string
		expected         string
		expectedRecorder recorder
	}{
		{"installed", []string{"chromium", "google-chrome"}, "", "chromium", recorder{}},
		{"under another name", []string{"google-chrome"}, "1", "google-chrome", recorder{}},
		{"missing", nil, "", "", recorder{skipped: "chromium not found: run `make peers`"}},
		{"missing where it must not be", nil, "1", "", recorder{failed: "chromium not found: run `make peers`"}},
		{"only 1 requires", nil, "0", "", recorder{skipped: "chromium not found: run `make peers`"}},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, program := range tc.installed {
				require.NoError(t, os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\n"), 0o700))
			}
			t.Setenv("PATH", dir)
			t.Setenv(peer.RequireVar, tc.required)
			var have recorder
			path := peer.Require(&have, "chromium")
			assert.Equal(t, tc.expectedRecorder, have)
			if tc.expected != "" {
				assert.Equal(t, filepath.Join(dir, tc.expected), path)
			} else {
				assert.Empty(t, path)
			}
		})
	}
}

func TestRequireUnknown(t *testing.T) {
	t.Setenv(peer.RequireVar, "")
	var have recorder
	assert.Empty(t, peer.Require(&have, "chromum"))
	assert.Equal(t, `peer: there is no peer named "chromum"; peers are chromium, nodejs, npm, haproxy, caddy, redis-server, postgresql, oathtool`, have.failed)
	assert.Empty(t, have.skipped)
}

func TestRequireModule(t *testing.T) {
	testCases := []struct {
		name, folder      string
		program, required bool
		expected          recorder
	}{
		{"all there", "test/peers/node_modules/jose", true, false, recorder{}},
		{"no package", "test/peers/node_modules/other", true, false, recorder{skipped: "Node package jose not found: run `make peers`"}},
		{"no package where it must be", "test/peers", true, true, recorder{failed: "Node package jose not found: run `make peers`"}},
		{"no node", "test/peers/node_modules/jose", false, false, recorder{skipped: "nodejs not found: run `make peers`"}},
		{"no node where it must be", "test/peers/node_modules/jose", false, true, recorder{failed: "nodejs not found: run `make peers`"}},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			root, err := filepath.EvalSymlinks(t.TempDir())
			require.NoError(t, err)
			for _, dir := range []string{"bin", "a/b", tc.folder} {
				require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o700))
			}
			files := []string{"go.mod", tc.folder + "/package.json"}
			if tc.program {
				files = append(files, "bin/node")
			}
			for _, file := range files {
				require.NoError(t, os.WriteFile(filepath.Join(root, file), []byte("#!/bin/sh\n"), 0o700))
			}
			t.Setenv("PATH", filepath.Join(root, "bin"))
			t.Setenv(peer.RequireVar, map[bool]string{true: "1"}[tc.required])
			t.Chdir(filepath.Join(root, "a/b"))
			var have recorder
			node, script := peer.RequireModule(&have, "jose", "jose.mjs")
			assert.Equal(t, tc.expected, have)
			if tc.expected == (recorder{}) {
				assert.Equal(t, []string{filepath.Join(root, "bin/node"), filepath.Join(root, "test/peers/jose.mjs")}, []string{node, script})
			} else {
				assert.Empty(t, node+script)
			}
		})
	}
}

func TestRequireModuleOutsideTheRepository(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "node"), []byte("#!/bin/sh\n"), 0o700))
	t.Setenv("PATH", dir)
	t.Chdir(dir)
	var have recorder
	peer.RequireModule(&have, "jose", "jose.mjs")
	assert.Equal(t, "peer: find the repository: file does not exist", have.failed)
}

func TestSoak(t *testing.T) {
	t.Setenv(peer.SoakVar, "")
	var have recorder
	peer.Soak(&have)
	assert.Equal(t, recorder{skipped: "takes minutes: run `make soak`"}, have)

	t.Setenv(peer.SoakVar, "1")
	have = recorder{}
	peer.Soak(&have)
	assert.Equal(t, recorder{}, have)
}

// TestInstalledByMake holds "make peers" to the peers that tests may ask for.
func TestInstalledByMake(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	require.NoError(t, err)
	for _, name := range peer.Names() {
		assert.Regexp(t, `(?m)^PEERS\s*:?=.*\b`+name+`\b`, string(makefile))
	}
}

// A process that was stopped does nothing more, also on a machine that has much to do.
func TestPause(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "lines")
	out, err := os.Create(file)
	require.NoError(t, err)
	defer out.Close()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "while :; do echo; done")
	cmd.Stdout = out
	require.NoError(t, cmd.Start())
	size := func() int64 {
		info, err := out.Stat()
		require.NoError(t, err)
		return info.Size()
	}
	for range 20 {
		require.Eventually(t, func() bool { return size() > 0 }, 20*time.Second, time.Millisecond)
		require.NoError(t, peer.Pause(cmd.Process.Pid))
		require.Equal(t, "T", peer.State(cmd.Process.Pid))
		require.NoError(t, out.Truncate(0))
		for range 100 {
			runtime.Gosched()
		}
		require.Zero(t, size())
		require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
	}
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.Error(t, peer.Pause(cmd.Process.Pid))
}
