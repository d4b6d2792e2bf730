package authn

import (
	"crypto/rsa"
	"math/big"
)

// roca reports whether an RSA key bears the mark of a generator whose keys
// can be factored: CVE-2017-15361, found in smart cards and TPMs. Such a
// modulus is a power of 65537 modulo each small prime, as of others less than one in 2²⁷ is.
func roca(key *rsa.PublicKey) bool {
	var rest big.Int
	for _, prime := range []int64{
		3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
		127, 131, 137, 139, 149, 151, 157, 163, 167,
	} {
		if !powerOf65537(rest.Mod(key.N, big.NewInt(prime)).Int64(), prime) {
			return false
		}
	}
	return true
}

func powerOf65537(n, prime int64) bool {
	for power := int64(1); ; {
		if power == n {
			return true
		}
		if power = power * 65537 % prime; power == 1 {
			return false
		}
	}
}
