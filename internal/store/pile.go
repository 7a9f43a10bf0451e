package store

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// print is what one side says of one row, as hashes. Nothing of the row can be read from it.
type print struct {
	row                [12]byte
	table, fresh, gone bool
	cells              []cell
}

// cell of zero value is an unset column.
type cell struct {
	column        uint32
	value, digest [12]byte
}

// piles are files over which prints are spread, so that one pile fits into memory.
type piles struct {
	files []*os.File
	out   []*bufio.Writer
}

func newPiles(n int) (*piles, error) {
	p := &piles{}
	for range n {
		f, err := os.CreateTemp("", "zhanggui-verify-*")
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.files, p.out = append(p.files, f), append(p.out, bufio.NewWriter(f))
	}
	return p, nil
}

func (p *piles) close() (err error) {
	for _, f := range p.files {
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	p.files = nil
	return err
}

func (p *piles) add(x print) error {
	var b bytes.Buffer
	b.Write(x.row[:])
	flags := byte(0)
	for i, set := range []bool{x.table, x.fresh, x.gone} {
		if set {
			flags |= 1 << i
		}
	}
	b.WriteByte(flags)
	_ = binary.Write(&b, binary.LittleEndian, uint16(len(x.cells)))
	for _, c := range x.cells {
		_ = binary.Write(&b, binary.LittleEndian, c.column)
		b.Write(c.value[:])
		b.Write(c.digest[:])
	}
	n := int(binary.LittleEndian.Uint16(x.row[8:])) % len(p.out)
	_, err := p.out[n].Write(b.Bytes())
	return err
}

// suspects are the rows of which the two sides seem to say different things, so many that a person has enough.
func (p *piles) suspects() (map[[12]byte]bool, error) {
	found := map[[12]byte]bool{}
	for i, f := range p.files {
		if err := p.out[i].Flush(); err != nil {
			return nil, err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		if err := suspectsIn(bufio.NewReader(f), found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func suspectsIn(r *bufio.Reader, found map[[12]byte]bool) error {
	want := map[[12]byte]map[uint32][12]byte{}
	doubt := func(row [12]byte) {
		if len(found) < mostDifferences {
			found[row] = true
		}
	}
	for {
		x, err := readPrint(r)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		switch have := want[x.row]; {
		case x.gone:
			delete(want, x.row)
		case !x.table:
			if have == nil || x.fresh {
				have = map[uint32][12]byte{}
				want[x.row] = have
			}
			for _, c := range x.cells {
				if c.value == ([12]byte{}) {
					delete(have, c.column)
				} else {
					have[c.column] = c.value
				}
			}
		default:
			same := have != nil && len(have) == len(x.cells)
			for _, c := range x.cells {
				w, ok := have[c.column]
				same = same && ok && (w == c.value || w == c.digest)
			}
			if !same {
				doubt(x.row)
			}
			delete(want, x.row)
		}
	}
	for row := range want {
		doubt(row)
	}
	return nil
}

func readPrint(r *bufio.Reader) (x print, err error) {
	var head [15]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return x, err
	}
	copy(x.row[:], head[:12])
	x.table, x.fresh, x.gone = head[12]&1 != 0, head[12]&2 != 0, head[12]&4 != 0
	x.cells = make([]cell, binary.LittleEndian.Uint16(head[13:]))
	for i := range x.cells {
		var b [28]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return x, err
		}
		c := &x.cells[i]
		c.column = binary.LittleEndian.Uint32(b[:])
		copy(c.value[:], b[4:])
		copy(c.digest[:], b[16:])
	}
	return x, nil
}
