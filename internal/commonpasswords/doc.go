// Package commonpasswords knows the passwords that are guessed first.
//
//	list, err := commonpasswords.Load()
//	list.Has("1qaz2wsx3edc4rfv") // true
//
// The list is embedded: 3,000 passwords of at least 8 characters and 4,000 of
// at least 15, the most frequent ones first taken, from the file
// 10-million-password-list-top-1000000.txt of SecLists
// (https://github.com/danielmiessler/SecLists, Copyright (c) 2018 Daniel
// Miessler, MIT licence), in lower case. internal/cmd/commonpasswords makes it.
// It adds 50 kB to a program, and takes about 300 kB of memory once loaded.
package commonpasswords
