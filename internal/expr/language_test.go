package expr

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"cel.dev/cel-go/common/ast"
)

// Ensure that every expression of the language's worked cases parses, and calls only functions that exist with so
// many arguments. Their forms are not here, so types are not checked.
func TestLanguage_Cases(t *testing.T) {
	e, err := NewEnv(&Schema{Params: map[string]Param{"stage_limit": {Key: []Column{{Name: "a", Type: Of(KText)}, {Name: "b", Type: Of(KBool)}}, Out: []Column{{Name: "days", Type: Of(KSpan)}}}}})
	if err != nil {
		t.Fatal(err)
	}
	arity := map[string]bool{}
	for name, f := range e.base.Functions() {
		for _, o := range f.OverloadDecls() {
			arity[fmt.Sprintf("%s/%v/%d", name, o.IsMemberFunction(), len(o.ArgTypes()))] = true
		}
	}
	file, err := os.Open("testdata/language.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	n := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		text := lines.Text()
		if strings.HasPrefix(text, "#") {
			continue
		}
		n++
		parsed, iss := e.base.Parse(text)
		if iss.Err() != nil {
			t.Errorf("%s: %v", text, iss.Err())
			continue
		}
		ast.PostOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(x ast.Expr) {
			if x.Kind() != ast.CallKind {
				return
			}
			c := x.AsCall()
			args := len(c.Args())
			if c.IsMemberFunction() {
				args++
			}
			if !arity[fmt.Sprintf("%s/%v/%d", c.FunctionName(), c.IsMemberFunction(), args)] {
				t.Errorf("%s: no function %s with %d arguments", text, c.FunctionName(), args)
			}
		}))
	}
	if n < 250 {
		t.Fatalf("only %d expressions", n)
	}
}
