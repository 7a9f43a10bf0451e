// Package app is the front office: configuration, commands and wiring. It is the only package that
// knows all the others, and the only one that asks what time it is.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"zhanggui/internal/gauge"
)

// program is one run of the binary: what a command may touch of the world outside.
type program struct {
	ctx      context.Context
	in       io.Reader
	out, err io.Writer
	log      *slog.Logger
	kong     *kong.Context
	gauges   *gauge.Gauges // of a server whose figures are asked for
}

// errFailed ends a command whose reason has already been printed.
var errFailed = errors.New("failed")

// Main runs one command and answers the exit code: 0 done, 1 failed, 2 called wrongly.
func Main(args []string, in io.Reader, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := &program{ctx: ctx, in: in, out: out, err: errs}
	if len(args) == 0 {
		args = []string{"--help"}
	}

	var cli commands
	file, err := configuration(args)
	if err != nil {
		fmt.Fprintln(errs, "zhanggui:", err)
		return 2
	}
	code := -1
	parser, err := kong.New(&cli,
		kong.Name("zhanggui"),
		kong.Description(intro),
		kong.Writers(out, errs),
		kong.Exit(func(n int) { code = n }),
		kong.Resolvers(file),
		kong.Help(help),
		kong.Vars{"version": version()},
	)
	if err != nil {
		fmt.Fprintln(errs, "zhanggui:", err)
		return 2
	}
	parsed, err := parser.Parse(args)
	if code >= 0 { // --help has been printed
		return code
	}
	if err != nil {
		fmt.Fprintln(errs, "zhanggui:", err)
		var wrong *kong.ParseError
		if errors.As(err, &wrong) && wrong.Context != nil && len(args) > 0 {
			fmt.Fprintf(errs, "Try: %s --help\n", commandPath(wrong.Context))
		}
		return 2
	}
	p.kong = parsed
	p.log = logger(errs, cli.LogLevel, cli.LogFormat)
	err = parsed.Run(p, &cli.Common)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(errs, "zhanggui: stopped")
	default:
		fmt.Fprintln(errs, "zhanggui:", err)
	}
	return 1
}

// commandPath is the command as far as it was understood.
func commandPath(c *kong.Context) string {
	s := "zhanggui"
	for _, p := range c.Path {
		if p.Command != nil {
			s += " " + p.Command.Name
		}
	}
	return s
}

// version is the release, or the commit for a binary built from a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	v := "devel"
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			v = "devel-" + s.Value[:12]
		}
	}
	return v
}

// logger writes for people on a terminal and for machines elsewhere, as asked.
func logger(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // kong has checked it
	opts := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
