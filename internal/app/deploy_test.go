package app

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// Ensure that the unit file runs what the program understands, as nobody, with nothing writable but its data, no other program,
// no privilege and no core dump, and that the image has neither shell nor root (S98).
func TestDeploy(t *testing.T) {
	unit, err := os.ReadFile("../../deploy/zhanggui.service")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(unit), "\n")
	for _, want := range []string{"DynamicUser=yes", "StateDirectoryMode=0700", "UMask=0077", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "ProtectHome=yes",
		"PrivateTmp=yes", "PrivateDevices=yes", "ProtectProc=invisible", "RestrictNamespaces=yes", "MemoryDenyWriteExecute=yes", "SystemCallFilter=@system-service", "SystemCallFilter=~@privileged @resources",
		"NoExecPaths=/", "ExecPaths=/usr/local/bin/zhanggui", "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "LimitCORE=0"} {
		if !slices.Contains(lines, want) {
			t.Errorf("the unit lacks %s", want)
		}
	}
	for _, l := range lines {
		if strings.HasPrefix(l, "ReadWritePaths=") || strings.HasPrefix(l, "User=root") || strings.HasPrefix(l, "ExecStartPre=") || strings.HasPrefix(l, "ExecPaths=") && l != "ExecPaths=/usr/local/bin/zhanggui" {
			t.Errorf("the unit loosens: %s", l)
		}
		if args, ok := strings.CutPrefix(l, "ExecStart=/usr/local/bin/zhanggui "); ok {
			understood(t, strings.Fields(args))
		}
	}
	image, err := os.ReadFile("../../deploy/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	last := string(image)[strings.LastIndex(string(image), "FROM "):]
	if !strings.HasPrefix(last, "FROM scratch\n") || !strings.Contains(last, "\nUSER 65532:65532\n") || strings.Contains(last, "\nRUN ") {
		t.Errorf("the image is not bare:\n%s", last)
	}
	_, cmd, _ := strings.Cut(last, "CMD [")
	cmd, _, _ = strings.Cut(cmd, "]")
	understood(t, strings.Split(strings.NewReplacer(`"`, "", " ", "").Replace(cmd), ","))
}

// understood parses a command line as the program does, without running it; settings files need not exist here.
func understood(t *testing.T, args []string) {
	t.Helper()
	args = slices.DeleteFunc(slices.Clone(args), func(s string) bool { return s == "--config" || strings.HasSuffix(s, ".yaml") })
	var c commands
	k, err := kong.New(&c, kong.Name("zhanggui"), kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}))
	if err == nil {
		_, err = k.Parse(args)
	}
	if err != nil || len(args) == 0 {
		t.Errorf("%v: %v", args, err)
	}
}
