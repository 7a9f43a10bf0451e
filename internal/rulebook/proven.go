package rulebook

import (
	"io/fs"
	"path"
)

// Proven tells, by clause, how many of a book's scenarios are about it. They are read for it at the first question.
func (l *Library) Proven(b *Book) map[string]int { return l.proven()[b.ID] }

// proven reads the scenarios of all books and counts them by book and clause. What is wrong with one is said by `zhanggui check`.
func proven(lib *Library, fsys fs.FS, instead map[string]string) map[string]map[string]int {
	r := newReporter()
	told := map[string][]*node{}
	var of func(*Book) []*node
	of = func(b *Book) []*node {
		if list, known := told[b.ID]; known {
			return list
		}
		files := given(instead, b.ID)
		if len(files) == 0 {
			folder := path.Join(b.ID, played)
			if _, err := fs.Stat(fsys, folder); err == nil {
				files = filesOf(r, fsys, folder, func(string) bool { return false })
			}
		}
		s := sourceOf(r, b.ID, files)
		if base := lib.Book(b.Extends); base != nil {
			s.inherited = replayed(of(base), base.ID, b.ID, b.From)
		}
		list, _ := s.played()
		told[b.ID] = list
		return list
	}
	all := map[string]map[string]int{}
	for _, b := range lib.Books {
		n := map[string]int{}
		for _, x := range of(b) {
			said := x.at("clauses")
			for _, c := range append(said.listed(), said) {
				if c.isText() {
					n[c.text]++
				}
			}
		}
		all[b.ID] = n
	}
	return all
}
