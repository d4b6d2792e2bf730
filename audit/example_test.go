package audit_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/store/memstore"
)

// A checkpoint that is kept elsewhere shows that a journal was set back to an earlier state. In an application the journal
// is in the graph.
func ExampleJournal_Verify() {
	ctx := context.Background()
	open := func() (*audit.Journal, *audit.Bus) {
		journal, err := audit.NewJournal(audit.JournalDeps{
			Store: memstore.New(), Key: []byte("32 random bytes, which are secret"), Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			panic(err)
		}
		bus := audit.NewBus(slog.New(slog.DiscardHandler), time.Now)
		journal.Subscribe(bus)
		return journal, bus
	}
	journal, bus := open()
	bus.Emit(ctx, audit.Event{Type: audit.LoginFailed, Subject: "ada", Reason: "invalid_credentials"})
	_ = journal.Flush(ctx) // Run does it all the time
	entries, _ := journal.Entries(ctx, audit.Query{Subject: "ada", Limit: 10})
	event, _ := entries[0].Event()
	fmt.Println(entries[0].Seq, event.Type, event.Reason)

	report, err := journal.Verify(ctx)
	fmt.Println(report.OK(), err)
	text := report.Checkpoint.String() // kept where the database's administrators cannot change it

	kept, err := audit.ParseCheckpoint(text)
	fmt.Println(kept.Seq, err)
	another, _ := open() // all that was written is gone
	report, err = another.Verify(ctx, kept)
	fmt.Println(report.OK(), report.Faults, err)
	// Output:
	// 1 login.failed invalid_credentials
	// true <nil>
	// 1 <nil>
	// false [rolled_back: 1] <nil>
}
