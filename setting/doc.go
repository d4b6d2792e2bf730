// Package setting holds the value types that configuration is written in:
// secrets that never print themselves, durations whose unit is part of their
// name, and a switch whose zero value is on.
//
//	cfg.JWT.SecretKey = "a secret of at least 32 bytes, from a generator"
//	cfg.JWT.AccessTokenExpireMinutes = 15
//	cfg.RBAC.Enabled = setting.Off
//
// The same types read YAML scalars and environment variables, so a value
// means the same thing in code, in a file and in a variable.
package setting
