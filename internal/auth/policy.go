package auth

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"zhanggui/internal/fault"
)

// Policy is what a new password must be. Composition, history and age are off unless a regulation or a
// profile asks for them: length and not being guessable protect better.
type Policy struct {
	Min     int           // characters, at least; default 12, never below 8
	Max     int           // default and ceiling 128
	Classes int           // kinds of characters needed out of lower, upper, digit, other; 0 = any
	History int           // how many earlier passwords may not come back, the present one included; 0 = any may
	MaxAge  time.Duration // must be changed after; 0 = never
	Any     bool          // no rule at all: the demonstration's published password
}

const maxPassword = 128

func (p Policy) filled() Policy {
	if p.Min == 0 {
		p.Min = 12
	}
	p.Min = max(p.Min, 8)
	if p.Max == 0 || p.Max > maxPassword {
		p.Max = maxPassword
	}
	return p
}

// check tells what is wrong with a new password, the first thing only. Characters are counted and compared as
// typed: nothing is folded, cut or trimmed.
func (p Policy) check(password string, context ...string) error {
	if p.Any {
		return nil
	}
	n := len([]rune(password))
	bad := func(zh, en string) error { return fault.At("new", zh, en) }
	switch {
	case n < p.Min:
		return bad(fmt.Sprintf("密码至少 %d 个字符", p.Min), fmt.Sprintf("A password has at least %d characters", p.Min))
	case n > p.Max:
		return bad(fmt.Sprintf("密码最多 %d 个字符", p.Max), fmt.Sprintf("A password has at most %d characters", p.Max))
	case classes(password) < p.Classes:
		return bad(fmt.Sprintf("小写、大写、数字、其他字符里至少要有 %d 种", p.Classes),
			fmt.Sprintf("Use at least %d of: lower case, upper case, digits, other characters", p.Classes))
	case guessable(password):
		return bad("这个密码太常见，容易被猜中", "This password is too common and easily guessed")
	}
	low := strings.ToLower(password)
	for _, words := range append(context, "zhanggui", "掌柜") {
		for _, w := range append(strings.Fields(words), words) {
			if w = strings.ToLower(strings.TrimSpace(w)); telling(w) && strings.Contains(low, w) {
				return bad("密码里不要有账号、姓名或公司名", "Keep the account, the name and the company out of the password")
			}
		}
	}
	return nil
}

// telling words are long enough that their presence is no accident.
func telling(w string) bool {
	han := 0
	for _, r := range w {
		if unicode.Is(unicode.Han, r) {
			han++
		}
	}
	return han >= 2 || len([]rune(w)) >= 4
}

func classes(s string) int {
	var lower, upper, digit, other int
	for _, r := range s {
		switch {
		case unicode.IsLower(r):
			lower = 1
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsDigit(r):
			digit = 1
		default:
			other = 1
		}
	}
	return lower + upper + digit + other
}

//go:embed common.txt
var commonText string

var common = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.Fields(commonText) {
		words[w] = true
	}
	return words
})

// guessable recognises what guessers try first, at any length: a common word with digits or signs around it, a
// short part repeated, a run along the alphabet or the keyboard, and chains of such things.
func guessable(password string) bool {
	s := strings.ToLower(password)
	core := strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, t := range []string{s, core, unleet.Replace(s), unleet.Replace(core)} {
		if t != "" && (common()[t] || repeated(t) || chained(t, 3)) {
			return true
		}
	}
	// What remains after runs and common words are taken out must still be something.
	return left(s) < 4
}

// unleet undoes the substitutions everybody knows.
var unleet = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// repeated tells whether s is one part of up to a third of its length over and over.
func repeated(s string) bool {
	r := []rune(s)
	for n := 1; n <= len(r)/3; n++ {
		same := true
		for i := n; i < len(r) && same; i++ {
			same = r[i] == r[i-n]
		}
		if same {
			return true
		}
	}
	return false
}

// chained tells whether s is nothing but common words one after another, at most so many.
func chained(s string, words int) bool {
	if s == "" {
		return true
	}
	if words == 0 {
		return false
	}
	for n := len(s); n >= 3; n-- {
		if common()[s[:n]] && chained(s[n:], words-1) {
			return true
		}
	}
	return false
}

// left counts the characters outside of runs ("1234", "qwer", "8765", "aaaa") of four or more.
func left(s string) int {
	r := []rune(s)
	kept := 0
	for i := 0; i < len(r); {
		n := 1
		for i+n < len(r) && follows(r[i+n-1], r[i+n]) && (n == 1 || step(r[i+n-1], r[i+n]) == step(r[i], r[i+1])) {
			n++
		}
		if n < 4 {
			kept++
			n = 1
		}
		i += n
	}
	return kept
}

const keyboard = "`1234567890-= qwertyuiop[]\\ asdfghjkl;' zxcvbnm,./"

func follows(a, b rune) bool { return step(a, b) != 0 }

// step is 1 for the next letter or digit, 2 for the one before, 3 for the same, 4 and 5 for neighbours on the keyboard.
func step(a, b rune) int {
	switch {
	case b == a+1:
		return 1
	case b == a-1:
		return 2
	case a == b:
		return 3
	}
	i, j := strings.IndexRune(keyboard, a), strings.IndexRune(keyboard, b)
	switch {
	case i < 0 || j < 0 || a == ' ' || b == ' ':
		return 0
	case j == i+1:
		return 4
	case j == i-1:
		return 5
	}
	return 0
}
