// Package doortest holds the doors of echoauth, echov5auth and httpauth to one table: whoever asks for whatever, each gives
// the same answer, byte for byte. There is nothing in it but tests.
//
//	go test ./internal/doortest
package doortest
