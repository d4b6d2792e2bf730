package authztest

import (
	"context"
	"fmt"

	"github.com/authmodule/authmodule/authz"
)

// TB is what [Run] needs of *testing.T, which is one.
type TB[T any] interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Run(name string, test func(T)) bool
}

// Run reads the tables, whose names are patterns of [path/filepath.Glob], and holds the rules to them: one subtest for each table, and in it one
// for each case. A pattern that matches nothing fails the test, and so does everything that is wrong in a table.
func Run[T TB[T]](t T, rules Rules, tables ...string) {
	t.Helper()
	service, err := rules.ready()
	if err != nil {
		t.Fatalf("authztest: the rules are not valid:\n%v", err)
		return
	}
	read, err := readFiles(tables)
	if err != nil {
		t.Fatalf("authztest: the tables are not valid:\n%v", err)
		return
	}
	run(t, rules, service, read)
}

// run asks everything before it reports, so that coverage does not depend on which subtests are chosen.
func run[T TB[T]](t T, rules Rules, service *authz.Service, tables []*table) {
	t.Helper()
	covered := newCoverage()
	for _, table := range tables {
		s := suite{service: service, ownAttributes: !rules.fromService, table: table, covered: covered}
		if err := s.ask(context.Background()); err != nil {
			t.Fatalf("authztest: %s: %v", table.name, err)
			return
		}
		for _, fault := range s.faults {
			t.Errorf("%v", fault)
		}
		t.Run(table.name, func(t T) { report(t, table, s.answers) })
	}
	if missing := covered.missing(); rules.cover && len(missing) > 0 {
		t.Errorf("%s", covered.summary())
	} else {
		t.Logf("%s", covered.summary())
	}
}

func report[T TB[T]](t T, table *table, answers []answer) {
	t.Helper()
	for i := range answers {
		a := &answers[i]
		t.Run(a.question.name, func(t T) {
			t.Helper()
			if problem := a.problem(); problem != "" {
				t.Errorf("%s: %s: %s\n%s", a.question.place(table.name), a.question.subject(), problem, a.why())
			}
		})
	}
}

func (q *question) place(table string) string { return fmt.Sprintf("%s:%d", table, q.line) }
