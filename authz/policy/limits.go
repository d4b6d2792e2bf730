package policy

// Limits bound what a policy may cost, when it is loaded and when it is asked. A
// field that is zero takes its default. They hold for texts that nobody trusts: with
// the defaults a decision stays below a millisecond.
type Limits struct {
	// SourceBytes is the length of one source. Defaults to 1 MiB.
	SourceBytes int
	// Policies is their number in a set. Defaults to 10,000.
	Policies int
	// Tokens is the number of words and signs in one policy. Defaults to 2,000.
	Tokens int
	// Nesting is how deep brackets of all kinds stand inside each other. Defaults to 24.
	Nesting int
	// Elements is the number of elements in one set or record, in a policy and in an attribute. Defaults to 256.
	Elements int
	// StringBytes is the length of one string, in a policy and in an attribute. Defaults to 1,024.
	StringBytes int
	// Wildcards is the number of * in the pattern of a like. Defaults to 8.
	Wildcards int
	// PolicyCost is what one policy may cost, in units of about 20 ns: see [Info].Cost. Defaults to 8,000.
	PolicyCost int
	// DecisionCost is what all policies that apply to one request may cost together. Defaults to 24,000.
	DecisionCost int
	// Attributes is the number of values in all attributes that a decision reads, nested ones included. Defaults to 1,024.
	Attributes int
	// AttributeBytes is the length of all texts in these attributes together. Defaults to 16 KiB.
	AttributeBytes int
	// Parents is the number of a resource's ancestors. Defaults to 128.
	Parents int
	// Roles is the number of a principal's roles. Defaults to 1,024.
	Roles int
}

// withDefaults returns l with its defaults filled in.
func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		field *int
		value int
	}{
		{&l.SourceBytes, 1 << 20},
		{&l.Policies, 10_000},
		{&l.Tokens, 2_000},
		{&l.Nesting, 24},
		{&l.Elements, 256},
		{&l.StringBytes, 1_024},
		{&l.Wildcards, 8},
		{&l.PolicyCost, 8_000},
		{&l.DecisionCost, 24_000},
		{&l.Attributes, 1_024},
		{&l.AttributeBytes, 16 << 10},
		{&l.Parents, 128},
		{&l.Roles, 1_024},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return l
}
