package authn

// PlainClaims and DecodeClaims are the two readers of a payload, for the test
// that compares them.
var (
	PlainClaims  = plainClaims
	DecodeClaims = decodeClaims
)
