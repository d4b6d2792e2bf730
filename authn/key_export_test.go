package authn

// Verifies is the step of VerifyJWS that checks the signature, for published
// vectors whose message is no JWS.
func (k *Key) Verifies(signed, signature []byte) bool {
	return k.verifies(signed, signature, nil)
}
