package transport

import (
	"errors"
	"net/http"
	"strings"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

// ruleProblem says what a change of roles, assignments or policies was refused for. Other errors stay what they are.
func ruleProblem(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, authz.ErrStoredRules): // whose reasons are others
		return err
	case errors.Is(err, authz.ErrBeyond):
		return beyond(err)
	case errors.Is(err, authz.ErrLockout):
		return problem(http.StatusConflict, "own_lockout", "you would lose "+authz.PermissionGrantAny+" yourself; have another administrator do it")
	case errors.Is(err, authz.ErrUnknownRole):
		return problem(http.StatusNotFound, "role_not_found", "there is no role of this name")
	case errors.Is(err, authz.ErrUnknownPolicy):
		return problem(http.StatusNotFound, "policy_not_found", "no policy text of this name is stored")
	case errors.Is(err, authn.ErrConflict):
		return problem(http.StatusConflict, "rules_changed", "roles or policies are being changed by others; try again")
	case errors.Is(err, authz.ErrTooManyRules):
		return problem(http.StatusForbidden, "rule_limit", plain(err))
	case errors.Is(err, authz.ErrEnded):
		return &authn.FieldError{Field: "until", Code: "out_of_range", Problem: "must be in the future"}
	}
	return policyProblem(err)
}

func policyProblem(err error) error {
	switch {
	case errors.Is(err, authz.ErrPolicyName):
		return &authn.FieldError{Field: "name", Code: "malformed", Problem: "must be 1 to 64 of a-z 0-9 _ -"}
	case errors.Is(err, authz.ErrPolicyFormat):
		return &authn.FieldError{Field: "format", Code: "unknown_value", Problem: "must be one of: cedar, yaml"}
	case errors.Is(err, authz.ErrPolicies):
		p := problem(http.StatusBadRequest, "policy_invalid", "the policies are not valid")
		p.Field, p.Errors = "text", policyFaults(err)
		return p
	}
	return err
}

// roleProblem is ruleProblem for the definition of a role.
func roleProblem(err error) error {
	switch {
	case err == nil || errors.Is(err, authz.ErrStoredRules) || errors.Is(err, authz.ErrBeyond):
	case errors.Is(err, authz.ErrRoleFixed):
		return problem(http.StatusConflict, "role_fixed", "the role is defined in configuration or code and cannot be deleted here")
	case errors.Is(err, authz.ErrRoleInUse):
		return problem(http.StatusConflict, "role_in_use", plain(err))
	case errors.Is(err, authz.ErrPolicies):
		p := problem(http.StatusConflict, "policies_conflict", "policies depend on what the role is; change them first")
		p.Errors = policyFaults(err)
		return p
	case errors.Is(err, authz.ErrRoleName):
		return &authn.FieldError{Field: "name", Code: "malformed", Problem: "must be 1 to 64 of a-z 0-9 _ -"}
	case errors.Is(err, authz.ErrRoleCycle):
		return &authn.FieldError{Field: "inherits", Code: "cycle", Problem: "would make roles inherit in a circle: " + plain(err)}
	case errors.Is(err, authz.ErrSuperuserDefault):
		return &authn.FieldError{Field: "inherits", Code: "not_permitted", Problem: "would make every account a superuser"}
	case errors.Is(err, authz.ErrTooManyForms):
		return &authn.FieldError{Field: "permissions", Code: "too_many", Problem: plain(err)}
	}
	return ruleProblem(err)
}

// beyond is a 403 that names the items of the request that are beyond the caller, or says what is.
func beyond(err error) *Problem {
	p := problem(http.StatusForbidden, "beyond_own_roles", plain(err))
	if faults := faultsIn(err); len(faults) > 0 {
		p.Field, p.Detail = faults[0].Field, faults[0].Field+" "+faults[0].Detail
		p.Errors = faults[:min(len(faults), mostFaults)]
	}
	return p
}

// policyFaults lists what is wrong with policies, and where.
func policyFaults(err error) []FieldFault {
	list := []FieldFault{}
	for _, f := range policy.Faults(err) {
		list = append(list, FieldFault{Field: "text", Code: "policy_fault", Detail: f.Problem, Source: f.Source, Line: f.Line, Column: f.Column})
	}
	return list
}

// plain is the first of what an error says, without the name of the package that says it.
func plain(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimPrefix(text, "authz: ")
}
