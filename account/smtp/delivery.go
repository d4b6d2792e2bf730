package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	wire "github.com/wneessen/go-mail/smtp"

	"github.com/authmodule/authmodule/account"
)

// deliver hands one mail in over a connection of its own, which ends with ctx.
func (s *Sender) deliver(ctx context.Context, m message) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(s.cfg.Host, strconv.Itoa(int(s.cfg.Port))))
	if err != nil {
		return fault(ctx, "connect to auth.smtp.host", err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	client, err := s.greet(ctx, &bounded{conn, mostRead})
	if err != nil {
		return err
	}
	if err := s.logIn(ctx, client); err != nil {
		return err
	}
	if err := s.handIn(ctx, client, m); err != nil {
		return err
	}
	_ = client.Quit() // the mail is the server's by now, whatever becomes of the farewell
	return nil
}

// greet returns a client whose connection is encrypted as configured.
func (s *Sender) greet(ctx context.Context, conn net.Conn) (*wire.Client, error) {
	if s.cfg.TLS == account.SMTPImplicit {
		encrypted := tls.Client(conn, s.tls)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, fault(ctx, "encrypt", err)
		}
		conn = encrypted
	}
	client, err := wire.NewClient(conn, s.cfg.Host)
	if err != nil {
		return nil, fault(ctx, "greet", err)
	}
	if err := client.Hello(s.domain); err != nil {
		return nil, fault(ctx, "greet", err)
	}
	if s.cfg.TLS != account.SMTPStartTLS {
		return client, nil
	}
	if offered, _ := client.Extension("STARTTLS"); !offered {
		return nil, errors.New("smtp: encrypt: the server does not offer STARTTLS, or somebody between has taken the offer away; nothing was sent")
	}
	if err := client.StartTLS(s.tls.Clone()); err != nil {
		return nil, fault(ctx, "encrypt", err)
	}
	return client, nil
}

// logIn sends the password over an encrypted connection alone.
func (s *Sender) logIn(ctx context.Context, client *wire.Client) error {
	if s.cfg.Username == "" {
		return nil
	}
	if state, ok := client.TLSConnectionState(); !ok || !state.HandshakeComplete {
		return errors.New("smtp: log in: the connection is not encrypted; the password was not sent")
	}
	_, offered := client.Extension("AUTH")
	mechanisms, password := strings.Fields(strings.ToUpper(offered)), s.password()
	var auth wire.Auth
	switch {
	case slices.Contains(mechanisms, "PLAIN"):
		auth = wire.PlainAuth("", s.cfg.Username, password, s.cfg.Host, false)
	case slices.Contains(mechanisms, "LOGIN"):
		auth = wire.LoginAuth(s.cfg.Username, password, s.cfg.Host, false)
	default:
		return errors.New("smtp: log in: the server offers neither PLAIN nor LOGIN; the password was not sent")
	}
	if err := client.Auth(auth); err != nil {
		return fault(ctx, "log in", err)
	}
	return nil
}

func (s *Sender) handIn(ctx context.Context, client *wire.Client, m message) error {
	if able, _ := client.Extension("SMTPUTF8"); m.utf8 && !able {
		return fmt.Errorf("%w: smtp: it is not ASCII before the @, and the server does not know SMTPUTF8", account.ErrUndeliverable)
	}
	client.SkipSMTPUTF8(!m.utf8)
	if err := client.Mail("<" + s.from.Address + ">"); err != nil {
		return fault(ctx, "name the sender", err)
	}
	if err := client.Rcpt("<" + m.to + ">"); err != nil {
		return refused(err, fault(ctx, "name the recipient", err))
	}
	body, err := client.Data()
	if err != nil {
		return fault(ctx, "begin the mail", err)
	}
	if _, err := body.Write(m.bytes); err != nil {
		return fault(ctx, "send the mail", err)
	}
	if err := body.Close(); err != nil {
		return fault(ctx, "end the mail", err)
	}
	return nil
}
