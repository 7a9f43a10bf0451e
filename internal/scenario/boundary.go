package scenario

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing/fstest"

	"zhanggui/internal/rulebook"
)

// Shift is one small change of a rulebook's text: a number by one, a comparison with or without its boundary, somebody left out.
type Shift struct {
	File string // "11-customer/review.yaml"
	Line int
	From string
	To   string
	By   string // the case that noticed; "" = none did
}

// Words are the place, and what was changed there with what stands beside it.
func (s Shift) Words() string {
	from, to := []rune(s.From), []rune(s.To)
	begin, end := 0, 0
	for begin < min(len(from), len(to)) && from[begin] == to[begin] {
		begin++
	}
	for end < min(len(from), len(to))-begin && from[len(from)-1-end] == to[len(to)-1-end] {
		end++
	}
	part := func(r []rune) string { return string(r[max(0, begin-30):min(len(r), len(r)-end+20)]) }
	return fmt.Sprintf("%s:%d: %s  →  %s", s.File, s.Line, strings.TrimSpace(part(from)), strings.TrimSpace(part(to)))
}

// Boundaries makes every small change of the books' rules, one at a time, and plays the scenarios of the changed clause until one
// notices. What does not compile is no change. It takes minutes a book. Progress is told each change when it was tried.
func Boundaries(ctx context.Context, fsys fs.FS, books []string, progress func(Shift)) error {
	files, err := texts(fsys)
	if err != nil {
		return err
	}
	lib, issues := rulebook.Load(fsys)
	if issues.Failed() {
		return issues.Errors()
	}
	for _, b := range lib.Books {
		if len(books) > 0 && !slices.Contains(books, b.ID) {
			continue
		}
		if err := boundariesOf(ctx, files, lib, b, progress); err != nil {
			return err
		}
	}
	return nil
}

// texts are the files of the rulebooks by name.
func texts(fsys fs.FS) (map[string]string, error) {
	files := map[string]string{}
	return files, fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(fsys, name)
		files[name] = string(b)
		return err
	})
}

func boundariesOf(ctx context.Context, files map[string]string, lib *rulebook.Library, b *rulebook.Book, progress func(Shift)) error {
	own := map[string]string{} // the book with what it needs, so that it compiles fast
	for name, text := range files {
		if of, _, _ := strings.Cut(name, "/"); of == "base" || of == b.ID || of == b.Extends || slices.Contains(b.Needs, of) {
			own[name] = text
		}
	}
	bench, err := NewBench(ctx, lib)
	if err != nil {
		return err
	}
	defer bench.Close()
	var all []*trial
	for _, s := range b.Scenarios {
		list, err := cases(s)
		if err != nil {
			return err
		}
		for _, o := range list {
			all = append(all, &trial{o, bench.play(ctx, o, nil)})
		}
	}
	jobs := make(chan Shift)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range workers {
		wg.Go(func() {
			for s := range jobs {
				by, ok := noticed(ctx, own, b.ID, s, all)
				if !ok {
					continue
				}
				s.By = by
				mu.Lock()
				progress(s)
				mu.Unlock()
			}
		})
	}
	for _, s := range shifts(own, b.ID) {
		jobs <- s
	}
	close(jobs)
	wg.Wait()
	return ctx.Err()
}

// noticed plays the scenarios that name a clause of the changed place under the changed text; where none is named, all of the book. ok is
// false for a text that does not compile.
func noticed(ctx context.Context, files map[string]string, id string, s Shift, all []*trial) (by string, ok bool) {
	changed := fstest.MapFS{}
	for name, text := range files {
		changed[name] = &fstest.MapFile{Data: []byte(text)}
	}
	lines := strings.Split(files[s.File], "\n")
	was := lines[s.Line-1]
	lines[s.Line-1] = s.To
	changed[s.File] = &fstest.MapFile{Data: []byte(strings.Join(lines, "\n"))}
	lib, issues := rulebook.Load(changed)
	if issues.Failed() {
		return "", false
	}
	bench, err := NewBench(ctx, lib)
	if err != nil {
		return "", false
	}
	defer bench.Close()
	near := clausesNear(files, s.File, s.Line, was)
	for _, t := range all {
		if len(near) > 0 && !slices.ContainsFunc(near, func(c string) bool { return slices.Contains(t.clauses, c) }) || t.awake.Failed != "" {
			continue
		}
		if r := bench.play(ctx, t.one, nil); r.Failed != "" {
			return r.Title + " (" + r.Failed + ")", true
		}
	}
	return "", true
}

var (
	clauseID   = regexp.MustCompile(`\b\d\d-[0-9][0-9a-z.]*`)
	paramName  = regexp.MustCompile(`^ *(\w+): \{`)
	untouched  = regexp.MustCompile(`(?:label|say|hint|text|source|pattern|title|clause|also|scale|reason|min|max|per_day): *(?:"[^"]*"|\[[^\]]*\]|[^,}\]]*)|- minutes\(1\)|\b\d\d-[0-9][0-9a-z.]*|#.*$`)
	whole      = regexp.MustCompile(`(^|[^\w.'"-])(\d+)((?:wd|wh|wm|mo|[smhdwqy])?)\b`)
	quoted     = regexp.MustCompile(`(value: "|\(')(\d+)((?:\.\d+)?(?:"|'\)))`)
	comparison = regexp.MustCompile(` (>=|<=|>|<) `)
	people     = regexp.MustCompile(`\b(?:by|holder|confirm|notify|all|to): \[`)
	oneOf      = regexp.MustCompile(` in \['`)
)

// clausesNear are the clauses that a line names, or that lines name which read the parameter that stands there.
func clausesNear(files map[string]string, file string, n int, line string) []string {
	list := clauseID.FindAllString(line, -1)
	m := paramName.FindStringSubmatch(line)
	if m == nil || !strings.Contains(line, "value:") {
		return list
	}
	folder, _, _ := strings.Cut(file, "/")
	for name, text := range files {
		if !strings.HasPrefix(name, folder+"/") || strings.Contains(name, "/scenarios/") {
			continue
		}
		for _, l := range strings.Split(text, "\n") {
			if strings.Contains(l, "param."+m[1]) {
				list = append(list, clauseID.FindAllString(l, -1)...)
			}
		}
	}
	return list
}

// shifts are the changes of a book's rules, in the order of its files and lines.
func shifts(files map[string]string, id string) []Shift {
	var names []string
	for name := range files {
		rules := strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, "/clauses.yaml") && !strings.Contains(name, "/scenarios/")
		if strings.HasPrefix(name, id+"/") && rules {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var list []Shift
	for _, name := range names {
		for i, line := range strings.Split(files[name], "\n") {
			for _, to := range changesOf(line) {
				list = append(list, Shift{File: name, Line: i + 1, From: line, To: to})
			}
		}
	}
	return list
}

// changesOf are the lines that a line may be changed into.
func changesOf(line string) []string {
	blank := untouched.ReplaceAllStringFunc(line, func(s string) string { return strings.Repeat(" ", len(s)) })
	var list []string
	put := func(from, to int, s string) { list = append(list, line[:from]+s+line[to:]) }
	for _, at := range append(whole.FindAllStringSubmatchIndex(blank, -1), quoted.FindAllStringSubmatchIndex(blank, -1)...) {
		n, err := strconv.Atoi(blank[at[4]:at[5]])
		if err != nil {
			continue
		}
		put(at[4], at[5], fmt.Sprint(n+1))
	}
	other := map[string]string{">=": ">", ">": ">=", "<=": "<", "<": "<="}
	for _, at := range comparison.FindAllStringSubmatchIndex(blank, -1) {
		put(at[2], at[3], other[blank[at[2]:at[3]]])
	}
	for _, at := range append(people.FindAllStringIndex(blank, -1), oneOf.FindAllStringIndex(blank, -1)...) {
		open := at[0] + strings.IndexByte(blank[at[0]:], '[')
		items := itemsOf(line, open)
		for k := range items {
			if len(items) > 1 {
				rest := slices.Delete(slices.Clone(items), k, k+1)
				put(open+1, closing(line, open), strings.Join(rest, ","))
			}
		}
	}
	return list
}

// closing is where the bracket that opens at a place closes; the line's end if it does not.
func closing(line string, open int) int {
	depth := 0
	for i := open; i < len(line); i++ {
		switch line[i] {
		case '[', '{', '(':
			depth++
		case ']', '}', ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(line)
}

// itemsOf are the items of the list that opens at a place.
func itemsOf(line string, open int) []string {
	var list []string
	depth, from, end := 0, open+1, closing(line, open)
	for i := open + 1; i < end; i++ {
		switch line[i] {
		case '[', '{', '(':
			depth++
		case ']', '}', ')':
			depth--
		case ',':
			if depth == 0 {
				list, from = append(list, line[from:i]), i+1
			}
		}
	}
	return append(list, line[from:end])
}
