package engine

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

func splitWords(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '，' || r == ';' || unicode.IsSpace(r) })
}

var emailShape = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)

// typeZH names what a field wants, for an error.
func typeZH(t rulebook.FieldType) string {
	switch t.Name {
	case "int":
		return "要整数"
	case "decimal", "quantity", "percent":
		return "要数字"
	case "money":
		return "要金额，如 1280.00"
	case "date":
		return "要日期，如 2026-03-18"
	case "datetime":
		return "要日期和时间"
	case "time":
		return "要时刻，如 17:30"
	case "bool":
		return "要是或否"
	case "duration":
		return "要时长，如 3d"
	}
	return "格式不对"
}

// identifier is a text that tells one thing from another, in the one spelling all that look alike share: a full-width letter
// is the plain one. What nobody sees (marks of direction, of no width) would make two of one, and is refused.
func identifier(v expr.Value, t rulebook.FieldType) (expr.Value, error) {
	s, ok := v.(string)
	if !ok || t.Name != "text" {
		return v, nil
	}
	s = strings.TrimSpace(norm.NFKC.String(s))
	for _, r := range s {
		if unicode.Is(unicode.Cf, r) || unicode.IsControl(r) || unicode.Is(unicode.Variation_Selector, r) {
			return nil, bad("里面有看不见的字符，请重新打一遍", "it holds characters that cannot be seen; type it again")
		}
	}
	if s == "" {
		return nil, nil
	}
	return s, nil
}

// checkText asks a text field's own format.
func checkText(s string, t rulebook.FieldType) (expr.Value, error) {
	switch t.Name {
	case "phone":
		digits := 0
		for _, r := range s {
			if r >= '0' && r <= '9' {
				digits++
			} else if !strings.ContainsRune("+-() 　转#*", r) {
				return nil, bad("电话只能有数字", "a phone number has digits only")
			}
		}
		if digits < 5 {
			return nil, bad("电话太短", "the phone number is too short")
		}
	case "email":
		if !emailShape.MatchString(s) {
			return nil, bad("邮箱地址不完整", "the mail address is not complete")
		}
	case "idno":
		if !idnoValid(s) {
			return nil, bad("身份证号不对，请核对", "the ID number does not check out")
		}
	case "uscc":
		if !usccValid(s) {
			return nil, bad("统一社会信用代码不对，请核对", "the social credit code does not check out")
		}
	case "text":
		if len([]rune(s)) > 2000 {
			return nil, bad("最多 2000 字", "at most 2000 characters")
		}
	}
	return strings.TrimSpace(s), nil
}

// idnoValid checks the GB 11643 check digit.
func idnoValid(s string) bool {
	if len(s) != 18 {
		return false
	}
	weight := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, k := range weight {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		sum += int(s[i]-'0') * k
	}
	return strings.ToUpper(s[17:]) == string("10X98765432"[sum%11])
}

// usccValid checks the GB 32100 check character.
func usccValid(s string) bool {
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	s = strings.ToUpper(s)
	if len(s) != 18 {
		return false
	}
	sum, k := 0, 1
	for i := 0; i < 17; i++ {
		n := strings.IndexByte(alphabet, s[i])
		if n < 0 {
			return false
		}
		sum += n * k
		k = k * 3 % 31
	}
	return s[17] == alphabet[(31-sum%31)%31]
}

// outOfBounds says why a value is outside min and max.
func outOfBounds(v expr.Value, f *rulebook.Field) rulebook.Label {
	if f.Min != nil && expr.Compare(v, f.Min) < 0 {
		m := expr.Format(f.Min, f.Type.Expr)
		return label("“"+f.Label.ZH+"”不能小于 "+m, f.Label.EN+" cannot be less than "+m)
	}
	if f.Max != nil && expr.Compare(v, f.Max) > 0 {
		m := expr.Format(f.Max, f.Type.Expr)
		return label("“"+f.Label.ZH+"”不能大于 "+m, f.Label.EN+" cannot be more than "+m)
	}
	return rulebook.Label{}
}

func sameMoment(err error) error {
	return fault.Wrap(fault.Conflict, err, "同一时刻有人登记了同样的内容", "Somebody entered the same at the same moment")
}

// saveError turns a store mistake into something a person can act on.
func (w *work) saveError(r *Record, err error) error {
	if store.AsDuplicate(err) != nil {
		return sameMoment(err)
	}
	return fmt.Errorf("save %s %s: %w", r.form.Key, r.id, err)
}

var _ = calendar.Date{}
