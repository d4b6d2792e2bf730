// Package slot is how a part of the graph is overridden, typed and loud. It
// holds the only fx group tags of the module.
//
//	slot.Use[authn.UserStore]("UserStore", newStore)       // at most one
//	slot.Add[audit.Listener]("Listener", newListener)      // one more of many
//
// Each leaves a mark with its file and line. [Check] looks at all marks before
// anything is built: a second override, a nil constructor, a wrong type or an
// override that nothing consumes is an error that names its line. fx's own
// optional, Decorate and Replace fail silently there.
package slot
