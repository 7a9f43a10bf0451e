package rulebook

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Severity tells whether a rulebook with this issue may start.
type Severity string

// An error keeps the program from starting; a warning never hides a clause that could silently fail.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Issue is one mistake of an author, with the place to mend it.
type Issue struct {
	Pos      Pos
	Severity Severity
	Message  string
	Hint     string
	Line     string // the source line; "" if the mistake has no line

	bare string // the headline without what a variant adds to it; "" if it adds nothing
}

// Issues is everything found in one run; it is never thrown half-way.
type Issues []*Issue

// Failed tells whether any issue is an error.
func (l Issues) Failed() bool {
	for _, i := range l {
		if i.Severity == SeverityError {
			return true
		}
	}
	return false
}

// Errors are the issues that keep the program from starting.
func (l Issues) Errors() Issues { return l.only(SeverityError) }

// Warnings are the others.
func (l Issues) Warnings() Issues { return l.only(SeverityWarning) }

func (l Issues) only(s Severity) Issues {
	var list Issues
	for _, i := range l {
		if i.Severity == s {
			list = append(list, i)
		}
	}
	return list
}

// Err is the issues as an error, nil if none keeps the program from starting.
func (l Issues) Err() error {
	if !l.Failed() {
		return nil
	}
	return l.Errors()
}

// Error prints all issues, one after the other.
func (l Issues) Error() string {
	parts := make([]string, len(l))
	for i, x := range l {
		parts[i] = x.String()
	}
	return strings.Join(parts, "\n")
}

// Headline is the issue on one line.
func (i *Issue) Headline() string {
	var b strings.Builder
	if i.Pos.File != "" {
		b.WriteString(i.Pos.File)
		if i.Pos.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", i.Pos.Line, i.Pos.Col)
		}
		b.WriteString(": ")
	}
	if i.Severity == SeverityWarning {
		b.WriteString("warning: ")
	}
	b.WriteString(i.Message)
	if i.Hint != "" {
		b.WriteString("; " + i.Hint)
	}
	return b.String()
}

// String is the headline, the source line and a caret under the place.
func (i *Issue) String() string {
	if i.Line == "" || i.Pos.Line == 0 {
		return i.Headline()
	}
	no := fmt.Sprint(i.Pos.Line)
	line := []rune(i.Line)
	at := min(max(i.Pos.Col-1, 0), len(line))
	// A long flow line is cut around the caret, so that the caret can be found.
	from := 0
	if at > 90 {
		from = at - 60
	}
	to := min(len(line), from+130)
	lead := ""
	if from > 0 {
		lead = "…"
	}
	tail := ""
	if to < len(line) {
		tail = "…"
	}
	return fmt.Sprintf("%s\n   %s | %s%s%s\n   %s | %s^", i.Headline(), no, lead, string(line[from:to]), tail,
		strings.Repeat(" ", len(no)), strings.Repeat(" ", width(line[from:at])+len([]rune(lead))))
}

// width counts the columns a terminal gives: a Chinese character takes two.
func width(line []rune) int {
	n := 0
	for _, r := range line {
		n++
		if r >= 0x1100 && (r <= 0x115F || (r >= 0x2E80 && r <= 0xFFE6)) {
			n++
		}
	}
	return n
}

// reporter collects issues; the same one twice is kept once.
type reporter struct {
	list  Issues
	seen  map[string]bool
	files map[string][]string // lines, for the excerpt

	of      *reporter // where a variant's reporter keeps what it collects
	variant string    // its rulebook
	folder  string    // and where its own files lie
}

func newReporter() *reporter { return &reporter{seen: map[string]bool{}, files: map[string][]string{}} }

// varied is the reporter of a variant: what it finds in a file of the extended rulebook is said to be the variant's, since there
// the file is right as it stands.
func (r *reporter) varied(variant, folder string) *reporter {
	return &reporter{of: r, variant: variant, folder: folder}
}

func (r *reporter) add(sev Severity, p Pos, hint, format string, args ...any) {
	i := &Issue{Pos: p, Severity: sev, Message: fmt.Sprintf(format, args...), Hint: hint}
	if r.of != nil {
		if !strings.HasPrefix(p.File, r.folder) {
			i.bare = i.Headline()
			i.Message += " (as " + r.variant + " varies it)"
		}
		r = r.of
	}
	if lines := r.files[p.File]; p.Line > 0 && p.Line <= len(lines) {
		i.Line = strings.TrimRight(lines[p.Line-1], "\r")
	}
	key := i.Headline()
	if r.seen[key] {
		return
	}
	r.seen[key] = true
	r.list = append(r.list, i)
}

func (r *reporter) errorf(p Pos, format string, args ...any) {
	r.add(SeverityError, p, "", format, args...)
}

func (r *reporter) hintf(p Pos, hint, format string, args ...any) {
	r.add(SeverityError, p, hint, format, args...)
}

func (r *reporter) warnf(p Pos, format string, args ...any) {
	r.add(SeverityWarning, p, "", format, args...)
}

// sorted puts the issues in the order of the files. A mistake of the extended rulebook is not repeated for its variants.
func (r *reporter) sorted() Issues {
	r.list = slices.DeleteFunc(r.list, func(i *Issue) bool { return i.bare != "" && r.seen[i.bare] })
	sort.SliceStable(r.list, func(i, j int) bool {
		a, b := r.list[i].Pos, r.list[j].Pos
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Col < b.Col
	})
	return r.list
}

// meant is `did you mean "x"?` for the nearest known word, or nothing if none is near.
func meant(word string, known []string) string {
	best, dist := "", 1+len(word)/3
	for _, k := range known {
		if d := distance(word, k); d <= dist && k != word && (best == "" || d < dist) {
			best, dist = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// distance is how many letters must change, swap, come or go.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	prev2 := make([]int, len(y)+1)
	prev := make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		cur := make([]int, len(y)+1)
		cur[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev = prev, cur
	}
	return prev[len(y)]
}
