// Package health says whether the application can do its work: whether each
// store answers, takes writes, and whether what is known of revocations is fresh enough.
//
//	service, err := health.New(health.Config{}, health.Probe{Name: "users", Driver: "sqlite", Read: ping})
//	report := service.Check(ctx)
//	if !report.Ready {
//		log.Warn("not ready", "failing", report.Failing())
//	}
//
// Reports hold no secret: a failure is one word of a closed list.
package health
