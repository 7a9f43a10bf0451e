package app

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

const intro = `Zhanggui (掌柜) runs a company's written customer-management regulations.`

// Common are the settings of every command.
type Common struct {
	Config    string `help:"Settings file (YAML; the keys are the names of the flags)." placeholder:"FILE" env:"ZHANGGUI_CONFIG" group:"Common"`
	Rulebooks string `help:"Folder of rulebooks; default: those built into the program." placeholder:"DIR" env:"ZHANGGUI_RULEBOOKS" group:"Common"`
	LogLevel  string `help:"Log from this level on: ${enum}." enum:"debug,info,warn,error" default:"info" env:"ZHANGGUI_LOG_LEVEL" group:"Common"`
	LogFormat string `help:"Log as ${enum}." enum:"text,json" default:"text" env:"ZHANGGUI_LOG_FORMAT" group:"Common"`
}

// Store is where the data is.
type Store struct {
	Database string `help:"sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME; default sqlite:data/zhanggui.db." default:"sqlite:data/zhanggui.db" placeholder:"ADDRESS" env:"ZHANGGUI_DATABASE"`
}

type commands struct {
	Common

	Serve    serveCommand    `cmd:"" help:"Serve the web application."`
	Check    checkCommand    `cmd:"" help:"Compile rulebooks and print every mistake with its place."`
	Test     testCommand     `cmd:"" help:"Run the scenarios of rulebooks."`
	Coverage coverageCommand `cmd:"" help:"Show for each clause what carries it and what proves it."`
	Demo     demoCommand     `cmd:"" help:"Make the database of the demonstration company."`
	Admin    adminCommand    `cmd:"" help:"Administrators: the first one, and forgotten passwords."`
	Adopt    adoptCommand    `cmd:"" help:"Put a rulebook into force for a unit."`
	Verify   verifyCommand   `cmd:"" help:"Check the journal: nothing altered, removed or inserted."`
	Schema   schemaCommand   `cmd:"" help:"Print the JSON Schema of rulebook files, for editors."`
	Show     configCommand   `cmd:"" name:"config" help:"Print the settings in force, without secrets."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

// examples teach each command; the first line of a pair says what for.
var examples = map[string][]string{
	"": {
		"Look at it, with a company that has a year of history", "zhanggui serve --demo",
		"Start for real: an administrator, a regulation, the server", "zhanggui admin create --account he --name 何静 --company 恒泰机械",
		"", "zhanggui adopt 14-complaint --from 2026-04-01",
		"", "zhanggui serve",
		"Work on a regulation", "zhanggui check --rulebooks ./rulebooks && zhanggui test --rulebooks ./rulebooks 14-complaint",
	},
	"serve": {
		"On this machine only, data in ./data", "zhanggui serve",
		"For the company, with a certificate", "zhanggui serve --listen :443 --tls-cert cert.pem --tls-key key.pem",
		"Behind a proxy that speaks TLS, on PostgreSQL", "zhanggui serve --listen :8080 --proxy 10.0.0.2 --database postgres://zhanggui@db/zhanggui",
		"The demonstration company, on a clock turned by hand", "zhanggui serve --demo",
		"Write rulebooks and see them at once", "zhanggui serve --demo --dev ./rulebooks",
	},
	"check": {
		"The rulebooks built into the program", "zhanggui check",
		"Your own", "zhanggui check --rulebooks ./rulebooks",
	},
	"test": {
		"All scenarios", "zhanggui test",
		"One regulation, one scenario, each step", "zhanggui test 14-complaint --run 'thirty days' --verbose",
	},
	"coverage": {
		"What carries each clause", "zhanggui coverage 14-complaint",
		"Whether deleting a clause breaks a scenario", "zhanggui coverage --mutate 14-complaint",
	},
	"demo": {
		"Make it, then serve it", "zhanggui demo && zhanggui serve --demo",
		"Begin again with another regulation's company", "zhanggui demo --book 14-complaint --force",
	},
	"admin create": {
		"The password is asked for, or read from a pipe", "zhanggui admin create --account he --name 何静 --company 恒泰机械",
	},
	"admin reset": {
		"Prints a one-time password, good for a day", "zhanggui admin reset --account he",
	},
	"adopt": {
		"For the whole company", "zhanggui adopt 14-complaint --from 2026-04-01",
		"For one works", "zhanggui adopt 14-complaint --unit 东厂 --from 2026-04-01",
	},
	"verify": {
		"All of it, against the checkpoint an auditor took away last month", "zhanggui verify --checkpoint march.txt",
	},
	"schema": {
		"For an editor that speaks YAML", "zhanggui schema > rulebook.schema.json",
	},
	"config": {
		"From file, environment and flags, later ones win", "ZHANGGUI_LISTEN=:9000 zhanggui config --config zhanggui.yaml",
	},
}

// help is kong's help with examples below.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	options.Compact = true
	options.WrapUpperBound = 110
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	list := examples[strings.TrimPrefix(strings.TrimPrefix(commandPath(ctx), "zhanggui"), " ")]
	if len(list) > 0 {
		fmt.Fprintln(ctx.Stdout, "\nExamples:")
	}
	for i := 0; i+1 < len(list); i += 2 {
		if list[i] != "" {
			fmt.Fprintf(ctx.Stdout, "  # %s\n", list[i])
		}
		fmt.Fprintf(ctx.Stdout, "  %s\n", list[i+1])
	}
	return nil
}

type versionCommand struct{}

func (versionCommand) Run(p *program) error {
	fmt.Fprintln(p.out, "zhanggui", version())
	return nil
}
