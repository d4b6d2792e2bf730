package authz

// DefaultRole is the role of an account that has no assignment.
func (s *Service) DefaultRole() string { return s.defaultRole }
