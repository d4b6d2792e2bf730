package authmodule

import (
	"fmt"
	"os"
)

// Profile says where the program runs, and with that how strict [Config.Validate] is.
type Profile string

// The profiles. Staging and production refuse what development only warns of.
const (
	ProfileDevelopment Profile = "development"
	ProfileStaging     Profile = "staging"
	ProfileProduction  Profile = "production"
)

// profileVariable names the profile when [Config] does not.
const profileVariable = "LEX_ENV"

// orEnvironment returns p, or what LEX_ENV says when p is empty, or development when that is empty too. The result may
// be unknown.
func (p Profile) orEnvironment() Profile {
	if p != "" {
		return p
	}
	if env := os.Getenv(profileVariable); env != "" {
		return Profile(env)
	}
	return ProfileDevelopment
}

// Strict reports whether the profile refuses what suits development only. An unknown profile is strict.
func (p Profile) Strict() bool { return p != ProfileDevelopment }

func (p Profile) check() error {
	switch p {
	case ProfileDevelopment, ProfileStaging, ProfileProduction:
		return nil
	default:
		return fmt.Errorf("profile %q is unknown: set %s to development, staging or production", string(p), profileVariable)
	}
}
