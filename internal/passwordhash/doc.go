// Package passwordhash reads and verifies stored password hashes: the argon2id
// that the module makes, and those that other systems have made.
//
//	hash, err := passwordhash.Parse("$2b$12$…", passwordhash.Limits{MemoryKiB: 262144, Work: 1 << 22})
//	match := hash.Matches("correct horse battery staple")
//
// A stored hash names its own cost, and whoever can write to the store has
// chosen it. Parse refuses, before anything is computed, what would cost too
// much, is not spelled in the one way its maker spells it, or is too small to protect anything.
package passwordhash
