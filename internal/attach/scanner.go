package attach

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"zhanggui/internal/fault"
)

// Scanner asks a daemon that speaks as clamd does whether a file is clean. A file it objects to is refused, and while it does
// not answer every file is.
type Scanner struct{ network, address string }

// ErrInfected is the cause when the scanner objects; what it said is for the operator.
var ErrInfected = errors.New("the scanner objects")

// NewScanner reads an address: unix:/run/clamav/clamd.ctl, or host:port.
func NewScanner(at string) (*Scanner, error) {
	if path, ok := strings.CutPrefix(at, "unix:"); ok && path != "" {
		return &Scanner{"unix", path}, nil
	}
	if host, port, err := net.SplitHostPort(at); err != nil || host == "" || port == "" {
		return nil, errors.New("a scanner is unix:/path/to/socket or host:port")
	}
	return &Scanner{"tcp", at}, nil
}

const (
	scanTime  = time.Minute
	scanPiece = 64 << 10
)

// Scan hands the file over and waits for the verdict. nil: it is clean. A nil scanner finds everything clean.
func (s *Scanner) Scan(ctx context.Context, f io.Reader) error {
	if s == nil {
		return nil
	}
	said, err := s.ask(ctx, f)
	switch {
	case err == nil && said == "stream: OK":
		return nil
	case err == nil && strings.HasPrefix(said, "stream: ") && strings.HasSuffix(said, " FOUND"):
		return &fault.Error{Kind: fault.Invalid, ZH: "杀毒软件说这个文件有问题，没有收", EN: "The virus scanner objects to this file; it was not taken",
			Err: fmt.Errorf("%w: %s", ErrInfected, strings.TrimSuffix(strings.TrimPrefix(said, "stream: "), " FOUND"))}
	case err == nil:
		err = fmt.Errorf("it said %.100q", said)
	}
	return fault.Wrap(fault.Unavailable, fmt.Errorf("scanner: %w", err), "杀毒软件没有应答，附件暂时收不了，请过一会儿再传", "The virus scanner does not answer; attachments cannot be taken now, try again later")
}

func (s *Scanner) ask(ctx context.Context, f io.Reader) (string, error) {
	ctx, end := context.WithTimeout(ctx, scanTime)
	defer end()
	var d net.Dialer
	c, err := d.DialContext(ctx, s.network, s.address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	w := bufio.NewWriterSize(c, scanPiece)
	_, _ = w.WriteString("zINSTREAM\x00") // the first error stays until Flush
	piece := make([]byte, scanPiece)
	for {
		n, err := f.Read(piece)
		if n > 0 {
			_ = binary.Write(w, binary.BigEndian, uint32(n))
			_, _ = w.Write(piece[:n])
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
	}
	_ = binary.Write(w, binary.BigEndian, uint32(0))
	if err := w.Flush(); err != nil {
		return "", err
	}
	said, err := bufio.NewReader(io.LimitReader(c, 4096)).ReadString(0)
	return strings.TrimRight(said, "\x00\n"), err
}
