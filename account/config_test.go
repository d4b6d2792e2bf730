package account_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/account"
)

func TestConfigProblems(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cfg account.Config
		key string
	}{
		"empty":                    {account.Config{}, ""},
		"log":                      {account.Config{Notifier: account.NotifierLog}, ""},
		"pages":                    {account.Config{Links: account.Links{ResetPassword: "https://app.example.com/reset?next=1"}}, ""},
		"notifier":                 {account.Config{Notifier: "smtp"}, "notifier"},
		"verification":             {account.Config{VerifyEmail: "sometimes"}, "verify_email"},
		"too long":                 {account.Config{TokenMinutes: 61}, "token_minutes"},
		"negative":                 {account.Config{TokenMinutes: -1}, "token_minutes"},
		"many mails":               {account.Config{MailsPerHour: 101}, "mails_per_hour"},
		"many senders":             {account.Config{Senders: 65}, "senders"},
		"long tries":               {account.Config{SendSeconds: 121}, "send_seconds"},
		"page with a fragment":     {account.Config{Links: account.Links{VerifyEmail: "https://app.example.com/#verify"}}, "links.verify_email"},
		"path":                     {account.Config{Links: account.Links{MagicLink: "/login"}}, "links.magic_link"},
		"page with a name in it":   {account.Config{Links: account.Links{ChangeEmail: "https://user@app.example.com/"}}, "links.change_email"},
		"page of another protocol": {account.Config{Links: account.Links{ResetPassword: "javascript:alert(1)"}}, "links.reset_password"},
	} {
		problems := tc.cfg.Problems()
		if tc.key == "" {
			assert.Empty(t, problems, name)
			continue
		}
		require.Len(t, problems, 1, name)
		assert.Equal(t, tc.key, problems[0].Key, name)
		assert.Contains(t, problems[0].String(), "set it to", name)
	}
}

func TestVerificationByDefault(t *testing.T) {
	t.Parallel()
	assert.Equal(t, account.VerifyRequired, account.Config{}.Resolved(true).VerifyEmail)
	assert.Equal(t, account.VerifyOff, account.Config{}.Resolved(false).VerifyEmail)
	assert.Equal(t, account.VerifyOffered, account.Config{VerifyEmail: account.VerifyOffered}.Resolved(true).VerifyEmail)
}
