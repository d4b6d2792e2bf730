package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// What [Store.Check] finds.
var (
	// ErrEvicts: Redis drops keys when its memory is full. A revocation that was dropped is a revoked token that counts again.
	ErrEvicts = errors.New("redisstore: maxmemory-policy is not noeviction: Redis may drop sessions and revocations")
	// ErrForgets: what Redis acknowledged is lost when it ends, revocations included.
	ErrForgets = errors.New("redisstore: appendonly is no: Redis loses sessions and revocations when it ends")
	// ErrReplica: the server is a replica, which cannot be written to and may be behind.
	ErrReplica = errors.New("redisstore: the server is a replica")
)

// Check reports whether Redis answers and is set up to keep what it acknowledges: every node that can be written to. It
// joins [ErrEvicts], [ErrForgets] and [ErrReplica]; any other error means that a node did not answer.
func (s *Store) Check(ctx context.Context) error {
	bounded, cancel, err := s.within(ctx)
	if err != nil {
		return wrapped(ctx, "check", err)
	}
	defer cancel()
	var found [3]bool
	replicas, nodes := 0, s.client.Nodes()
	for addr, node := range nodes {
		info, err := detached(bounded, s, func(ctx context.Context) answer {
			text, err := node.Do(ctx, node.B().Info().Section("memory", "persistence", "replication").Build()).ToString()
			return answer{text, err}
		})
		if err = errors.Join(err, info.err); err != nil {
			return wrapped(bounded, fmt.Sprintf("check %s", addr), err)
		}
		if has(info.text, "role", "slave") {
			replicas++
			continue
		}
		found[0] = found[0] || !has(info.text, "maxmemory_policy", "noeviction")
		found[1] = found[1] || has(info.text, "aof_enabled", "0")
	}
	found[2] = replicas == len(nodes)
	var errs []error
	for i, err := range []error{ErrEvicts, ErrForgets, ErrReplica} {
		if found[i] {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

type answer struct {
	text string
	err  error
}

// has reports whether a line of INFO says so.
func has(info, field, value string) bool {
	return strings.Contains("\n"+info, "\n"+field+":"+value+"\r")
}
