package authz

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz/policy"
)

// Record is a decision with all that it depended on but the rules, so that [Service.DryRun] can ask again. As JSON it
// holds no attribute that is a secret.
type Record struct {
	// Request is what policies were asked, or would have been.
	Request policy.Request `json:"request"`
	// Assigned are the roles of the principal, without inherited ones.
	Assigned []string `json:"assigned"`
	// Limited says that the credential has scopes, which are the request's.
	Limited bool `json:"limited,omitempty"`
	// Allowed and Reason are what was decided, by rules of this version.
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason"`
	Version int64  `json:"version"`
}

// Recorder is told of each decision about one permission that guards and code ask for, but not of those about one of several, such as
// [RequireAnyPermission]'s, or about ownership. It must not block. While there is one, guards remember nothing, and decide anew each time.
type Recorder interface {
	// RecordDecision is called after a decision was made, by many goroutines at once.
	RecordDecision(ctx context.Context, r Record)
}

// record tells the recorder of a decision about one permission.
func (s *Service) record(ctx context.Context, rules *ruleset, in *inquiry, c *check, d *Decision) {
	if s.deps.Recorder == nil || c.need != needPermission || c.oneOf != nil || !authenticated(in.p) {
		return
	}
	q, err := s.question(ctx, rules, in, c.required)
	if err != nil {
		s.log.WarnContext(ctx, "a decision could not be recorded", "error", err)
		return
	}
	s.deps.Recorder.RecordDecision(ctx, Record{
		Request: q, Assigned: in.p.Roles, Limited: in.p.Scopes != nil, Allowed: d.Allowed, Reason: d.Reason, Version: rules.version,
	})
}

// NewJSONRecorder returns a recorder that writes one line of JSON for each decision. Lines that cannot be written are lost.
func NewJSONRecorder(w io.Writer) Recorder { return &jsonRecorder{w: w} }

type jsonRecorder struct {
	mu sync.Mutex
	w  io.Writer
}

// RecordDecision implements [Recorder].
func (j *jsonRecorder) RecordDecision(_ context.Context, r Record) {
	line, err := json.Marshal(r)
	if err != nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	_, _ = j.w.Write(append(line, '\n'))
}

// ErrRecord: a recorded decision cannot be read.
var ErrRecord = errors.New("authz: malformed record of a decision")

// longestRecord bounds a line of records.
const longestRecord = 1 << 20

// ReadRecords reads what [NewJSONRecorder] wrote, line by line. It ends with the first line that cannot be read, which is
// longer than 1 MiB or wraps [ErrRecord].
func ReadRecords(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, longestRecord)
		for n := 1; lines.Scan(); n++ {
			var record Record
			err := json.Unmarshal(lines.Bytes(), &record)
			if err != nil {
				err = fmt.Errorf("%w: line %d: %w", ErrRecord, n, err)
			}
			if !yield(record, err) || err != nil {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Record{}, fmt.Errorf("%w: %w", ErrRecord, err))
		}
	}
}

// principal is the one of the record.
func (r *Record) principal() authn.Principal {
	q := &r.Request.Principal
	p := authn.Principal{
		Kind: authn.KindUser, Subject: authn.Subject{Tenant: authn.Tenant(q.Tenant), ID: q.ID},
		Roles: r.Assigned, Methods: q.Methods, AuthTime: q.AuthTime,
	}
	if q.Kind == kindService {
		p.Kind = authn.KindService
	}
	if r.Limited {
		p.Scopes = append([]string{}, q.Scopes...)
	}
	return p
}
