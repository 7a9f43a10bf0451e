// Command zhanggui runs a company's written customer-management regulations.
package main

import (
	"os"

	"zhanggui/internal/app"
)

func main() { os.Exit(app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
