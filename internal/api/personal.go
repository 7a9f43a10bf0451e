package api

// personalCopy answers a person's approved request for what is held about him.
func personalCopy(c *call) error {
	v, err := c.s.Engine.PersonalCopy(c.ctx(), c.now, c.actor, c.path("id"))
	return answer(c, v, err)
}
