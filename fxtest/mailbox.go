package fxtest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
)

// mailWait is how long [Mailbox.Next] waits for a notice, by the clock of the machine: notices are sent in the background.
const mailWait = 10 * time.Second

// Mailbox is a notifier that keeps what would be mailed, for tests of an application's accounts. It is safe for concurrent use.
//
//	mails := fxtest.NewMailbox(t)
//	app := fxtest.New(t, mails.Use(), fx.Provide(echo.New), fx.Invoke(echoauth.Mount, routes))
//	…
//	token := mails.Token(account.NoticeResetPassword, "ada@example.com")
//
// It takes the place of the application's own notifier, which the tested options must leave out: there can be one only.
type Mailbox struct {
	t     TB
	mu    sync.Mutex
	kept  []account.Notice
	taken map[int]bool
	// more is closed, and replaced, when a notice comes.
	more chan struct{}
}

// NewMailbox returns an empty Mailbox.
func NewMailbox(t TB) *Mailbox {
	return &Mailbox{t: t, taken: map[int]bool{}, more: make(chan struct{})}
}

// Use has the application send its notices here.
func (m *Mailbox) Use() fx.Option {
	return authmodule.UseNotifier(func() account.Notifier { return m })
}

// Notify implements [account.Notifier].
func (m *Mailbox) Notify(_ context.Context, n account.Notice) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = append(m.kept, n)
	close(m.more)
	m.more = make(chan struct{})
	return nil
}

// Notices returns all that came so far, in order. What was asked for just now may still be on its way: see [Mailbox.Next].
func (m *Mailbox) Notices() []account.Notice {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.kept)
}

// Next returns the oldest notice of the kind to the address that it has not returned before. It waits for it, and fails the test after 10 seconds.
func (m *Mailbox) Next(kind account.NoticeKind, to string) account.Notice {
	m.t.Helper()
	late := time.After(mailWait)
	for {
		n, found, more := m.take(kind, to)
		if found {
			return n
		}
		select {
		case <-more:
		case <-late:
			m.t.Fatalf("fxtest: no notice %s to %s; there are %s", kind, to, m.list())
			return account.Notice{}
		}
	}
}

// Token is Next for a notice with a link, and returns the token behind its #.
func (m *Mailbox) Token(kind account.NoticeKind, to string) string {
	m.t.Helper()
	_, token, found := strings.Cut(m.Next(kind, to).Link.Reveal(), "#")
	if !found {
		m.t.Fatalf("fxtest: the notice %s to %s has no link", kind, to)
	}
	return token
}

func (m *Mailbox) take(kind account.NoticeKind, to string) (account.Notice, bool, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, n := range m.kept {
		if n.Kind == kind && n.To == to && !m.taken[i] {
			m.taken[i] = true
			return n, true, m.more
		}
	}
	return account.Notice{}, false, m.more
}

// list names what came, without links and codes.
func (m *Mailbox) list() string {
	var all []string
	for _, n := range m.Notices() {
		all = append(all, string(n.Kind)+" to "+n.To)
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}
