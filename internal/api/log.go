package api

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

// Log is the journal as a transparency log: what an auditor and a witness ask of it.
type Log interface {
	// Verify recomputes the log and rebuilds the records, and remembers what it found.
	Verify(ctx context.Context) (engine.LogCheck, error)
	// State is how far the log is sealed and witnessed, and what the last verification found.
	State(ctx context.Context) (engine.LogState, error)
	// Checkpoint is the newest signed note, "" before the first.
	Checkpoint(ctx context.Context) (string, error)
	// Consistency and Inclusion are proofs as hashes in base64, as RFC 6962 orders them.
	Consistency(ctx context.Context, older, newer int64) ([]string, error)
	Inclusion(ctx context.Context, leaf, size int64) ([]string, error)
	// Witness takes a checkpoint of this log that a witness keeps and has signed.
	Witness(ctx context.Context, note string) error
	// Packet writes the log for an offline verifier, as a zip file.
	Packet(ctx context.Context, w io.Writer) error
	// Records judges whether records of a form may be handed out with their proofs, records it, and answers how the zip file is written.
	// kept is the size of a checkpoint that the receiver keeps, 0 if none; paper draws a record's print with the stamps of what leaves.
	Records(ctx context.Context, now time.Time, actor engine.Actor, form string, ids []string, kept int64, paper func(*engine.PrintView, []engine.Text) ([]byte, error)) (func(io.Writer) error, error)
}

type noteBody struct {
	Note string `json:"note"`
}

type proofView struct {
	Proof []string `json:"proof"`
}

// log is there, or the server cannot say anything of it.
func (c *call) log() (Log, error) {
	if c.s.Journal == nil {
		return nil, fault.New(fault.Unavailable, "这台服务器不能校验日志", "This server cannot verify the journal")
	}
	return c.s.Journal, nil
}

func auditState(c *call) error {
	v, err := c.s.Engine.AuditState(c.ctx(), c.now, c.actor)
	if err != nil {
		return err
	}
	if c.s.Journal != nil {
		if v.LogState, err = c.s.Journal.State(c.ctx()); err != nil {
			return err
		}
	}
	return c.json(http.StatusOK, v)
}

func verify(c *call) error {
	l, err := c.log()
	if err != nil {
		return err
	}
	found, err := l.Verify(c.ctx())
	if err != nil {
		return err
	}
	if err := c.s.Engine.Note(c.ctx(), c.now, c.actor, "", "", "verify", map[string]any{"sealed": found.Sealed, "findings": int64(len(found.Findings))}); err != nil {
		return err
	}
	return auditState(c)
}

func checkpoint(c *call) error {
	l, err := c.log()
	if err != nil {
		return err
	}
	note, err := l.Checkpoint(c.ctx())
	return answer(c, noteBody{note}, err)
}

// number reads a whole number of the query.
func (c *call) number(name string) (int64, error) {
	n, err := strconv.ParseInt(c.query(name), 10, 64)
	if err != nil || n < 0 {
		return 0, fault.At(name, "要写一个整数", "Give a whole number")
	}
	return n, nil
}

func consistency(c *call) error { return proof(c, "from", "to", Log.Consistency) }

func inclusion(c *call) error { return proof(c, "leaf", "size", Log.Inclusion) }

func proof(c *call, first, second string, of func(Log, context.Context, int64, int64) ([]string, error)) error {
	l, err := c.log()
	if err != nil {
		return err
	}
	a, err := c.number(first)
	if err != nil {
		return err
	}
	b, err := c.number(second)
	if err != nil {
		return err
	}
	list, err := of(l, c.ctx(), a, b)
	return answer(c, proofView{append([]string{}, list...)}, err)
}

func witnessed(c *call) error {
	l, err := c.log()
	if err != nil {
		return err
	}
	var in noteBody
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := l.Witness(c.ctx(), in.Note); err != nil {
		return err
	}
	return c.none()
}

func packet(c *call) error {
	l, err := c.log()
	if err != nil {
		return err
	}
	if err := c.s.Engine.Note(c.ctx(), c.now, c.actor, "", "", "packet", nil); err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/zip")
	c.w.Header().Set("Content-Disposition", `attachment; filename="journal.zip"`)
	return l.Packet(c.ctx(), c.w)
}

type recordPacketBody struct {
	Records []string `json:"records"`
	Kept    int64    `json:"kept"` // size of the checkpoint with which the receiver will compare; 0 if he has none
}

func recordPacket(c *call) error {
	l, err := c.log()
	if err != nil {
		return err
	}
	var in recordPacketBody
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Kept < 0 {
		return fault.At("kept", "要写一个整数", "Give a whole number")
	}
	write, err := l.Records(c.ctx(), c.now, c.actor, c.path("key"), in.Records, in.Kept, c.paper)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", c.route.kind)
	c.w.Header().Set("Content-Disposition", `attachment; filename="packet.zip"`)
	if err := write(c.w); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}
