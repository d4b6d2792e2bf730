package authz

// The reasons of a [Decision].
const (
	// ReasonGranted: a role of the caller grants it.
	ReasonGranted = "granted"
	// ReasonSuperuser: the caller has the superuser role.
	ReasonSuperuser = "superuser"
	// ReasonDenied: a role of the caller takes the permission away, whatever others grant.
	ReasonDenied = "denied"
	// ReasonPermitted: a policy permits it.
	ReasonPermitted = "permitted"
	// ReasonForbidden: a policy forbids it, whatever roles and other policies say.
	ReasonForbidden = "forbidden"
	// ReasonPolicyError: a policy could not be evaluated; see [ErrEvaluation].
	ReasonPolicyError = "policy_error"
	// ReasonOwner: the caller is the owner.
	ReasonOwner = "owner"
	// ReasonTenant: the resource belongs to another tenant than the caller.
	ReasonTenant = "tenant"
	// ReasonDisabled: roles are switched off and the caller is authenticated.
	ReasonDisabled = "disabled"
	// ReasonAnonymous: the caller is not authenticated.
	ReasonAnonymous = "anonymous"
	// ReasonMissingPermission: no role of the caller grants the permission.
	ReasonMissingPermission = "missing_permission"
	// ReasonMissingRole: the caller has none of the roles, directly or by inheritance.
	ReasonMissingRole = "missing_role"
	// ReasonScope: the credential's scopes do not cover it.
	ReasonScope = "scope"
	// ReasonError: it could not be decided.
	ReasonError = "error"
)

// Decision is the answer to one check, and why. The zero value denies.
type Decision struct {
	// ID is random and names a denial in the audit log; it is empty when Allowed.
	ID string
	// Allowed is the answer.
	Allowed bool
	// Required is what was asked for: "articles.delete", or "role admin or editor".
	Required string
	// Reason is one of the Reason constants.
	Reason string
	// Role is the role that decided: the one that holds the permission or takes it away, is
	// one of those required, or is the superuser role. It is empty when none did.
	Role string
	// Path leads by inheritance from a role in [authn.Principal].Roles to Role, both
	// included. It is shared between decisions and must not be modified.
	Path []string
	// Policies are those that permit it, forbid it or failed: "owner-edits (policies/articles.cedar:3:1)". It is empty when roles decided.
	Policies []string
}
