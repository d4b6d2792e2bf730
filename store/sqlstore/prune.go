package sqlstore

import "context"

// pruneBatch is how many rows a statement drops at most, so that it locks none for long.
const pruneBatch = 1000

// dead are the rows that a Prune method drops.
type dead struct{ table, key, where string }

// query drops up to as many dead rows as its last argument says. On PostgreSQL a row that
// somebody is changing is left for the next time, and one that has changed meanwhile is looked at again.
func (d dead) query(in Dialect) string {
	from := ` FROM ` + d.table + ` WHERE ` + d.where + ` LIMIT ?`
	if in == Postgres {
		return `DELETE FROM ` + d.table + ` WHERE ctid = ANY (ARRAY(SELECT ctid` + from + ` FOR UPDATE SKIP LOCKED))`
	}
	return `DELETE FROM ` + d.table + ` WHERE (` + d.key + `) IN (SELECT ` + d.key + from + `)`
}

// prune drops all dead rows, in batches that are steps of their own, and returns how many it dropped.
// With an error it returns how many it had dropped before.
func (s *Store) prune(ctx context.Context, op string, d dead, args ...any) (int, error) {
	query := d.query(s.dialect)
	args = append(args, pruneBatch)
	for total := 0; ; {
		n, err := s.exec(ctx, op, query, args...)
		total += n
		if err != nil || n < pruneBatch {
			return total, err
		}
	}
}
