package authmodule

import "github.com/authmodule/authmodule/account"

// flows checks the flows of accounts. Whether there is a notifier is known when the application starts.
func (p *problems) flows(c Config) {
	for _, problem := range c.Account.Problems() {
		p.add("account."+problem.Key, problem.Wrong, "set $VAR to "+problem.Right)
	}
	for _, key := range c.Account.Links.Unencrypted() {
		if p.strict {
			p.add("account."+key, "is not an https address", "set $VAR to one that begins with https://")
		}
	}
	if p.strict && c.Account.Notifier == account.NotifierLog {
		p.add("account.notifier", "is log, which would write links and codes that log in into the log",
			"leave $VAR out, and add authmodule.UseNotifier or configure auth.smtp")
	}
}
