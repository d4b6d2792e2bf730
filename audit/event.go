package audit

import "time"

// Type names what happened, in the past tense. The constants below are the
// whole list.
type Type string

// Accounts.
const (
	// UserRegistered: an account was created.
	UserRegistered Type = "user.registered"
	// UserDisabled: an account was disabled and its sessions ended.
	UserDisabled Type = "user.disabled"
	// UserEnabled: a disabled account may log in again.
	UserEnabled Type = "user.enabled"
	// UserVerified: the owner of an account showed that they read its mail.
	UserVerified Type = "user.verified"
	// PasswordChanged: the owner gave an account another password.
	PasswordChanged Type = "password.changed"
	// PasswordResetRequested: a link to a new password was made; with an Actor, who is an administrator, the password before is dead.
	PasswordResetRequested Type = "password_reset.requested"
	// PasswordResetCompleted: an account got another password by a link that was sent to its owner.
	PasswordResetCompleted Type = "password_reset.completed"
	// EmailChangeRequested: the owner asked for another address, which is to be confirmed.
	EmailChangeRequested Type = "email_change.requested"
	// EmailChanged: an account has another address.
	EmailChanged Type = "email.changed"
	// UserDeleted: an account was deleted, by its owner or an administrator.
	UserDeleted Type = "user.deleted"
	// LoginLinkMailed: a link or a code that logs in was made for an account's owner; Reason is magic_link or login_code.
	LoginLinkMailed Type = "login_link.mailed"
	// AdminSetupIssued: no administrator exists and a one-time set-up link was logged.
	AdminSetupIssued Type = "admin_setup.issued"
	// AdminSetupCompleted: the set-up link was redeemed and the first administrator exists.
	AdminSetupCompleted Type = "admin_setup.completed"
)

// Logins, sessions and tokens.
const (
	// LoginSucceeded: a login opened a session.
	LoginSucceeded Type = "login.succeeded"
	// LoginFailed: a login was refused; Reason says why, the caller is not told.
	LoginFailed Type = "login.failed"
	// SessionEnded: a session was ended before its time; Reason says by what.
	SessionEnded Type = "session.ended"
	// DeviceAdded: an account logged in on a device that was not known; Reason is "first" for its first device, else "another".
	DeviceAdded Type = "device.added"
	// DeviceRenamed: the owner gave a device another name.
	DeviceRenamed Type = "device.renamed"
	// SessionRenewed: a session's cookie was exchanged for a new one.
	SessionRenewed Type = "session.renewed"
	// StepUpSucceeded: in a session it was proved once more who its user is; Reason is the factor.
	StepUpSucceeded Type = "step_up.succeeded"
	// StepUpFailed: what was to prove it in a session was wrong; Reason is the factor.
	StepUpFailed Type = "step_up.failed"
	// ImpersonationStarted: Actor has a session in the name of Subject; the detail reason says what for.
	ImpersonationStarted Type = "impersonation.started"
	// TokenRefreshed: a refresh token was exchanged for the next pair.
	TokenRefreshed Type = "token.refreshed"
	// RefreshReused: a refresh token was presented again after its use; its session was ended.
	RefreshReused Type = "refresh.reused"
	// TokenRevoked: one access token was revoked before its expiry.
	TokenRevoked Type = "token.revoked"
	// TenantRevoked: all sessions of a tenant were ended; it concerns no single account.
	TenantRevoked Type = "tenant.revoked"
	// LoginThrottled: so many attempts failed that no more are looked at for a while; Reason says what was counted. Those that are refused then have no events.
	LoginThrottled Type = "login.throttled"
	// AuthenticatorDisabled: a factor of an account had so many failures in a row that it is of no use until it is bound anew or opened; Reason says to whom.
	AuthenticatorDisabled Type = "authenticator.disabled"
	// AuthenticatorReopened: the failures of a factor were forgotten, since it was bound anew or by an administrator; Reason names the factor.
	AuthenticatorReopened Type = "authenticator.reopened"
	// BindingFailed: a credential came from a client that it is not bound to, or is not bound and must be; Reason says to what.
	BindingFailed Type = "binding.failed"
)

// Second factors.
const (
	// MFAEnrolled: an account has a further factor; Reason is its kind.
	MFAEnrolled Type = "mfa.enrolled"
	// MFARemoved: a factor, or the trust in a device, was taken away; Reason is its kind, or "reset" for all.
	MFARemoved Type = "mfa.removed"
	// MFAFailed: a code was wrong, used already or too old; Reason is the kind of factor.
	MFAFailed Type = "mfa.failed"
	// RecoveryCodeUsed: a recovery code was used; the detail left says how many there still are.
	RecoveryCodeUsed Type = "recovery_code.used"
	// RecoveryCodesReplaced: an account got new recovery codes, and those before are dead; Reason is "first" for those that came with a factor, else "another".
	RecoveryCodesReplaced Type = "recovery_code.replaced"
	// DeviceTrusted: a device needs no second factor for a while.
	DeviceTrusted Type = "device.trusted"
	// CodeMailed: a code was sent by e-mail to an account's owner; Reason is the kind of factor.
	CodeMailed Type = "code.mailed"
)

// API keys.
const (
	// APIKeyCreated: an API key was made.
	APIKeyCreated Type = "api_key.created"
	// APIKeyRotated: an API key was given a new secret.
	APIKeyRotated Type = "api_key.rotated"
	// APIKeyRevoked: an API key was ended before its time.
	APIKeyRevoked Type = "api_key.revoked"
)

// Signing keys.
const (
	// KeyRotated: another key signs tokens now; Reason says why.
	KeyRotated Type = "key.rotated"
	// KeyKilled: a compromised key was taken out of use, and its tokens are dead.
	KeyKilled Type = "key.killed"
)

// Authorization.
const (
	// AccessDenied: an authenticated caller lacked a role or a permission.
	AccessDenied Type = "access.denied"
	// AccessGranted: a caller was allowed something; only those that are sampled are told of.
	AccessGranted Type = "access.granted"
	// RoleAssigned: a user was given a role.
	RoleAssigned Type = "role.assigned"
	// RoleUnassigned: a role was taken from a user.
	RoleUnassigned Type = "role.unassigned"
	// RoleDefined: a role was created or changed at run time.
	RoleDefined Type = "role.defined"
	// RoleDeleted: a role was deleted at run time.
	RoleDeleted Type = "role.deleted"
	// PolicyDefined: a policy text was created or changed at run time.
	PolicyDefined Type = "policy.defined"
	// PolicyDeleted: a policy text was deleted at run time.
	PolicyDeleted Type = "policy.deleted"
)

// The journal itself.
const (
	// AuditDropped: more events, for the most part such as come with no change, waited for the journal than it keeps in memory; the detail count says how many are missing.
	AuditDropped Type = "audit.dropped"
	// AuditTampered: the journal is not what was chained there; the detail count says how many faults were found, first is the first of them.
	AuditTampered Type = "audit.tampered"
)

// Types returns every event type, in the order of the documentation.
func Types() []Type {
	return []Type{
		UserRegistered, UserDisabled, UserEnabled, UserVerified, UserDeleted,
		PasswordChanged, PasswordResetRequested, PasswordResetCompleted, EmailChangeRequested, EmailChanged, LoginLinkMailed, AdminSetupIssued, AdminSetupCompleted,
		LoginSucceeded, LoginFailed, SessionEnded, SessionRenewed, StepUpSucceeded, StepUpFailed, ImpersonationStarted, DeviceAdded, DeviceRenamed, TokenRefreshed, RefreshReused, TokenRevoked, TenantRevoked,
		LoginThrottled, AuthenticatorDisabled, AuthenticatorReopened, BindingFailed,
		MFAEnrolled, MFARemoved, MFAFailed, RecoveryCodeUsed, RecoveryCodesReplaced, DeviceTrusted, CodeMailed,
		APIKeyCreated, APIKeyRotated, APIKeyRevoked,
		KeyRotated, KeyKilled,
		AccessDenied, AccessGranted, RoleAssigned, RoleUnassigned, RoleDefined, RoleDeleted, PolicyDefined, PolicyDeleted,
		AuditDropped, AuditTampered,
	}
}

// Event is one fact. Fields that do not apply are empty.
type Event struct {
	// ID is random and unique, and set by the bus ([WithIDs]) or the journal when it is empty.
	ID   string
	Type Type
	// Time is set by the bus when it is zero.
	Time time.Time
	// Tenant and Subject name the account that the event is about.
	Tenant, Subject string
	// Actor is the ID of the account whose owner did it, when that is not Subject: an administrator, or who acts in Subject's name.
	Actor string
	// SessionID is the public ID of the session concerned.
	SessionID string
	// IP and UserAgent are the caller's, as far as known.
	IP, UserAgent string
	// Reason is a short stable word: "invalid_credentials", "logout", "evicted".
	Reason string
	// Detail holds what belongs to this type alone, such as "role" or "permission".
	Detail map[string]string
}
