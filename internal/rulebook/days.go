package rulebook

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/goccy/go-yaml"

	"zhanggui/internal/calendar"
)

// Days are the statutory days of a country: rest days and make-up working days, year by year.
type Days struct {
	Rules map[calendar.Date]calendar.DayRule
	Years map[int]bool // years whose days are known; all others are provisional
}

// LoadDays reads base/calendar/*.yaml. Nothing invalid is skipped: one wrong date refuses the file.
func LoadDays(fsys fs.FS) (*Days, error) {
	d := &Days{Rules: map[calendar.Date]calendar.DayRule{}, Years: map[int]bool{}}
	files, err := fs.Glob(fsys, "base/calendar/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		var years []struct {
			Year   int               `yaml:"year"`
			Source string            `yaml:"source"`
			Off    map[string]string `yaml:"off"`
			Work   map[string]string `yaml:"work"`
		}
		if err := yaml.UnmarshalWithOptions(b, &years, yaml.Strict()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, y := range years {
			d.Years[y.Year] = true
			for day, label := range y.Off {
				at, err := calendar.ParseDate(strings.TrimSpace(day))
				if err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				d.Rules[at] = calendar.DayRule{Off: true, Name: label}
			}
			for day, label := range y.Work {
				at, err := calendar.ParseDate(strings.TrimSpace(day))
				if err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				d.Rules[at] = calendar.DayRule{Work: true, Name: label}
			}
		}
	}
	return d, nil
}

// Calendar is the standard office week with these days.
func (d *Days) Calendar() *calendar.Calendar {
	c := calendar.Standard()
	if d == nil {
		return c
	}
	for at, rule := range d.Rules {
		c.AddHoliday(at, rule)
	}
	return c
}
