// Package redispart is what store/redisstore and the wiring agree upon, so
// that neither imports the other: a program links Redis only if it imports it.
//
//	slot.Module[redispart.Opener]("redisstore.Module", func() redispart.Opener { … }, 1)
package redispart
