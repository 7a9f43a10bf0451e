package engine

import "strings"

// capitals writes an amount as Chinese cheques do: 13800.00 → 人民币壹万叁仟捌佰元整.
func capitals(s string) string {
	const digit = "零壹贰叁肆伍陆柒捌玖"
	d := []rune(digit)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "负", s[1:]
	}
	whole, frac, _ := strings.Cut(s, ".")
	frac = (frac + "00")[:2]
	whole = strings.TrimLeft(whole, "0")
	if len(whole) > 16 {
		return ""
	}
	var b strings.Builder
	b.WriteString("人民币" + sign)
	unit := []string{"", "拾", "佰", "仟"}
	group := []string{"", "万", "亿", "万亿"}
	zero, some := false, false
	for i, c := range whole {
		left := len(whole) - 1 - i
		n := int(c - '0')
		if n == 0 {
			zero = true
		} else {
			if zero && b.Len() > len("人民币"+sign) {
				b.WriteRune(d[0])
			}
			zero, some = false, true
			b.WriteRune(d[n])
			b.WriteString(unit[left%4])
		}
		if left%4 == 0 {
			if some {
				b.WriteString(group[left/4])
				zero = zero && left == 0 // a group's own closing zeros are not spoken; an empty group's are
			}
			some = false
		}
	}
	if whole != "" {
		b.WriteString("元")
	}
	jiao, fen := int(frac[0]-'0'), int(frac[1]-'0')
	switch {
	case jiao == 0 && fen == 0:
		if whole == "" {
			b.WriteString("零元")
		}
		b.WriteString("整")
	case fen == 0:
		if zero && whole != "" {
			b.WriteRune(d[0])
		}
		b.WriteRune(d[jiao])
		b.WriteString("角")
	default:
		if jiao > 0 {
			if zero && whole != "" {
				b.WriteRune(d[0])
			}
			b.WriteRune(d[jiao])
			b.WriteString("角")
		} else if whole != "" {
			b.WriteRune(d[0])
		}
		b.WriteRune(d[fen])
		b.WriteString("分")
	}
	return b.String()
}
