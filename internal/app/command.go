package app

import (
	_ "embed"
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
	Keys
}

// Keys say where the keys of personal data are: never in the database they belong to, nor in its backup.
type Keys struct {
	Keystore  string `help:"Database of the keys of personal data, another one than the data's. Beside an SQLite file it is made by itself." placeholder:"ADDRESS" env:"ZHANGGUI_KEYSTORE"`
	MasterKey string `help:"File of the master key, made at the first start; default beside the data. Keep a copy elsewhere, and apart from backups of the data." name:"master-key" placeholder:"FILE" env:"ZHANGGUI_MASTER_KEY"`
}

type commands struct {
	Common

	Serve    serveCommand    `cmd:"" help:"Serve the web application."`
	Check    checkCommand    `cmd:"" help:"Compile rulebooks and print every mistake with its place."`
	Test     testCommand     `cmd:"" help:"Run the scenarios of rulebooks."`
	Diff     diffCommand     `cmd:"" help:"Show clause by clause what differs between two rulebooks."`
	Coverage coverageCommand `cmd:"" help:"Show for each clause what carries it and what proves it."`
	Plan     planCommand     `cmd:"" help:"Show what this program would add to a database, without adding it."`
	Demo     demoCommand     `cmd:"" help:"Make the database of the demonstration company."`
	Admin    adminCommand    `cmd:"" help:"Administrators: the first one, and forgotten passwords."`
	Adopt    adoptCommand    `cmd:"" help:"Put a rulebook into force for a unit."`
	Verify   verifyCommand   `cmd:"" help:"Check the journal: nothing altered, removed or inserted."`
	Packet   packetCommand   `cmd:"" name:"verify-packet" help:"Check a packet of the journal, without server or database."`
	Witness  witnessCommand  `cmd:"" help:"Keep the checkpoints of a server's journal on another machine."`
	Backup   backupCommand   `cmd:"" help:"Copy an SQLite database while it is in use, encrypted if wanted."`
	Restore  restoreCommand  `cmd:"" help:"Verify a backup and put it in place."`
	Drill    drillCommand    `cmd:"" help:"Prove that a backup made now can be restored."`
	Move     moveCommand     `cmd:"" help:"Move an installation to another database, SQLite or PostgreSQL."`
	Lend     lendCommand     `cmd:"" help:"Bring the tables on PostgreSQL up to date as their owner, and let the server's own role work in them."`
	Keyring  keysCommand     `cmd:"" name:"keys" help:"Keys of personal data."`
	Schema   schemaCommand   `cmd:"" help:"Print the JSON Schema of rulebook files, for editors."`
	Show     configCommand   `cmd:"" name:"config" help:"Print the settings in force, without secrets."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

// help is kong's help with examples below.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	options.Compact = true
	options.WrapUpperBound = 110
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	lines := examples(strings.TrimPrefix(strings.TrimPrefix(commandPath(ctx), "zhanggui"), " "))
	if len(lines) > 0 {
		fmt.Fprintln(ctx.Stdout, "\nExamples:")
	}
	for _, line := range lines {
		fmt.Fprintln(ctx.Stdout, "  "+line)
	}
	return nil
}

// They are a text of their own, because they name regulations and Go code does not.
//
//go:embed examples.txt
var examplesText string

// examples are the lines below [command] in the text.
func examples(command string) []string {
	var lines []string
	inside := false
	for line := range strings.Lines(examplesText) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			inside = line == "["+command+"]"
		case inside && line != "":
			lines = append(lines, line)
		}
	}
	return lines
}

type versionCommand struct {
	Licences bool `help:"Also list what is linked and bundled, with version and licence."`
}

// licencesText is what is linked and bundled; a test holds it to the modules and the web's packages.
//
//go:embed licences.txt
var licencesText string

// Run prints the version.
func (c versionCommand) Run(p *program) error {
	fmt.Fprintln(p.out, "zhanggui", version())
	if c.Licences {
		fmt.Fprint(p.out, licencesText)
	}
	return nil
}
