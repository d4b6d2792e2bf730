package account_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/account"
)

func TestLogNotifierWritesOneLine(t *testing.T) {
	t.Parallel()
	expires := time.Date(2026, 11, 26, 11, 0, 0, 0, time.FixedZone("", 3600))
	testCases := []struct {
		name     string
		have     account.Notice
		expected string
	}{
		{"a link", account.Notice{Kind: account.NoticeResetPassword, To: "ada@example.com", Link: "https://app.example.com/reset#t", Expires: expires},
			`level=WARN msg="notice for development, not sent" kind=reset_password to=ada@example.com link=https://app.example.com/reset#t expires=2026-11-26T10:00:00Z`},
		{"a code", account.Notice{Kind: account.NoticeLoginCode, To: "ada@example.com", Code: "123456"},
			`level=WARN msg="notice for development, not sent" kind=login_code to=ada@example.com code=123456`},
		{"facts in order, and on one line", account.Notice{Kind: account.NoticeNewDevice, To: "ada@example.com", Facts: map[string]string{"device": "a\nlevel=ERROR", "by": "x"}},
			`level=WARN msg="notice for development, not sent" kind=new_device to=ada@example.com fact.by=x fact.device="a\nlevel=ERROR"`},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			log := slog.New(slog.NewTextHandler(&out, nil))
			require.NoError(t, account.LogNotifier(log).Notify(t.Context(), tc.have))
			_, line, _ := strings.Cut(out.String(), " ") // the time
			assert.Equal(t, tc.expected+"\n", line)
		})
	}
}
