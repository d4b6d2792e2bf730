package bench

import (
	"fmt"

	"github.com/authmodule/authmodule/bench/internal/pair"
)

// verifyCase is goal P1.
func verifyCase(n int) pair.Case {
	return pair.Case{
		Name: sized("verify HS256", n),
		What: "An HS256 token with 12 claims is verified; ours also asks the revocation store.",
		Open: func() (*pair.Bench, error) {
			m, all, err := mintFor("HS256", n)
			if err != nil {
				return nil, err
			}
			bench := &pair.Bench{Close: m.stop, Claims: []pair.Claim{
				{Goal: "P1", Text: golangJWT + " ÷ " + ours, Figure: pair.Ratio(pair.CPU(), golangJWT, ours), Bound: pair.AtLeast(4)},
				{Goal: "P1", Text: "allocations of " + ours, Figure: pair.Value(pair.Allocs(), ours), Bound: pair.AtMost(12)},
			}}
			for _, v := range all {
				bench.Sides = append(bench.Sides, v.accepts(m))
			}
			return bench, nil
		},
	}
}

// forgedCase is goal P3.
func forgedCase(n int) pair.Case {
	return pair.Case{
		Name: sized("forged HS256", n),
		What: "An HS256 token of the right shape with a wrong signature is refused.",
		Open: func() (*pair.Bench, error) {
			m, all, err := mintFor("HS256", n)
			if err != nil {
				return nil, err
			}
			bench := &pair.Bench{Close: m.stop, Claims: []pair.Claim{
				{Goal: "P3", Text: golangJWT + " ÷ " + ours, Figure: pair.Ratio(pair.CPU(), golangJWT, ours), Bound: pair.AtLeast(15)},
				{Goal: "P3", Text: "allocations of " + ours, Figure: pair.Value(pair.Allocs(), ours), Bound: pair.AtMost(0)},
			}}
			for _, v := range all {
				bench.Sides = append(bench.Sides, v.refuses(m))
			}
			return bench, nil
		},
	}
}

func mintFor(algorithm string, n int) (*minted, []verifier, error) {
	m, err := mint(algorithm, n)
	if err != nil {
		return nil, nil, err
	}
	all, err := verifiers(m)
	return m, all, err
}

// signatureCase is goal P2.
func signatureCase(algorithm string) pair.Case {
	const raw = "the signature alone"
	return pair.Case{
		Name: sized("verify "+algorithm, fewTokens),
		What: "A token with 12 claims is verified; the signature alone is one hash and one call of the standard library, on decoded bytes.",
		Open: func() (*pair.Bench, error) {
			m, all, err := mintFor(algorithm, fewTokens)
			if err != nil {
				return nil, err
			}
			bare, err := signatureSide(raw, m)
			if err != nil {
				return nil, err
			}
			bench := &pair.Bench{Close: m.stop, Sides: []pair.Side{bare}, Claims: []pair.Claim{
				{Goal: "P2", Text: ours + " ÷ " + raw, Figure: pair.Ratio(pair.CPU(), ours, raw), Bound: pair.AtMost(1.15)},
				{Text: fmt.Sprintf("%s ÷ %s", golangJWT, raw), Figure: pair.Ratio(pair.CPU(), golangJWT, raw)},
			}}
			for _, v := range all {
				bench.Sides = append(bench.Sides, v.accepts(m))
			}
			return bench, nil
		},
	}
}
