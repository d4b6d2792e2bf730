package transport

// Layer is one middleware before a handler, as an adapter recognised it for a [RouteTable].
type Layer struct {
	Kind LayerKind
	// Guarding is what a guard wants.
	Guarding Guarding
}

// LayerKind is what a [Layer] does.
type LayerKind uint8

// The kinds of layers. The zero value says nothing about a route.
const (
	// LayerOther is anybody's.
	LayerOther LayerKind = iota
	// LayerGuard is a [Guard].
	LayerGuard
	// LayerAuthenticate says who a request is from.
	LayerAuthenticate
)

// Layered returns what the layers before a handler require, the outermost first. authenticated says that
// something authenticates before all of them; else one of them must, before the first guard.
func Layered(authenticated bool, layers []Layer) Route {
	row := Route{Requires: []Guarding{}}
	for _, l := range layers {
		switch l.Kind {
		case LayerAuthenticate:
			authenticated = true
		case LayerGuard:
			row.Requires = append(row.Requires, l.Guarding)
			row.Unmounted = row.Unmounted || !authenticated && l.Guarding.Kind != KindPublic
		case LayerOther:
			row.Others++
		}
	}
	return row
}

// Authenticating reports whether one of the layers says who a request is from.
func Authenticating(layers []Layer) bool {
	for _, l := range layers {
		if l.Kind == LayerAuthenticate {
			return true
		}
	}
	return false
}
