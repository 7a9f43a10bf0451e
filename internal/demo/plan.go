// Package demo makes a group of companies with a year of believable history: it puts people, customers and goods
// in place and then lets them work, act by act, through the engine on a hand-turned clock. It knows no
// regulation: what happens in which form, and in whose words, stands in the folder demo of the rulebooks.
// The same seed gives the same data.
package demo

import (
	"fmt"
	"io/fs"
	"path"

	"github.com/goccy/go-yaml"
)

// Plan is one file of the folder: a company, or a group that names its houses, each a company with a file of its own.
type Plan struct {
	Company  string              `yaml:"company"`
	From     string              `yaml:"from"`  // first day of the history
	To       string              `yaml:"to"`    // its last moment, where the demonstration begins
	House    []string            `yaml:"house"` // files beside this one, without ".yaml"
	Under    map[string][]string `yaml:"under"` // unit → units below it, set when the houses are there
	Head     map[string]string   `yaml:"head"`  // unit → person, set when both are there
	Password string              `yaml:"password"`
	Record   []Seed              `yaml:"record"`
	Story    []Story             `yaml:"story"`
	Morning  []Sweep             `yaml:"morning"`
	Course   []Course            `yaml:"course"`

	houses []*Plan
}

// Seed is a record put in place before the history begins (units, people, customers, goods).
type Seed struct {
	Form   string                      `yaml:"form"`
	Name   string                      `yaml:"name"` // by which others refer to it: "@name"
	Values map[string]any              `yaml:"values"`
	Lines  map[string][]map[string]any `yaml:"lines"`
	Count  int                         `yaml:"count"` // make so many; values may be lists to draw from
	Act    []string                    `yaml:"act"`   // actions done at once, in order
	By     string                      `yaml:"by"`    // who files it, so that it is his unit's; none: the installation, and it is the group's
}

// Story is one kind of case that keeps happening.
type Story struct {
	Form   string                      `yaml:"form"`
	Month  []int                       `yaml:"month"` // how many a month: at least, at most
	Last   int                         `yaml:"last"`  // how many more in the last ten days, so that much is under way
	By     string                      `yaml:"by"`    // role of who files it
	Draw   map[string]string           `yaml:"draw"`  // name → form: one existing record each, for "$name.field"
	Values map[string]any              `yaml:"values"`
	Lines  map[string][]map[string]any `yaml:"lines"`
	Step   map[string]Step             `yaml:"step"`  // how each action goes
	Stall  float64                     `yaml:"stall"` // share of cases that simply stop somewhere
	Slow   float64                     `yaml:"slow"`  // share of steps that take four times as long
	At     []string                    `yaml:"at"`    // moments at which one comes for certain
	Rest   map[string]string           `yaml:"rest"`  // state → how long before the end two are filed that come to stand there
	First  []string                    `yaml:"first"` // shortest and longest time to the first step after filing
	Night  bool                        `yaml:"night"` // it begins and goes on at any hour of any day
}

// Pick gives a table one row for each record of a form in a state; As is the field that names it.
type Pick struct {
	Form, State, As string
}

// Sweep is what everybody does every working morning: one action on each record of a state that names him, or a record
// made of it.
type Sweep struct {
	Form, State, Action string
	By                  string // the field that names him
	Make                *Made
}

// Step tells how one action of a story is done. Absent actions are done with drawn values where their turn comes.
type Step struct {
	After   []string                    `yaml:"after"`  // shortest and longest time after the step before: 2h, 3d
	Chance  *float64                    `yaml:"chance"` // of doing it when it is open and not on the way; default 0 for side ways
	Main    bool                        `yaml:"main"`   // on the way: done when open
	Values  map[string]any              `yaml:"values"`
	Lines   map[string][]map[string]any `yaml:"lines"`
	Each    map[string]map[string]any   `yaml:"each"` // table → what is filled in each of its rows
	Pick    map[string]Pick             `yaml:"pick"` // table → a row for every record that stands somewhere
	Reason  string                      `yaml:"reason"`
	Comment []string                    `yaml:"comment"`
	Refuse  float64                     `yaml:"refuse"` // chance that a signer declines
	Make    []Made                      `yaml:"make"`   // records that follow from it; "$case" is the case
}

// ReadPlan reads a plan and those of its houses.
func ReadPlan(fsys fs.FS, name string) (*Plan, error) {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	var p Plan
	// What a merged story says otherwise counts as a second key.
	if err := yaml.UnmarshalWithOptions(b, &p, yaml.Strict(), yaml.AllowDuplicateMapKey()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, h := range p.House {
		house, err := ReadPlan(fsys, path.Join(path.Dir(name), h+".yaml"))
		if err != nil {
			return nil, err
		}
		if len(house.House) > 0 {
			return nil, fmt.Errorf("%s: %s has houses of its own", name, h)
		}
		p.houses = append(p.houses, house)
	}
	return &p, nil
}

// Made is a record that somebody makes once a step is done.
type Made struct {
	Form   string                      `yaml:"form"`
	By     string                      `yaml:"by"`
	Values map[string]any              `yaml:"values"`
	Lines  map[string][]map[string]any `yaml:"lines"`
}
