package authn

import (
	"context"

	"github.com/authmodule/authmodule/setting"
)

// ConfirmPassword checks the account's password once more, as a login does: it counts as an attempt before it is made, and a wrong one is
// [ErrInvalidCredentials] with an event. It opens no session. The proof has the version of the credentials that it rests on.
func (s *Service) ConfirmPassword(ctx context.Context, account User, password setting.Secret, client Client, device DeviceClaim) (Proof, error) {
	proof, attempt, err := s.guess(ctx, LoginRequest{
		Tenant: account.Subject.Tenant, Email: account.Email, Password: password, Client: client, Device: device,
	})
	if err != nil {
		return Proof{}, err
	}
	if proof.Subject != account.Subject { // the address changed hands meanwhile
		attempt.Fail(ctx)
		return Proof{}, ErrInvalidCredentials
	}
	attempt.Succeed(ctx)
	return proof, nil
}
