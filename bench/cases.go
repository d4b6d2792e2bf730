package bench

import (
	"fmt"
	"slices"

	"github.com/authmodule/authmodule/bench/internal/pair"
)

// The numbers of distinct tokens that are measured: few enough for every cache, and many.
const (
	fewTokens  = 64
	manyTokens = 65_536
)

// Cases returns everything that is measured. child is a program with arguments
// that calls [Login]; without one, what needs a process of its own is left out.
func Cases(child ...string) []pair.Case {
	cases := []pair.Case{
		verifyCase(fewTokens), verifyCase(manyTokens),
		signatureCase("RS256"), signatureCase("ES256"), signatureCase("EdDSA"),
		forgedCase(fewTokens), forgedCase(manyTokens),
		requestCase("HS256", fewTokens), requestCase("HS256", manyTokens),
		provingCase(fewTokens), provingCase(manyTokens),
		requestCase("RS256", fewTokens), requestCase("ES256", fewTokens),
		decisionCase(), denialCase(), permissionCase(), policiesCase(), loadCase(),
		socketCase(), apiKeyCase(), revokedCase(),
		cookieCase(fewTokens), cookieCase(manyTokens),
	}
	cases = append(cases, weightCase())
	for _, d := range drivers() {
		cases = append(cases, sessionsCase(d))
	}
	if len(child) > 0 {
		cases = append(cases, loginCase(slices.Clone(child)))
	}
	return cases
}

// ours is the name of this module's side wherever there is one of it.
const ours = "authmodule"

func sized(name string, n int) string { return sizedAs(name, n, "tokens") }

func sizedAs(name string, n int, things string) string {
	if n >= 1000 {
		return fmt.Sprintf("%s, %d,%03d %s", name, n/1000, n%1000, things)
	}
	return fmt.Sprintf("%s, %d %s", name, n, things)
}
