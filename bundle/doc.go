// Package bundle puts the parts together: it is the only package that knows
// the whole core, and has one file for each part. Applications use it through
// authmodule.Configure:
//
//	fx.New(bundle.Module(bundle.Settings{...}))
//
// Every part can be built without it, by its own New.
package bundle
