package authmodule_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/account/smtp"
	"github.com/authmodule/authmodule/setting"
)

// tactless is a notifier that tells what it was given, in an error or in a panic; after a panic the second try succeeds.
type tactless struct {
	mailbox
	panics atomic.Bool
}

func (n *tactless) Notify(ctx context.Context, notice account.Notice) error {
	again := len(n.all(notice.Kind)) > 0
	_ = n.mailbox.Notify(ctx, notice)
	told := fmt.Errorf("%w: %s %s for %+v", account.ErrUndeliverable, notice.Link.Reveal(), notice.Code.Reveal(), notice)
	switch {
	case !n.panics.Load():
		return told
	case !again:
		panic(told)
	}
	return nil
}

// everyNotice asks for all that has a link or a code, of an account that is there.
func (c *canaryApp) everyNotice(box *mailbox) {
	c.t.Helper()
	c.got("POST", "/auth/password/forgot", body{"email": "ada@example.com"})
	c.got("POST", "/auth/login/link", body{"email": "ada@example.com"})
	c.got("POST", "/auth/login/code", body{"email": "ada@example.com"})
	c.got("POST", "/auth/email", body{"email": "next@example.com"}, c.bearer("ada@example.com")...)
	for _, kind := range []account.NoticeKind{account.NoticeResetPassword, account.NoticeMagicLink, account.NoticeLoginCode, account.NoticeChangeEmail} {
		n := box.wait(c.t, kind, 1)
		if _, token, found := strings.Cut(n.Link.Reveal(), "#"); found {
			c.keep("token of "+string(kind), token)
		} else {
			c.keep("code", n.Code.Reveal())
		}
	}
}

// V16.2.5, V16.5.4: what a notifier says, in an error or in a panic, is repeated nowhere: it may be the link. Who asked is answered alike.
func TestCanaryOfNotifiers(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]struct {
		panics bool
		logged string
	}{"error": {false, "a notice could not be sent"}, "panic": {true, "making or sending a notice panicked"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box := &tactless{}
			c := newCanary(t, everyMail, authmodule.UseNotifier(func() account.Notifier { return box }))
			box.panics.Store(trouble.panics)
			c.account("ada@example.com")
			c.everyNotice(&box.mailbox)
			require.Eventually(t, func() bool { return strings.Count(c.log.String(), trouble.logged) >= 4 }, 20*time.Second, time.Millisecond)
			c.verdict()
		})
	}
}

// everyMail switches on whatever sends something.
func everyMail(cfg *authmodule.Config) {
	cfg.Account.MagicLink, cfg.Account.LoginCode, cfg.Account.MailsPerHour = true, true, 100
	cfg.Account.VerifyEmail = account.VerifyOffered
}

// parrot is a mail server that repeats, in its answers, all that it was sent, and refuses at one step.
type parrot struct {
	at   string
	port int
}

func newParrot(t *testing.T, at string) parrot {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	p := parrot{at, int(netip.MustParseAddrPort(listener.Addr().String()).Port())}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

func (p parrot) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	say := func(code int, text string) { _, _ = fmt.Fprintf(conn, "%d %s\r\n", code, text) }
	say(220, "mail.example.com")
	heard, lines := "", bufio.NewScanner(conn)
	for inMail := false; lines.Scan(); {
		line := lines.Text()
		heard += line + "|"
		step := strings.ToUpper(strings.Fields(line + " .")[0])
		if inMail && line != "." {
			continue
		}
		switch {
		case step == p.at: // as it was, and encoded
			say(550, "5.1.1 "+heard+" "+base64.StdEncoding.EncodeToString([]byte(heard)))
			inMail = false
		case step == "DATA":
			say(354, "go on")
			inMail = true
		default:
			say(250, "fine "+heard)
			inMail = false
		}
	}
}

func (p parrot) config() account.SMTPConfig {
	return account.SMTPConfig{Host: "127.0.0.1", Port: setting.Count(p.port), From: "noreply@example.com", TLS: account.SMTPInsecureNone}
}

// V16.2.5: a mail server that refuses, and says why at length, gives nothing away; nor does the configuration with its password.
func TestCanaryOfMailServers(t *testing.T) {
	t.Parallel()
	server := newParrot(t, "RCPT")
	c := newCanary(t, func(cfg *authmodule.Config) {
		everyMail(cfg)
		cfg.SMTP = server.config()
	}, smtp.Module())
	c.account("ada@example.com")
	c.got("POST", "/auth/password/forgot", body{"email": "ada@example.com"})
	c.got("POST", "/auth/login/link", body{"email": "ada@example.com"})
	require.Eventually(t, func() bool { return strings.Count(c.log.String(), "a notice could not be sent") >= 2 }, 20*time.Second, time.Millisecond)
	require.Contains(t, c.log.String(), "smtp: name the recipient: the server answered 550", "the log must say why no mail comes")
	const password, token, code = "cAnArY-smtp-5e90a1c7d3b8f246", "cAnArY-token-90b7e2f4c6a1d835", "31415926"
	c.keep("mail password", password, base64.StdEncoding.EncodeToString([]byte("\x00app\x00"+password)))
	c.keep("token", token)
	c.keep("code", code)
	notice := account.Notice{Kind: account.NoticeResetPassword, To: "ada@example.com", Link: "https://app.example.com/reset#" + token, Code: code}
	for _, step := range []string{"MAIL", "RCPT", "DATA", "."} {
		sender, err := smtp.New(newParrot(t, step).config(), smtp.Options{})
		require.NoError(t, err)
		c.failed("a mail at "+step, sender.Notify(t.Context(), notice))
		c.show("a sender", *sender, sender)
	}
	locked := newParrot(t, "AUTH").config()
	locked.TLS, locked.Username, locked.Password = account.SMTPStartTLS, "app", password
	sender, err := smtp.New(locked, smtp.Options{})
	require.NoError(t, err)
	c.failed("a mail to who does not encrypt", sender.Notify(t.Context(), notice))
	c.print("a sender", sender, "%v", "%+v", "%#v")
	c.show("a notice", notice, &notice, locked, &locked)
	locked.Host, locked.TLS = "", "other"
	_, err = smtp.New(locked, smtp.Options{})
	c.failed("a configuration of mail", errors.Join(err, fmt.Errorf("%v", locked.Problems())))
	c.verdict()
}
