package redisstore

import "github.com/authmodule/authmodule/session"

// The form of a stored session, for its fuzz target.
func EncodeSession(r session.Record) (string, error)    { return encodeSession(r) }
func DecodeSession(blob string) (session.Record, error) { return decodeSession(blob) }
