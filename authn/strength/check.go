package strength

import (
	"context"
	"fmt"

	"github.com/authmodule/authmodule/authn"
)

type check struct{ least int }

var _ authn.PasswordCheck = check{}

// AtLeast returns a check that refuses passwords of a lower score, with the code "weak". Scores of 3 and more make sense:
//
//	authmodule.AddPasswordCheck(func() authn.PasswordCheck { return strength.AtLeast(3) })
func AtLeast(score int) authn.PasswordCheck { return check{least: min(max(score, 0), 4)} }

// CheckPassword implements [authn.PasswordCheck].
func (c check) CheckPassword(_ context.Context, n authn.NewPassword) error {
	words := append([]string{n.Email, string(n.Tenant)}, n.Words...)
	if Of(n.Password, words...).Score < c.least {
		return &authn.FieldError{Field: "password", Code: "weak", Problem: fmt.Sprintf("is too easy to guess (below %d of 4); choose a longer or less usual one", c.least)}
	}
	return nil
}
