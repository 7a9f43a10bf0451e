package api

import (
	"bytes"
	_ "embed"
	"html/template"

	"zhanggui/internal/engine"
)

//go:embed paper.html
var paperText string

// paperPage draws a record's paper as a page that needs nothing else: no script, no picture, no other file.
var paperPage = template.Must(template.New("paper").Funcs(template.FuncMap{"say": func(engine.Text) string { return "" }, "words": func(any) string { return "" }}).Parse(paperText))

// paper is a record's print as a page of its own, in the reader's language, under the stamps of what leaves.
func (c *call) paper(v *engine.PrintView, stamps []engine.Text) ([]byte, error) {
	say := func(t engine.Text) string { return c.say(t.ZH, t.EN) }
	words := func(v any) string {
		switch x := v.(type) {
		case engine.Text:
			return say(x)
		case string:
			return x
		}
		return ""
	}
	var b bytes.Buffer
	t, err := paperPage.Clone()
	if err != nil {
		return nil, err
	}
	err = t.Funcs(template.FuncMap{"say": say, "words": words}).Execute(&b, map[string]any{"Paper": v, "Stamps": stamps, "Language": c.say("zh-CN", "en"),
		"By": c.say("打印人", "Printed by"), "At": c.say("时间", "At"), "Check": c.say("校验码", "Check code")})
	return b.Bytes(), err
}
