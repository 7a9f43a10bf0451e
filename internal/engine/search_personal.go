package engine

import (
	"strings"
	"unicode"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// Personal fields are searched by keyed tokens, since a search column with names in it would tell what the encrypted columns
// hide. A name is found by any two characters of it that stand together, by parts of its pinyin and initials; a telephone by
// its end; an address or a number as a whole. What a mask shows to all (the last four digits) all may search by; the rest
// only those who may ask about the field.

const (
	openDomain = "open" // of tokens that everybody who sees the record may search by
	tokenLimit = 240    // of one record; a long name with many readings has no more
)

// tokens are those of one personal value.
func (w *work) tokens(f *rulebook.Field, v expr.Value, put func(string)) {
	s, _ := v.(string)
	if s = fold(beginning(s)); s == "" {
		return
	}
	domain := tokenDomain(f)
	add := func(domain string, kind byte, word string) { put(w.e.keep.Token(domain, string(kind)+word)) }
	switch f.Type.Name {
	case "phone", "idno", "uscc":
		d := s
		if f.Type.Name == "phone" {
			d = digits(s)
		}
		if showsTail(f) && len(d) > 4 {
			add(openDomain, 'w', d[len(d)-4:])
		}
		for n := 4; n <= len(d); n++ {
			add(domain, 'w', d[len(d)-n:])
		}
	case "email":
		add(domain, 'w', s)
		local, _, _ := strings.Cut(s, "@")
		add(domain, 'w', local)
	case "text", "place":
		for _, run := range append(textRuns(s), spell(s)...) {
			add(domain, 'w', run)
			for _, g := range grams(run) {
				add(domain, 'g', g)
			}
		}
	}
}

func textRuns(s string) []string {
	var list []string
	for _, word := range strings.Fields(s) {
		for _, run := range runs(word) {
			list = append(list, run.text)
		}
	}
	return list
}

// grams are the pieces a longer word is recognised by: two Chinese characters or three of another script, which makes a
// piece of two of the latter worth keeping too.
func grams(s string) []string {
	r := []rune(s)
	var list []string
	sizes := []int{2}
	if len(r) > 0 && !unicode.Is(unicode.Han, r[0]) {
		sizes = []int{2, 3}
	}
	for _, n := range sizes {
		for i := 0; i+n <= len(r); i++ {
			list = append(list, string(r[i:i+n]))
		}
	}
	return list
}

// asked are the pieces a word has to have all of; none if it is too short to be looked for in names.
func asked(word string) []string {
	r := []rune(word)
	n := 3
	if len(r) > 0 && unicode.Is(unicode.Han, r[0]) || len(r) == 2 {
		n = 2
	}
	var list []string
	for i := 0; i+n <= len(r); i++ {
		list = append(list, string(r[i:i+n]))
	}
	return list
}

// tokenDomain keeps apart what different readers may search by.
func tokenDomain(f *rulebook.Field) string {
	c := f.Class
	if c == nil || c.Class == nil || c.Class.See == nil && len(c.Class.PerForm) == 0 {
		return openDomain
	}
	return "class " + c.Class.ID
}

func showsTail(f *rulebook.Field) bool {
	switch className(f) {
	case "phone", "last4", "idno":
		return true
	}
	return false
}

// personalTokens are the tokens of all personal fields of a record and its lines, "" if it has none.
func (r *Record) personalTokens() string {
	var list []string
	seen := map[string]bool{}
	put := func(t string) {
		if !seen[t] && len(list) < tokenLimit {
			seen[t] = true
			list = append(list, t)
		}
	}
	for _, f := range r.form.Fields {
		if f.Personal && !live(f) && r.row[f.ID] != nil {
			if v, err := r.Get(f.ID); err == nil {
				r.w.tokens(f, v, put)
			}
		}
	}
	for _, l := range r.form.Lines {
		if !hasPersonal(l.Fields) {
			continue
		}
		rows, err := r.Lines(l.ID)
		if err != nil {
			continue // the act that could not read them fails by itself
		}
		for _, x := range rows {
			for _, f := range l.Fields {
				if f.Personal {
					if v, err := x.Get(f.ID); err == nil {
						r.w.tokens(f, v, put)
					}
				}
			}
		}
	}
	return strings.Join(list, " ")
}

func hasPersonal(list []*rulebook.Field) bool {
	for _, f := range list {
		if f.Personal {
			return true
		}
	}
	return false
}

// found asks for the records of a form, under the alias "this", that have all of these words; and tells whether it names the
// few that can have them.
func (w *work) found(f *rulebook.Form, words []string) (where query.Expr, narrowed bool, err error) {
	if len(words) == 0 {
		return nil, false, nil
	}
	parts := w.partsOf(words, w.tokenDomains(f))
	few, err := w.tx.Narrow(f.Table, "this", parts)
	return query.And(few, having(parts)), few != nil, err
}

// partsOf are of each word its alternatives: all parts of one of them are in what a record is found by.
func (w *work) partsOf(words, domains []string) [][][]string {
	var parts [][][]string
	for _, word := range words {
		ways := [][]string{{word}}
		for _, d := range domains {
			ways = append(ways, []string{w.e.keep.Token(d, "w"+word)})
			var pieces []string
			for _, g := range asked(word) {
				pieces = append(pieces, w.e.keep.Token(d, "g"+g))
			}
			if len(pieces) > 0 {
				ways = append(ways, pieces)
			}
		}
		parts = append(parts, ways)
	}
	return parts
}

// having is the condition that a record, under the alias "this", has of each word all parts of one alternative.
func having(words [][][]string) query.Expr {
	column := query.Col{Alias: "this", Name: "search"}
	var where query.Expr
	for _, ways := range words {
		any := query.Op{Name: "or"}
		for _, parts := range ways {
			var has query.Expr
			for _, p := range parts {
				has = query.And(has, query.Op{Name: "contains", Args: []query.Expr{column, query.Const{Value: p}}})
			}
			any.Args = append(any.Args, has)
		}
		where = query.And(where, any)
	}
	return where
}

// tokenDomains are those this reader may search a form by.
func (w *work) tokenDomains(f *rulebook.Form) []string {
	var list []string
	add := func(d string) {
		if !contains(list, d) {
			list = append(list, d)
		}
	}
	each := func(fields []*rulebook.Field) {
		for _, fd := range fields {
			if !fd.Personal {
				continue
			}
			if showsTail(fd) {
				add(openDomain)
			}
			if d := tokenDomain(fd); d == openDomain || w.open(f, fd) {
				add(d)
			}
		}
	}
	each(f.Fields)
	for _, l := range f.Lines {
		each(l.Fields)
	}
	return list
}
