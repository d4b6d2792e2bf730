package health

import "time"

// Report is the state of everything that the application needs, at one moment.
type Report struct {
	// Ready: every row is well, so requests can be answered. A process that is not ready should get no requests; it need not be restarted.
	Ready bool
	// At is when the report was made. It may be as old as [Config.Fresh].
	At time.Time
	// Rows are in the order of the probes.
	Rows []Row
}

// Row is the state of one port.
type Row struct {
	// Name is what is looked at, such as users or sessions.
	Name string
	// Driver is what keeps it: memory, sqlite, or the type of a store of the application's own.
	Driver string
	OK     bool
	// Since is when it began to fail; zero for one that is well.
	Since time.Time
	// Class says why it fails: timeout, error, panic, stuck, read_only, full, locked, stale, no_key or unknown. It is empty for one that is well.
	Class string
	// Writes says that what fails is writing; reading may do well.
	Writes bool
	// Failures counts the calls that got no answer since the start; 0 for stores in memory, which are not counted.
	Failures uint64
}

// Failing returns the rows that are not well.
func (r Report) Failing() []Row {
	var failing []Row
	for _, row := range r.Rows {
		if !row.OK {
			failing = append(failing, row)
		}
	}
	return failing
}
