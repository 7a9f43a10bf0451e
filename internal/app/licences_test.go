package app

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// words by which a licence is known; the first that fits counts.
var licenceWords = []struct{ name, words string }{
	{"Apache-2.0", "Apache License Version 2.0"},
	{"MPL-2.0", "Mozilla Public License Version 2.0"},
	{"BSD-3-Clause", "Redistribution and use in source and binary forms .* (Neither the name|The name of the author may not|names of its contributors)"},
	{"BSD-2-Clause", "Redistribution and use in source and binary forms"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software"},
}

// shipped are the licences under which a part may go into the program.
var shipped = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT AND Apache-2.0", "(MIT OR Apache-2.0)"}

var spaces = regexp.MustCompile(`[\s,"]+`)

// Ensure that the list of licences names exactly what is linked and bundled, in its version, and nothing that may not be shipped
// (S101). ZHANGGUI_UPDATE=1 writes the list anew.
func TestLicences(t *testing.T) {
	root := filepath.Join("..", "..")
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}", ".")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(out)) {
		if p := strings.Fields(line); len(p) == 3 {
			list = append(list, p[0]+" "+p[1]+" "+licenceIn(t, p[2]))
		}
	}
	var lock struct {
		Packages map[string]struct {
			Version, License string
			Dev              bool
		}
	}
	b, err := os.ReadFile(filepath.Join(root, "web", "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &lock); err != nil {
		t.Fatal(err)
	}
	for at, p := range lock.Packages {
		if at != "" && !p.Dev {
			list = append(list, "npm:"+at[strings.LastIndex(at, "node_modules/")+len("node_modules/"):]+" "+p.Version+" "+p.License)
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	for _, l := range list {
		if _, licence, _ := strings.Cut(l[strings.Index(l, " ")+1:], " "); !slices.Contains(shipped, licence) {
			t.Errorf("%s: may not be shipped, or nobody has looked", l)
		}
	}
	want := strings.Join(list, "\n") + "\n"
	if os.Getenv("ZHANGGUI_UPDATE") != "" {
		if err := os.WriteFile("licences.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != licencesText {
		t.Error("licences.txt is not what is linked and bundled; ZHANGGUI_UPDATE=1 go test ./internal/app -run TestLicences writes it anew")
	}
}

func licenceIn(t *testing.T, dir string) string {
	t.Helper()
	for _, pattern := range []string{"LICENSE*", "LICENCE*", "COPYING*", "license*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			b, err := os.ReadFile(file)
			if err != nil {
				continue // a folder of licences
			}
			text := spaces.ReplaceAllString(string(b), " ")
			says := func(words string) bool {
				return regexp.MustCompile(strings.ReplaceAll(words, ",", "")).MatchString(text)
			}
			for _, l := range licenceWords {
				if says(l.words) {
					if l.name == "Apache-2.0" && says("Permission is hereby granted free of charge") {
						return "MIT AND Apache-2.0" // parts under each
					}
					return l.name
				}
			}
		}
	}
	return "?"
}
