package engine

import (
	"slices"
	"testing"
)

// Ensure that amounts are written in capitals as banks do.
func TestCapitals(t *testing.T) {
	for in, want := range map[string]string{
		"10.00": "人民币壹拾元整", "1409.50": "人民币壹仟肆佰零玖元伍角", "6007.14": "人民币陆仟零柒元壹角肆分", "16409.02": "人民币壹万陆仟肆佰零玖元零贰分",
		"325.04": "人民币叁佰贰拾伍元零肆分", "107000.53": "人民币壹拾万柒仟元零伍角叁分", "0.05": "人民币伍分", "100000000.00": "人民币壹亿元整",
		"13800.00": "人民币壹万叁仟捌佰元整", "100007000.00": "人民币壹亿零柒仟元整", "100007": "人民币壹拾万零柒元整", "0.00": "人民币零元整",
	} {
		if got := capitals(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// Ensure that masks hide what they are for, of short values too.
func TestMask(t *testing.T) {
	for _, c := range [][3]string{{"phone", "13866210417", "138****0417"}, {"phone", "12345", "****"}, {"name", "欧阳修", "欧**"}, {"name", "王", "*"},
		{"idno", "330102199003071234", "330***********1234"}, {"last4", "6222021234567890", "****7890"}, {"last4", "123", "****"}, {"all", "x", "***"}, {"", "x", "***"}} {
		if got := mask(c[0], c[1]); got != c[2] {
			t.Errorf("mask %s of %s: %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

// Ensure that Chinese is found by pinyin and initials, polyphones both ways, and mixed words by their parts.
func TestSpell(t *testing.T) {
	got := spell("重庆泵业")
	for _, want := range []string{"chongqingbengye", "zhongqingbengye", "cqby", "zqby"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing in %v", want, got)
		}
	}
	if w := searchWords("Taihe泵 ２６"); !slices.Equal(w, []string{"taihe", "泵", "26"}) {
		t.Errorf("words %q", w)
	}
	if s := spell("单"); !slices.Contains(s, "shan") || !slices.Contains(s, "dan") {
		t.Errorf("单: %v", s)
	}
}
