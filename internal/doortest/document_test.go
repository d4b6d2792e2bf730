package doortest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The programs of docs/adapters.md compile as they stand.
func TestDocumentedPrograms(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/adapters.md")
	require.NoError(t, err)
	programs := regexp.MustCompile("(?s)```go\n(package main\n.*?)```").FindAllSubmatch(text, -1)
	require.Len(t, programs, 2)
	for _, program := range programs {
		source := filepath.Join(t.TempDir(), "main.go")
		require.NoError(t, os.WriteFile(source, program[1], 0o600))
		out, err := exec.Command("go", "build", "-o", os.DevNull, source).CombinedOutput()
		assert.NoError(t, err, "%s\n%s", program[1], out)
	}
}
