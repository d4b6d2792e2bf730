package account_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/authmodule/authmodule/account"
)

// service is what a mail service's client looks like.
type service struct {
	post func(ctx context.Context, to, template, link string) error
}

var errNoMailbox = errors.New("no such mailbox")

// Notify implements [account.Notifier].
func (s service) Notify(ctx context.Context, n account.Notice) error {
	err := s.post(ctx, n.To, string(n.Kind), n.Link.Reveal())
	if errors.Is(err, errNoMailbox) {
		return fmt.Errorf("%w: %w", account.ErrUndeliverable, err)
	}
	return err
}

// An application sends its notices its own way.
func ExampleNotifier() {
	var notifier account.Notifier = service{func(_ context.Context, to, template, link string) error {
		if strings.HasSuffix(to, ".invalid") {
			return errNoMailbox
		}
		fmt.Println(to, template, link)
		return nil
	}}
	notice := account.Notice{Kind: account.NoticeResetPassword, To: "ada@example.com", Link: "https://app.example.com/reset#token"}
	fmt.Println(notifier.Notify(context.Background(), notice))
	notice.To = "ada@example.invalid"
	fmt.Println(notifier.Notify(context.Background(), notice))
	// Output:
	// ada@example.com reset_password https://app.example.com/reset#token
	// <nil>
	// account: the address does not take mail: no such mailbox
}
