// Package layer reads a configuration struct from files and environment
// variables, one layer over the other:
//
//	err := layer.Load(&cfg, layer.Options{
//		Root:   "auth",
//		Prefix: "LEX_AUTH",
//		Files:  []string{"application.yaml", "application.production.yaml"},
//	})
//
// A field's yaml tag is its key, and its variable follows from the path:
// auth.jwt.secret_key is LEX_AUTH__JWT__SECRET_KEY. Mappings merge, single
// values and lists are replaced. Whatever is unknown, doubled or of the wrong
// form is an error with file and line, and all of them are reported at once.
//
// No error shows a value that was read, because it may be a secret. The
// UnmarshalText methods of field types must keep to that in their errors too,
// and word them as what the value must be: "must be true or false".
package layer
