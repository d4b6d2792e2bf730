package pair

import (
	"fmt"
	"math"
	"time"
)

// Metric is one kind of figure that a side has.
type Metric struct {
	// Name heads a column.
	Name string
	// Unit is ns, B or MiB, or empty for a plain number.
	Unit string
}

// metrics are those of every side that has Do; each is per operation.
func metrics() []Metric { return []Metric{CPU(), Bytes(), Allocs()} }

// CPU is the process's CPU time.
func CPU() Metric { return Metric{Name: "CPU/op", Unit: "ns"} }

// Bytes is what was allocated.
func Bytes() Metric { return Metric{Name: "B/op"} }

// Allocs is how often something was allocated.
func Allocs() Metric { return Metric{Name: "allocs/op"} }

// Format writes a figure of the metric with three significant digits.
func (m Metric) Format(value float64) string {
	switch m.Unit {
	case "ns":
		return duration(value)
	case "":
		return number(value)
	}
	return number(value) + " " + m.Unit
}

func duration(ns float64) string {
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"s", time.Second}, {"ms", time.Millisecond}, {"µs", time.Microsecond}} {
		if ns >= float64(unit.size) {
			return number(ns/float64(unit.size)) + " " + unit.name
		}
	}
	return number(ns) + " ns"
}

// number writes three significant digits, and whole numbers as such.
func number(value float64) string {
	switch size := math.Abs(value); {
	case value == math.Trunc(value):
		return fmt.Sprintf("%.0f", value)
	case size >= 100:
		return fmt.Sprintf("%.0f", value)
	case size >= 10:
		return fmt.Sprintf("%.1f", value)
	case size >= 0.1:
		return fmt.Sprintf("%.2f", value)
	case size < 0.0005:
		return "0"
	}
	return fmt.Sprintf("%.2g", value)
}
