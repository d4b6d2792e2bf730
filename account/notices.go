package account

import (
	"context"
	"errors"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

var _ audit.Listener = (*Notices)(nil)

// Notices tells owners of what happened to their second factors and devices (ASVS 6.3.5, 6.3.7). It is an [audit.Listener], and sends in the background.
type Notices struct {
	service *Service
	// devices is false where the application has a notifier of its own for new devices.
	devices bool
}

// Notices returns the listener. It does nothing where there is no notifier, or auth.account.security_notices is off.
func (s *Service) Notices(devices bool) *Notices { return &Notices{s, devices} }

// On implements [audit.Listener].
func (l *Notices) On(ctx context.Context, e audit.Event) {
	s := l.service
	kind, facts := l.about(e)
	if kind == "" || !s.warns() {
		return
	}
	subject := authn.Subject{Tenant: authn.Tenant(e.Tenant), ID: e.Subject}
	if !s.newsworthy(ctx, kind, subject, subject.ID+" "+facts["factor"]) { // each factor by itself: many of one must not hide another
		return
	}
	err := s.out.put(job{kind, func(ctx context.Context) (*Notice, error) {
		user, err := s.active(ctx, subject)
		if errors.Is(err, authn.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return &Notice{Kind: kind, To: user.Email, Subject: subject, Time: e.Time, IP: e.IP, UserAgent: e.UserAgent, Facts: facts}, nil
	}})
	s.unsent(ctx, kind, subject, err)
}

// about says what the owner is to be told of an event; nothing of most.
func (l *Notices) about(e audit.Event) (NoticeKind, map[string]string) {
	switch e.Type {
	case audit.MFAEnrolled:
		return NoticeFactorAdded, map[string]string{"factor": e.Reason}
	case audit.RecoveryCodesReplaced:
		if e.Reason == "another" { // of those that came with a factor the notice of the factor tells
			return NoticeFactorAdded, map[string]string{"factor": "recovery_code"}
		}
	case audit.MFARemoved:
		return NoticeFactorRemoved, map[string]string{"factor": e.Reason}
	case audit.RecoveryCodeUsed:
		return NoticeRecoveryCodeUsed, map[string]string{"left": e.Detail["left"]}
	case audit.DeviceAdded:
		if l.devices && e.Reason == "another" {
			return NoticeNewDevice, map[string]string{"device": e.UserAgent}
		}
	}
	return "", nil
}

func (s *Service) warns() bool { return s.Sends() && s.cfg.SecurityNotices.Enabled() }

// tell sends a notice about what has happened already: that it cannot be sent changes nothing.
func (s *Service) tell(ctx context.Context, n *Notice) {
	if s.warns() && s.newsworthy(ctx, n.Kind, n.Subject, n.To) {
		s.unsent(ctx, n.Kind, n.Subject, s.out.Send(*n))
	}
}

// newsworthy counts one of MailsPerHour of the kind, and logs one that is too many: who registers with a stranger's address, or changes
// an account back and forth, must not flood a mailbox or the queue. An owner is told where it cannot be counted.
func (s *Service) newsworthy(ctx context.Context, kind NoticeKind, subject authn.Subject, reader string) bool {
	err := s.count(context.WithoutCancel(ctx), authn.CounterKey{Tenant: subject.Tenant, Kind: counterNews, ID: digest(string(kind) + " " + reader)})
	told := "what the owner of an account is told could not be counted"
	throttled := errors.Is(err, authn.ErrThrottled)
	switch {
	case err == nil:
		return true
	case throttled:
		told = "the owner of an account was not told once more of such a change in an hour"
	}
	s.deps.Log.WarnContext(ctx, told, "kind", string(kind), "tenant", string(subject.Tenant), "subject", subject.ID, "error", err)
	return !throttled
}

func (s *Service) unsent(ctx context.Context, kind NoticeKind, subject authn.Subject, err error) {
	if err != nil {
		s.deps.Log.ErrorContext(ctx, "the owner of an account was not told of a change", "kind", string(kind), "tenant", string(subject.Tenant), "subject", subject.ID, "error", err)
	}
}

// CodeSender sends the codes that are a second factor through an [Outbox]. It is an mfa.Sender.
type CodeSender struct {
	Outbox *Outbox
	// Lifetime is how long a code is good.
	Lifetime time.Duration
	Now      func() time.Time
}

// SendCode sends the code in the background. It returns [ErrNoNotifier] and [authn.ErrOverloaded].
func (c CodeSender) SendCode(_ context.Context, to authn.User, code setting.Secret) error {
	now := c.Now()
	return c.Outbox.Send(Notice{Kind: NoticeFactorCode, To: to.Email, Subject: to.Subject, Code: code, Time: now, Expires: now.Add(c.Lifetime)})
}
