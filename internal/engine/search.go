package engine

import (
	"strings"
	"sync"
	"unicode"

	"github.com/mozillazg/go-pinyin"

	"zhanggui/internal/expr"
)

// The search column of a record holds what people type to find it: its number, its texts, the names it
// refers to, all of them also as pinyin and initials, and the tails of phone numbers. Classified fields
// are not in it: a search must not tell what a list would hide. Personal ones are there as tokens.

const searchLimit = 2000 // characters; beyond it nobody searches, and every save pays

// searchText builds the column anew at every save.
func (r *Record) searchText() string {
	if r.form.Kept == "engine" { // registers are found through what they are about
		return fold(strings.TrimSpace(r.Number() + " " + str(r.row["of_number"]) + " " + r.w.name(str(r.row["person"]))))
	}
	var plain []string
	add := func(s string) {
		if s = fold(s); s != "" && len(s) <= 400 {
			plain = append(plain, s)
		}
	}
	add(r.Number())
	for _, f := range r.form.Fields {
		if f.Class != nil || live(f) || r.row[f.ID] == nil {
			continue
		}
		switch f.Type.Expr.Kind {
		case expr.KText:
			switch f.Type.Name {
			case "note", "secret", "file", "files":
				continue
			case "phone":
				if s := digits(str(r.row[f.ID])); len(s) >= 4 {
					add(s)
				}
				continue
			}
			add(str(r.row[f.ID]))
		case expr.KObject:
			if x, err := r.w.ref(f.Type.Expr.Object, str(r.row[f.ID])); err == nil && x != nil && x != r {
				add(r.w.label(x))
			}
		}
	}
	for _, s := range r.formerly() {
		add(s)
	}
	var b strings.Builder
	seen := map[string]bool{}
	put := func(s string) {
		if s != "" && !seen[s] && b.Len()+len(s) < searchLimit {
			seen[s] = true
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(s)
		}
	}
	for _, s := range plain {
		put(s)
	}
	for _, s := range plain {
		for _, p := range spell(s) {
			put(p)
		}
	}
	return strings.TrimSpace(b.String() + " " + r.personalTokens())
}

// fold brings text to one form: lower case, half width, no surrounding space.
func fold(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r >= 0xFF01 && r <= 0xFF5E:
			r -= 0xFEE0
		case r == 0x3000:
			r = ' '
		}
		return unicode.ToLower(r)
	}, s))
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

var readings = pinyin.Args{Style: pinyin.Normal, Heteronym: true}

var read sync.Map // character → its readings; the library works them out by regular expressions each time

func readingsOf(c rune) []string {
	if p, ok := read.Load(c); ok {
		return p.([]string)
	}
	p := pinyin.SinglePinyin(c, readings)
	if len(p) == 0 {
		p = []string{""}
	}
	read.Store(c, p)
	return p
}

const variants = 8 // spellings of one text; names with many polyphones have more, which nobody types

// spell writes each run of Chinese characters as pinyin and as initials. Polyphones are varied one at a
// time, so that 重庆 is found by chongqing and zhongqing, cq and zq.
func spell(s string) []string {
	var out []string
	for _, run := range runs(s) {
		if !run.han {
			continue
		}
		var all [][]string
		for _, c := range run.text {
			all = append(all, readingsOf(c))
		}
		out = append(out, join(all, -1, ""), initials(all, -1, ""))
		n := 2
		for i, p := range all {
			for _, other := range p[min(1, len(p)):] {
				if n >= variants {
					break
				}
				if other == p[0] {
					continue
				}
				out = append(out, join(all, i, other), initials(all, i, other))
				n += 2
			}
		}
	}
	return out
}

func join(all [][]string, at int, other string) string {
	var b strings.Builder
	for i, p := range all {
		if i == at {
			b.WriteString(other)
		} else {
			b.WriteString(p[0])
		}
	}
	return b.String()
}

func initials(all [][]string, at int, other string) string {
	var b strings.Builder
	for i, p := range all {
		s := p[0]
		if i == at {
			s = other
		}
		if s != "" {
			b.WriteByte(s[0])
		}
	}
	return b.String()
}

type textRun struct {
	text string
	han  bool
}

// runs splits a text where Chinese characters begin and end.
func runs(s string) []textRun {
	var list []textRun
	from, was := 0, false
	for i, r := range s {
		han := unicode.Is(unicode.Han, r)
		if i > from && han != was {
			list = append(list, textRun{s[from:i], was})
			from = i
		}
		was = han
	}
	if from < len(s) {
		list = append(list, textRun{s[from:], was})
	}
	return list
}

// searchLength is how many characters of a text are looked for, and how many of a personal one can be found: each piece
// of either is a question or a token.
const searchLength = 200

func beginning(s string) string {
	n := 0
	for i := range s {
		if n++; n > searchLength {
			return s[:i]
		}
	}
	return s
}

// searchWords are the parts of what somebody typed that must all be found: 「taihe泵」 is two of them.
func searchWords(q string) []string {
	var list []string
	for _, word := range strings.Fields(fold(beginning(q))) {
		for _, run := range runs(word) {
			if t := strings.TrimSpace(run.text); t != "" && len(list) < 8 {
				list = append(list, t)
			}
		}
	}
	return list
}
