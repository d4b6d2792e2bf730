package authztest

// ReadTable reads a table and drops it.
func ReadTable(name string, data []byte) error {
	_, err := readTable(name, data)
	return err
}
