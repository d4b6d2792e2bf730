package smtp_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/account/smtp"
	"github.com/authmodule/authmodule/setting"
)

func TestConnectionsAreEncryptedAsConfigured(t *testing.T) {
	t.Parallel()
	login := options{"user": user, "pass": password.Reveal()}
	testCases := []struct {
		name    string
		server  options
		changes []func(*account.SMTPConfig)
		secure  bool
		user    string
	}{
		{"STARTTLS", options{}, nil, true, ""},
		{"STARTTLS and a login", login, []func(*account.SMTPConfig){withLogin}, true, user},
		{"a login in the older way", options{"user": user, "pass": password.Reveal(), "authMethods": []string{"LOGIN"}}, []func(*account.SMTPConfig){withLogin}, true, user},
		{"encrypted from the first byte", options{"user": user, "pass": password.Reveal(), "secure": true}, []func(*account.SMTPConfig){implicit, withLogin}, true, user},
		{"in clear", options{}, []func(*account.SMTPConfig){inClear}, false, ""},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, tc.server)
			require.NoError(t, s.sender(t, tc.changes...).Notify(t.Context(), reset("ada@example.org")))
			m := s.mail(t)
			assert.Equal(t, tc.secure, m.Secure)
			assert.Equal(t, tc.user, m.User)
		})
	}
}

// What is wrong on the way is an error that says at which step, never a mail and never a secret.
func TestRefusals(t *testing.T) {
	t.Parallel()
	authorities := func(t *testing.T, s *server) *smtp.Sender {
		t.Helper()
		sender, err := smtp.New(s.config(), smtp.Options{Now: now})
		require.NoError(t, err)
		return sender
	}
	login := []func(*account.SMTPConfig){withLogin}
	testCases := []struct {
		name          string
		server        options
		names         []string
		changes       []func(*account.SMTPConfig)
		sender        func(*testing.T, *server) *smtp.Sender
		undeliverable bool
		expected      string
	}{
		{"STARTTLS taken away", options{"hideSTARTTLS": true}, nil, login, nil, false, "smtp: encrypt: the server does not offer STARTTLS"},
		{"STARTTLS refused", options{"disabledCommands": []string{"STARTTLS"}}, nil, login, nil, false, "smtp: encrypt: the server does not offer STARTTLS"},
		{"a certificate for another name", options{}, []string{"other.example.com"}, login, nil, false, "smtp: encrypt: tls: failed to verify certificate"},
		{"the same from the first byte", options{"secure": true}, []string{"other.example.com"}, []func(*account.SMTPConfig){implicit, withLogin}, nil, false, "smtp: encrypt: tls: failed to verify certificate"},
		{"an unknown authority", options{}, nil, nil, authorities, false, "smtp: encrypt: tls: failed to verify certificate"},
		{"TLS 1.1", options{"minVersion": "TLSv1", "maxVersion": "TLSv1.1", "ciphers": "DEFAULT@SECLEVEL=0"}, nil, nil, nil, false, "smtp: encrypt: remote error: tls: protocol version not supported"},
		{"TLS where there is none", options{}, nil, []func(*account.SMTPConfig){implicit}, nil, false, "smtp: encrypt: "},
		{"a wrong password", options{"user": user, "pass": "other"}, nil, login, nil, false, "smtp: log in: the server answered 535"},
		{"no way to log in", options{"user": user, "pass": "x", "authMethods": []string{"XOAUTH2"}}, nil, login, nil, false, "smtp: log in: the server offers neither PLAIN nor LOGIN"},
		{"no login where one is demanded", options{"user": user, "pass": "x"}, nil, nil, nil, false, "smtp: name the sender: the server answered 530"},
		{"a sender refused", options{"refuse": options{"at": "mail", "code": 550}}, nil, nil, nil, false, "smtp: name the sender: the server answered 550"},
		{"a recipient refused for good", options{"refuse": options{"at": "rcpt", "code": 550, "text": "5.1.1 no such user"}}, nil, nil, nil, true, "smtp: name the recipient: the server answered 550 5.1.1"},
		{"a recipient refused for now", options{"refuse": options{"at": "rcpt", "code": 450, "text": "4.2.1 later"}}, nil, nil, nil, false, "smtp: name the recipient: the server answered 450 4.2.1"},
		{"a mail refused for good", options{"refuse": options{"at": "data", "code": 554}}, nil, nil, nil, false, "smtp: end the mail: the server answered 554"},
		{"a mail refused for now", options{"refuse": options{"at": "data", "code": 451}}, nil, nil, nil, false, "smtp: end the mail: the server answered 451"},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, tc.server, tc.names...)
			build := tc.sender
			if build == nil {
				build = func(t *testing.T, s *server) *smtp.Sender { t.Helper(); return s.sender(t, tc.changes...) }
			}
			err := build(t, s).Notify(t.Context(), reset("ada@example.org"))
			require.ErrorContains(t, err, tc.expected)
			assert.Equal(t, tc.undeliverable, isUndeliverable(err), err)
			noSecrets(t, err)
		})
	}
}

// A server that repeats in its refusal all that it was sent gives nothing away.
func TestErrorsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	mail := start(t, options{"refuse": options{"at": "data", "code": 554, "text": "5.6.0 refused:", "echo": true}})
	err := mail.sender(t).Notify(t.Context(), reset("ada@example.org"))
	require.EqualError(t, err, "smtp: end the mail: the server answered 554 5.6.0")

	notice := account.Notice{Kind: account.NoticeLoginCode, To: "ada@example.org", Code: "code-canary"}
	err = mail.sender(t).Notify(t.Context(), notice)
	require.EqualError(t, err, "smtp: end the mail: the server answered 554 5.6.0")

	login := start(t, options{"user": user, "pass": "other"})
	err = login.sender(t, withLogin).Notify(t.Context(), reset("ada@example.org"))
	require.EqualError(t, err, "smtp: log in: the server answered 535")

	rude := speak(t, func(say func(string), hear func() string) {
		say("220 hello\r\n")
		for heard := hear(); heard != ""; heard = hear() {
			say("no protocol " + heard + "\r\n")
		}
	})
	err = rude.sender(t, inClear).Notify(t.Context(), reset("ada@example.org"))
	require.EqualError(t, err, "smtp: greet: the server ended the connection, or what answers there is no mail server")
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", mail.sender(t), mail.sender(t, withLogin), mail.sender(t, withLogin)), password.Reveal())
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"connect", "rcpt", "data"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			s := start(t, options{"hang": step})
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			began := time.Now()
			err := s.sender(t).Notify(ctx, reset("ada@example.org"))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Less(t, time.Since(began), 5*time.Second, "the caller's deadline counts before the configured 10 seconds")
			noSecrets(t, err)

			sender := s.sender(t, func(c *account.SMTPConfig) { c.TimeoutSeconds = 1 })
			began = time.Now()
			require.ErrorIs(t, sender.Notify(t.Context(), reset("ada@example.org")), context.DeadlineExceeded)
			assert.Less(t, time.Since(began), 8*time.Second, "without a deadline of the caller's the configured one counts")

			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(200*time.Millisecond, cancel)
			require.ErrorIs(t, s.sender(t).Notify(ctx, reset("ada@example.org")), context.Canceled)
		})
	}
}

// What answers without an end, such as no mail server, is not read until memory ends.
func TestAServerThatDoesNotStopIsNotReadToTheEnd(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	written := make(chan int, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		n, total, line := 0, 0, []byte(strings.Repeat("x", 64<<10))
		for err == nil && total < 256<<20 {
			n, err = conn.Write(line)
			total += n
		}
		written <- total
	}()
	s := &server{port: listener.Addr().(*net.TCPAddr).Port}
	err = s.sender(t, inClear).Notify(t.Context(), reset("ada@example.org"))
	require.EqualError(t, err, "smtp: greet: the server ended the connection, or what answers there is no mail server")
	assert.Less(t, <-written, 32<<20, "what waits in the sockets included")
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &server{port: listener.Addr().(*net.TCPAddr).Port}
	require.NoError(t, listener.Close())
	err = s.sender(t).Notify(t.Context(), reset("ada@example.org"))
	require.ErrorContains(t, err, "smtp: connect to auth.smtp.host: dial tcp 127.0.0.1:")
	assert.False(t, isUndeliverable(err))
}

// A mail that the server has taken is sent, even if the server then goes away without a farewell: another attempt would send it twice.
func TestAFarewellDoesNotCount(t *testing.T) {
	t.Parallel()
	var heard []string
	done := make(chan struct{})
	s := speak(t, func(say func(string), hear func() string) {
		defer close(done)
		say("220 hello\r\n")
		for {
			command := hear()
			heard = append(heard, command)
			switch command {
			case "QUIT", "":
				return
			case "DATA":
				say("354 go on\r\n")
				for hear() != "." {
				}
			}
			say("250 fine\r\n")
		}
	})
	require.NoError(t, s.sender(t, inClear).Notify(t.Context(), reset("ada@bücher.example")))
	<-done
	assert.Equal(t, []string{"EHLO example.com", "MAIL FROM:<noreply@example.com>", "RCPT TO:<ada@xn--bcher-kva.example>", "DATA", "QUIT"}, heard)
}

// Answers that somebody put behind that to STARTTLS, in clear, are not taken for those of the server (CVE-2021-38371 and its like).
func TestNothingInClearOutlivesSTARTTLS(t *testing.T) {
	t.Parallel()
	s := speak(t, func(say func(string), hear func() string) {
		say("220 hello\r\n")
		hear()
		say("250-hello\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n")
		hear()
		say("220 begin\r\n250-hello\r\n250 AUTH PLAIN\r\n235 welcome\r\n250 fine\r\n250 fine\r\n354 go on\r\n250 taken\r\n")
		for hear() != "" {
		}
	})
	err := s.sender(t, withLogin).Notify(t.Context(), reset("ada@example.org"))
	require.ErrorContains(t, err, "smtp: encrypt: ")
}

func TestSendersAreShared(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	sender := s.sender(t)
	const mails = 20
	var all sync.WaitGroup
	for i := range mails {
		all.Go(func() {
			notice := account.Notice{Kind: account.NoticeKinds()[i%len(account.NoticeKinds())], To: fmt.Sprintf("reader%d@example.org", i), Code: setting.Secret(fmt.Sprint("code", i))}
			assert.NoError(t, sender.Notify(t.Context(), notice))
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for range mails {
		m := s.mail(t)
		seen[m.To[0].Address+m.Envelope.To[0]] = true
	}
	assert.Len(t, seen, mails)
}

func isUndeliverable(err error) bool { return errors.Is(err, account.ErrUndeliverable) }

// speak starts a server that a test plays itself, for one connection. hear returns a line, or nothing at the end.
func speak(t *testing.T, play func(say func(string), hear func() string)) *server {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var ended sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); ended.Wait() })
	ended.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		lines := bufio.NewReader(conn)
		hear := func() string {
			line, _ := lines.ReadString('\n')
			return strings.TrimRight(line, "\r\n")
		}
		play(func(text string) { _, _ = io.WriteString(conn, text) }, hear)
	})
	return &server{port: listener.Addr().(*net.TCPAddr).Port}
}

func noSecrets(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{link.Reveal(), "canary", password.Reveal(), base64.StdEncoding.EncodeToString([]byte(password.Reveal())), "token"} {
		assert.NotContains(t, err.Error(), secret)
	}
}
