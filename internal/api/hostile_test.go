package api_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// hostile is what is put into the place.
func (p spot) hostile() []string {
	switch p.in {
	case "whole":
		return []string{``, `null`, `[]`, `"x"`, `0`, `{`, `{}{}`, `{"":""}`, `{"values":{},"values":{}}`, "\ufeff{}", "\xff\xfe", "{\"a\":\"\xc3\x28\"}", `{"values":` + strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40) + `}`,
			strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat(`}`, 5000), `{"values":"` + strings.Repeat("长", 400_000) + `"}`, `{"values":{"subject":"x"},"lines":{"parts":[null,1,{"name":null}]}}`, `{"values":null,"lines":null,"reason":null}`,
			`{"values":{"subject":"x"},"lines":{"parts":[` + strings.Repeat(`{"name":"n"},`, 2000) + `{"name":"n"}]}}`, `{"records":[` + strings.Repeat(`{"id":"x"},`, 300) + `{"id":"x"}]}`, `<xml/>`, `values[subject]=x`}
	case "body":
		return slices.Concat(jsons, quoted(texts))
	}
	if slices.Contains([]string{"filter", "where"}, p.name[0]) {
		return slices.Concat(filters, texts)
	}
	return texts
}

func quoted(list []string) (out []string) {
	for _, s := range list {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if e.Encode(s) == nil {
			out = append(out, strings.TrimSpace(b.String()))
		}
	}
	return out
}

// jsons are values of the wrong kind, at the edge, broken, or too many.
var jsons = []string{`null`, `true`, `0`, `-1`, `1.5`, `1e400`, `-1e-400`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775809`, `1e18`, `0.1e1`, strings.Repeat("9", 5000), `[]`, `[null]`, `[[]]`, `{}`, `{"":null}`,
	`{"id":null}`, `{"id":"zzzzzzzzzzzzzzzz"}`, `{"from":"x","until":1}`, `{"from":"9999-12-31","until":"0001-01-01"}`, `{"a":1,"a":2}`, `{"__proto__":{}}`, `["x","x"]`, `"\ud800"`, `"\u0000"`, "\"\t\"", `"unclosed`, `[1,{"a":[true,"x"]}]`, `{"a":"b"}`,
	strings.Repeat(`[`, 28) + strings.Repeat(`]`, 28), strings.Repeat(`{"a":`, 60) + `1` + strings.Repeat(`}`, 60), `[` + strings.Repeat(`"x",`, 20_000) + `"x"]`, `NaN`, `undefined`, `[{}]`, `[""]`, `[{"id":1}]`, `{"masked":"x"}`}

// texts are what is no id, no number, no date, no word, or more than one of them.
var texts = []string{"", " ", "x", "0", "-1", "1.5", "99999999999999999999", "1e999999999", "-1E+2147483647", "1e-2147483648", "0x10", "NaN", "Infinity", "-0", "+1", "１２", "1,000", ".5", "5.", "1_000", strings.Repeat("9", 300),
	"0.0000000000000000000000000000000000001", "9223372036854775807", "-9223372036854775808", "9999-12-31", "0000-00-00", "0001-01-01", "2026-02-30", "-1-01-01", "10000-01-01", "2026-13", "9999-12", "0000-01", "99999", "2026-03-02T25:61:61Z",
	"9999-12-31T23:59:59.999999999Z", "0000-01-01T00:00:00Z", "2026-03-02T00:00:00+23:59", "2026-03-02T00:00:00.0000000001Z", "999999999999d", "-5d", "999999999wd", "9223372036854775807h", "d", "1d1d", "null", "true", "[]", "{}", "a,b,c", ",,,", "-",
	"--amount", "-amount,-amount", "id", "of_id", "search", "subject", "phone", "state;drop", "' OR '1'='1", `"; DROP TABLE fx_matter; --`, `\`, "%", "_", "%%%%", "%00", "../../../etc/passwd", "..", ".", "/", "a/b", "?", "#", "&", "a\r\nb: c", "\x00", "a\x00b", "\x7f",
	"\u202e逆", "\u200b", "\ufeff", "\ufffd", "\uffff", "e\u0301", "\U0010ffff", "👩‍👩‍👧‍👦", "İı", "ﬁ", "𝕏", "\xff\xfe", "\xed\xa0\x80", "{{7*7}}", "${x}", "<script>alert(1)</script>", "javascript:alert(1)", strings.Repeat("长", 5000), strings.Repeat("a", 70_000), strings.Repeat("a ", 3000),
	"eyJhIjoxfQ", "eyJ2IjpbbnVsbF19", "W10", "bnVsbA==", "AAAA", "base.person", "x.matter", "base", "x-3", "edit", "create", "view", "wang", "W/\"1\"", "*", "\"1\"", "9999999999"}

// filters are conditions that are wrong, divide by nothing, overflow, recur, or cost much.
var filters = []string{"this", "this.subject", "true", "false", "null", "1", "'x'", "this.nothing == 1", "this.phone == '1'", "this.secret_note != ''", "1/0 == 1", "1%0 == 1", "this.amount / 0 > money('1')", "9223372036854775807 + 1 > 0", "-(-9223372036854775807 - 1) > 0",
	"9223372036854775807 * 2 > 0", "int('x') == 1", "int('99999999999999999999') == 1", "money('x') > money('1')", "money('1e999999999') > this.amount", "this.amount > money('" + strings.Repeat("9", 400) + "')", "this.amount * 1e308 > money('1')", "timestamp('x') < now", "timestamp('9999-12-31T23:59:59Z') < now",
	"date('2026-02-30') < today", "duration('1') > duration('x')", "this.at + duration('9999999h') > now", "this.subject.matches('(a+)+$')", "this.subject.matches('[')", "this.subject.matches(this.subject)", "this.subject.contains('%')", "this.subject.contains('\\\\')", "this.subject.startsWith('_')",
	"this.subject == '\\u0000'", "this.subject == b'\\xff'", "[1,2,3].map(x, x * x).size() > 0", "[1,2,3].all(x, [1,2,3].all(y, [1,2,3].all(z, x + y + z > 0)))", "this.parts.exists(p, p.qty > 9223372036854775807)", "this.parts.all(p, p.qty / p.qty == 1)", "this.parts.map(p, p.qty).sum() > 0", "this.parts[999].qty == 1", "this.parts[-1].qty == 1",
	"this.customer.name == 'x'", "this.customer.nothing", "has(this.subject)", "has(this)", "!this.subject", "-this.subject", "this.subject + 1 == 'x'", "this.subject in ['a', 1]", "this.state in []", "this.state == 'nowhere'", "me", "me.name == 'x'", "chief.has(me)", "chief", "param.limit > money('1')", "param.nothing",
	"this.by == me", "this.unit == this.by", "this.of_id == ''", "this.amount in [money('1'), null]", "this.amount == null", "null == null", "{'a': 1}['b'] == 1", "{}", "[][0]", "[]", "type(this) == string", "dyn(1) == 'x'", "size('x') > 9223372036854775807", "this.subject ? true : false", "true ? 1 : 'x'",
	strings.Repeat("(", 500) + "true" + strings.Repeat(")", 500), strings.Repeat("!", 500) + "true", strings.Repeat("true && ", 3000) + "true", "this.subject == '" + strings.Repeat("x", 30_000) + "'", strings.Repeat("true ? ", 200) + "true" + strings.Repeat(" : false", 200), "this.amount > money('1') /* */", "a.b.c.d", "this.this", "this.", "'", "\"", "`", "@", "1 +", "this.subject == \"\xff\"",
	"this.amount.nothing()", "this.nothing()", "now()", "today - today > duration('1h')", "now - this.at > duration('1h')", "this.register.at > now", "done.register.by == me", "done.nothing", "sum(this.parts, p, p.qty)", "count(x.matter)", "this.subject.lower() == 'x'", "cel.bind(x, 1, x == 1)", "optional.none().value()"}
