package app

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// keptShape is of the tables that a program of this generation keeps beside those of the forms.
const keptShape = "2 8f3c4b9761a2"

// Ensure that nobody changes what the program keeps without asking himself whether programs before it must now stay away: the
// count is raised when one of them would lose, overwrite or misunderstand what this one writes (P26).
func TestGeneration(t *testing.T) {
	h := sha256.New()
	for _, table := range tables(&rulebook.Library{}) {
		fmt.Fprintf(h, "%s %v\n", table.Name, table.Primary)
		for _, c := range table.Columns {
			fmt.Fprintf(h, "\t%s %s %t\n", c.Name, c.Kind, c.NotNull)
		}
	}
	if is := fmt.Sprint(store.Generation, " ", hex.EncodeToString(h.Sum(nil)[:6])); is != keptShape {
		t.Errorf("the tables are %q and were %q: raise store.Generation if an older program would harm what is kept there now, and note the new shape here", is, keptShape)
	}
}
