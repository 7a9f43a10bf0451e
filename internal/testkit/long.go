package testkit

import (
	"os"
	"testing"
)

// Long answers how often to do something: little in the ordinary run, often under `make test-long`.
func Long(t testing.TB, ordinary, long int) int {
	t.Helper()
	if os.Getenv("ZHANGGUI_LONG") != "" {
		return long
	}
	return ordinary
}
