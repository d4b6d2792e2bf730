package smtp_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/account/smtp"
)

// docs/mail.md has one row for each kind, in order, and one for each field.
func TestPageHasEveryKindAndField(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/mail.md")
	require.NoError(t, err)
	var kinds, fields []string
	for line := range strings.Lines(string(page)) {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "| `"), "` |")
		switch {
		case strings.HasPrefix(line, "| `."):
			fields = append(fields, strings.TrimPrefix(name, "."))
		case strings.HasPrefix(line, "| `"):
			kinds = append(kinds, name)
		}
	}
	var expectedKinds, expectedFields []string
	for _, kind := range account.NoticeKinds() {
		expectedKinds = append(expectedKinds, string(kind))
	}
	for field := range reflect.TypeFor[smtp.Data]().Fields() {
		expectedFields = append(expectedFields, field.Name)
	}
	assert.Equal(t, expectedKinds, kinds)
	assert.Equal(t, expectedFields, fields)
}
