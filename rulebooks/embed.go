// Package rulebooks carries the law: the rulebooks that the binary ships with.
package rulebooks

import "embed"

// FS holds one folder a rulebook.
//
//go:embed all:*
var FS embed.FS
