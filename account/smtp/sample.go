package smtp

import (
	"time"

	"github.com/authmodule/authmodule/account"
)

// sample is a notice that has all that its kind may have.
func sample(kind account.NoticeKind) account.Notice {
	at := time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC)
	n := account.Notice{
		Kind: kind, To: "reader@example.com", Time: at, IP: "192.0.2.1", UserAgent: "Browser/1.0", Facts: facts(kind),
	}
	switch kind {
	case account.NoticeVerifyEmail, account.NoticeAccountExists, account.NoticeResetPassword, account.NoticeChangeEmail, account.NoticeMagicLink:
		n.Link, n.Expires = "https://app.example.com/page#token", at.Add(time.Hour)
	case account.NoticeLoginCode, account.NoticeFactorCode:
		n.Code, n.Expires = "123456", at.Add(10*time.Minute)
	default:
	}
	return n
}

func facts(kind account.NoticeKind) map[string]string {
	switch kind {
	case account.NoticeResetPassword:
		return map[string]string{"by": "administrator"}
	case account.NoticeEmailChanging, account.NoticeEmailChanged:
		return map[string]string{"new_email": "new@example.com"}
	case account.NoticeFactorAdded, account.NoticeFactorRemoved:
		return map[string]string{"factor": "totp"}
	case account.NoticeRecoveryCodeUsed:
		return map[string]string{"left": "9"}
	case account.NoticeNewDevice:
		return map[string]string{"device": "Browser on a computer"}
	default:
		return nil
	}
}
