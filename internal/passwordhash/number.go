package passwordhash

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// number reads a whole number from 1 to most, spelled without a sign or leading zeros.
func number(text string, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most || strconv.Itoa(n) != text {
		return 0, unusable("asks for a cost that is out of range")
	}
	return n, nil
}

// numbers reads "m=1,t=2,p=3", every name in its place and nothing besides.
func numbers(text string, most int, names ...string) ([]int, error) {
	parts := strings.Split(text, ",")
	if len(parts) != len(names) {
		return nil, unusable("has other parameters than its form has")
	}
	all := make([]int, len(names))
	for i, part := range parts {
		value, found := strings.CutPrefix(part, names[i]+"=")
		if !found {
			return nil, unusable("has other parameters than its form has")
		}
		var err error
		if all[i], err = number(value, most); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// fields splits a text of exactly n parts at its dollar signs.
func fields(text string, n int) ([]string, error) {
	parts := strings.Split(text, "$")
	if len(parts) != n {
		return nil, unusable("has another number of parts than its form has")
	}
	return parts, nil
}

// decoded reads salt and key. Line breaks, which the decoder would skip, and spare bits are refused.
func decoded(coding *base64.Encoding, salt, key string) (s, k []byte, err error) {
	if strings.ContainsAny(salt+key, "\r\n") {
		return nil, nil, unusable("is not base64 where it should be")
	}
	s, errSalt := coding.Strict().DecodeString(salt)
	k, errKey := coding.Strict().DecodeString(key)
	if errSalt != nil || errKey != nil {
		return nil, nil, unusable("is not base64 where it should be")
	}
	return s, k, sized(s, k)
}
