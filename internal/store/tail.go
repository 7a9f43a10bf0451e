package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// Tail hands out what is committed to a SQLite file, in order and whole, for a copy elsewhere. It reads the log as SQLite writes
// it: a file of frames, each a page, whose checksums run on from one to the next. While there is a tail nobody else empties the
// log into the file, so that nothing is overwritten there before it was handed out. Where that cannot be shown, after a stop in
// order or when another program has been at the file, the copy begins anew with the whole file. One goroutine uses it.
type Tail struct {
	l       *lite
	file    string
	at      TailPlace
	drained bool  // all is handed out and in the file: the log may begin anew …
	stamp   stamp // … as long as the file stays as it was then
	anew    atomic.Bool
}

// TailPlace is how far a copy has come in the log: enough to go on there after a restart.
type TailPlace struct {
	Salt   uint64    `json:"salt"`   // of this round of the log; 0 = there was none yet
	Offset int64     `json:"offset"` // in the log
	Sum    [2]uint32 `json:"sum"`    // the running checksum there
}

// Pages is what one or more commits wrote: the newest content of each page.
type Pages struct {
	Size  int // of a page
	Count uint32
	List  []Page // by number
	Place TailPlace
}

// Page is one page of the file.
type Page struct {
	No   uint32 // from 1
	Data []byte
}

const (
	walHead   = 32
	frameHead = 24
)

// copiedMark lies beside a file that has a tail, so that other programs leave the log to it.
const copiedMark = "-copied"

// Tail begins where a copy ended, or anew at the zero place.
func (db *DB) Tail(from TailPlace) (*Tail, error) {
	l, ok := db.drv.(*lite)
	if !ok || l.memory {
		return nil, errUse("only a SQLite file has a tail")
	}
	if l.folding {
		return nil, errUse("a file with a tail is opened with wal_autocheckpoint=0")
	}
	t := &Tail{l: l, file: l.path, at: from}
	if err := touch(l.path+copiedMark, 0); err != nil {
		return nil, err
	}
	if from.Salt == 0 || !t.stands() {
		t.anew.Store(true)
	}
	if !l.tail.CompareAndSwap(nil, t) {
		return nil, errUse("a file has one tail")
	}
	return t, nil
}

// Untail tells other programs that nobody copies a file any more.
func Untail(path string) error {
	if err := os.Remove(path + copiedMark); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Anew tells whether the copy must begin again with the whole file.
func (t *Tail) Anew() bool { return t.anew.Load() }

// Base opens the file as the beginning of a copy. It is whole only together with what Next hands out after it.
func (t *Tail) Base() (io.ReadCloser, error) {
	t.anew.Store(false)
	t.drained = false
	t.at, t.stamp = TailPlace{}, t.seen()
	if h, err := t.head(); err != nil {
		return nil, err
	} else if h != nil {
		t.at = h.begin()
	}
	return os.Open(t.file)
}

// Whole is, of a file that was just copied and beside which the log holds nothing, that nothing follows.
func (t *Tail) Whole() (*Pages, error) {
	f, err := os.Open(t.file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b [18]byte
	if _, err := io.ReadFull(f, b[:]); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := int64(binary.BigEndian.Uint16(b[16:]))
	if size == 1 {
		size = 1 << 16
	}
	if size < 512 {
		return nil, errUse("%s is no database", t.file)
	}
	return &Pages{Size: int(size), Count: uint32(info.Size() / size), Place: t.at}, nil
}

// Took says that what Next handed out is kept.
func (t *Tail) Took(p *Pages) { t.at = p.Place }

// Next hands out what was committed since the last that was taken; nil if that is nothing, or if the copy must begin anew.
func (t *Tail) Next() (*Pages, error) {
	h, err := t.head()
	if err != nil || t.anew.Load() {
		return nil, err
	}
	switch {
	case h == nil:
		if t.at.Salt != 0 && !t.drained || t.stamp != t.seen() {
			t.anew.Store(true) // somebody else emptied it
		}
		return nil, nil
	case h.salt == t.at.Salt:
	case t.at.Salt == 0 && t.stamp == t.seen(), t.drained && uint32(h.salt>>32) == uint32(t.at.Salt>>32)+1 && t.stamp == t.seen():
		t.at, t.drained = h.begin(), false
	default:
		t.anew.Store(true)
		return nil, nil
	}
	f, err := os.Open(t.file + "-wal")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := h.read(io.NewSectionReader(f, t.at.Offset, 1<<62), t.at)
	if p != nil {
		t.drained = false
	}
	return p, err
}

// Long is how many bytes the log has.
func (t *Tail) Long() int64 {
	info, err := os.Stat(t.file + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}

// Fold hands out the rest and empties the log into the file while nobody writes. hand must have kept the pages when it returns.
func (t *Tail) Fold(ctx context.Context, hand func(*Pages) error) error {
	if err := t.l.take(ctx); err != nil {
		return err
	}
	defer t.l.give()
	p, err := t.Next()
	if err == nil && p != nil {
		if err = hand(p); err == nil {
			t.Took(p)
		}
	}
	if err != nil || t.Anew() {
		return err
	}
	frames, whole, err := t.fold()
	if err != nil || !whole {
		return err
	}
	h, err := t.head()
	t.drained = err == nil && h != nil && h.salt == t.at.Salt && frames == (t.at.Offset-walHead)/int64(frameHead+h.page)
	t.stamp = t.seen()
	return err
}

// Forgo empties the log although not everything was handed out: the copy's place is out of reach, and the disk would fill up.
func (t *Tail) Forgo(ctx context.Context) error {
	if err := t.l.take(ctx); err != nil {
		return err
	}
	defer t.l.give()
	t.anew.Store(true)
	_, _, err := t.fold()
	return err
}

// fold moves the log into the file as far as readers let it, and tells how many frames there are and whether all were moved.
func (t *Tail) fold() (frames int64, whole bool, err error) {
	rows, err := t.l.w.query(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)", nil, nil)
	if err != nil || len(rows) == 0 {
		return 0, false, t.l.watch(err)
	}
	frames, _ = rows[0]["log"].(int64)
	return frames, rows[0]["busy"] == int64(0) && rows[0]["log"] == rows[0]["checkpointed"], nil
}

// Close ends the tail. The log stays to be emptied by the next who opens the file.
func (t *Tail) Close() { t.l.tail.CompareAndSwap(t, nil) }

// stamp changes when anybody writes to the file.
type stamp struct {
	size int64
	at   time.Time
}

func (t *Tail) seen() stamp {
	info, err := os.Stat(t.file)
	if err != nil {
		return stamp{-1, time.Time{}}
	}
	return stamp{info.Size(), info.ModTime()}
}

// stands tells whether the log still holds the place where the copy ended.
func (t *Tail) stands() bool {
	h, err := t.head()
	if err != nil || h == nil || h.salt != t.at.Salt {
		return false
	}
	if t.at.Offset == walHead {
		return h.sum == t.at.Sum
	}
	f, err := os.Open(t.file + "-wal")
	if err != nil {
		return false
	}
	defer f.Close()
	var b [frameHead]byte
	_, err = f.ReadAt(b[:], t.at.Offset-int64(frameHead+h.page))
	return err == nil && binary.BigEndian.Uint64(b[8:]) == t.at.Salt && [2]uint32{binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:])} == t.at.Sum
}

// logHead is the head of a log.
type logHead struct {
	order binary.ByteOrder // of the words that are summed
	page  int
	salt  uint64
	sum   [2]uint32
}

func (h *logHead) begin() TailPlace { return TailPlace{h.salt, walHead, h.sum} }

// head reads the head of the log, nil if it has none.
func (t *Tail) head() (*logHead, error) {
	f, err := os.Open(t.file + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b [walHead]byte
	if _, err := io.ReadFull(f, b[:]); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	h := &logHead{order: binary.LittleEndian, page: int(binary.BigEndian.Uint32(b[8:])), salt: binary.BigEndian.Uint64(b[16:]),
		sum: [2]uint32{binary.BigEndian.Uint32(b[24:]), binary.BigEndian.Uint32(b[28:])}}
	if b[3]&1 == 1 {
		h.order = binary.BigEndian
	}
	if h.page == 1 {
		h.page = 1 << 16
	}
	if h.page < 512 || h.page > 1<<16 || sum(h.order, [2]uint32{}, b[:24]) != h.sum {
		return nil, nil // it is being written
	}
	return h, nil
}

// read takes the frames of whole commits from r, whose first byte is at a place.
func (h *logHead) read(r io.Reader, at TailPlace) (*Pages, error) {
	var whole *Pages
	found, seen := map[uint32][]byte{}, map[uint32][]byte{}
	frame := make([]byte, frameHead+h.page)
	for {
		if _, err := io.ReadFull(r, frame); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		} else if err != nil {
			return nil, err
		}
		at.Sum = sum(h.order, sum(h.order, at.Sum, frame[:8]), frame[frameHead:])
		if binary.BigEndian.Uint64(frame[8:]) != h.salt || at.Sum != [2]uint32{binary.BigEndian.Uint32(frame[16:]), binary.BigEndian.Uint32(frame[20:])} {
			break // of an earlier round, of a commit that never was, or being written
		}
		at.Offset += int64(len(frame))
		seen[binary.BigEndian.Uint32(frame)] = slices.Clone(frame[frameHead:])
		if count := binary.BigEndian.Uint32(frame[4:]); count > 0 { // a commit ends here
			for no, data := range seen {
				found[no] = data
			}
			clear(seen)
			whole = &Pages{Size: h.page, Count: count, Place: at}
		}
	}
	if whole == nil {
		return nil, nil
	}
	for no, data := range found {
		if no <= whole.Count {
			whole.List = append(whole.List, Page{no, data})
		}
	}
	slices.SortFunc(whole.List, func(a, b Page) int { return cmp.Compare(a.No, b.No) })
	return whole, nil
}

// sum is SQLite's checksum of its log, run on from s.
func sum(order binary.ByteOrder, s [2]uint32, b []byte) [2]uint32 {
	for ; len(b) >= 8; b = b[8:] {
		s[0] += order.Uint32(b) + s[1]
		s[1] += order.Uint32(b[4:]) + s[0]
	}
	return s
}
