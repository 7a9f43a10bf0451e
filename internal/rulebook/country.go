package rulebook

import (
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// countryNames are those that a Chinese company writes otherwise than the public list does.
var countryNames = map[string]Label{
	"HK": {"中国香港", "Hong Kong, China"},
	"MO": {"中国澳门", "Macao, China"},
	"TW": {"中国台湾", "Taiwan, China"},
}

// countries are the countries and regions of ISO 3166, by their code of two letters: a choice that no rulebook writes out.
func (c *book) countries(n *node, path string) FieldType {
	zh, en := display.Regions(language.SimplifiedChinese), display.Regions(language.English)
	list := []*Option{c.country(n, path, "CN", zh, en)} // what most are stands first
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string(a) + string(b)
			r, err := language.ParseRegion(code)
			if err != nil || code == "CN" || code == "UN" || !r.IsCountry() || r.String() != code || r.Canonicalize() != r || zh.Name(r) == "" { // what has no name any more is no country any more
				continue
			}
			list = append(list, c.country(n, path, code, zh, en))
		}
	}
	return choiceType(list)
}

func (c *book) country(n *node, path, code string, zh, en display.Namer) *Option {
	x := &Option{ID: code}
	c.implied(&x.Node, n, path+".options."+code)
	r := language.MustParseRegion(code)
	x.Label = Label{zh.Name(r), en.Name(r)}
	if l, ok := countryNames[code]; ok {
		x.Label = l
	}
	return x
}
