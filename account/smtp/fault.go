package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/authmodule/authmodule/account"
)

// fault says at which step a delivery failed and why, in words of our own: what a server says may repeat what it was sent, the mail
// or the password, encoded in any way.
func fault(ctx context.Context, step string, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("smtp: %s: %w", step, ended)
	}
	var answer *textproto.Error
	if errors.As(err, &answer) {
		return fmt.Errorf("smtp: %s: the server answered %d%s", step, answer.Code, enhanced(answer.Msg))
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return fmt.Errorf("smtp: %s: %w", step, certificate)
	}
	var network *net.OpError
	if errors.As(err, &network) {
		return fmt.Errorf("smtp: %s: %w", step, network)
	}
	return fmt.Errorf("smtp: %s: the server ended the connection, or what answers there is no mail server", step)
}

// refused makes of a server's final answer to a recipient that the address takes no mail.
func refused(err, fault error) error {
	var answer *textproto.Error
	if errors.As(err, &answer) && answer.Code >= 500 {
		return fmt.Errorf("%w: %w", account.ErrUndeliverable, fault)
	}
	return fault
}

// enhanced returns the code of RFC 3463 that text begins with, such as " 5.1.1", and nothing else of it.
func enhanced(text string) string {
	code, _, _ := strings.Cut(text, " ")
	parts := strings.Split(code, ".")
	if len(parts) != 3 || parts[0] != "4" && parts[0] != "5" {
		return ""
	}
	for _, part := range parts {
		if n, err := strconv.ParseUint(part, 10, 16); err != nil || n > 999 || len(part) > 3 {
			return ""
		}
	}
	return " " + code
}
