package policy

func (c *compiler) short(src Source) []*statement { return nil }
