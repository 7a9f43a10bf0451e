package auth

import "time"

// Computed is how many passwords have been compared at full cost.
func Computed(a *Auth) int64 { return a.hash.matched.Load() }

// CodeAt is the one-time code of an enrolled secret at a time.
func CodeAt(secret string, at time.Time) string {
	raw, err := plain32.DecodeString(secret)
	if err != nil {
		panic(err)
	}
	return codeAt(raw, at.Unix()/codeStep)
}

// CodeOf is the code of a raw secret at a step.
func CodeOf(raw []byte, step int64) string { return codeAt(raw, step) }
