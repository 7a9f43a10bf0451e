package scenario

import (
	"slices"
	"testing"
)

// Ensure that a line of rules is changed at its numbers, comparisons, persons and values, and nowhere in its words.
func TestBoundaries_Changes(t *testing.T) {
	for line, want := range map[string][]string{
		"  pay: {label: 30天 | 30 days, type: duration, value: 30d, clause: 07-3.1}": {"  pay: {label: 30天 | 30 days, type: duration, value: 31d, clause: 07-3.1}"},
		`  that: "this.a >= months(2)"`:                                             {`  that: "this.a >= months(3)"`, `  that: "this.a > months(2)"`},
		"  by: [clerk, head(this.unit)]":                                            {"  by: [ head(this.unit)]", "  by: [clerk]"},
		`  where: "this.s in ['a', 'b']"`:                                           {`  where: "this.s in [ 'b']"`, `  where: "this.s in ['a']"`},
		`  share: {type: percent, value: "15"}`:                                     {`  share: {type: percent, value: "16"}`},
		"  number: {pattern: \"K{n:5}\"}":                                           nil,
	} {
		if got := changesOf(line); !slices.Equal(got, want) {
			t.Errorf("%q is changed into %q, should be %q", line, got, want)
		}
	}
}
