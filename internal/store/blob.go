package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
)

// blobChunk is the size of a piece: small beside memory, large beside a row.
const blobChunk = 256 << 10

// PutBlob keeps what r yields under id and answers its size and SHA-256. A blob never changes. The
// transaction lasts as long as r does and on SQLite everybody waits for it, so r is a file, never a
// connection.
func (tx *Tx) PutBlob(id, at string, r io.Reader) (size int64, sum string, err error) {
	h := sha256.New()
	buf := make([]byte, blobChunk)
	for pos := int64(0); ; pos++ {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			h.Write(buf[:n])
			size += int64(n)
			if err := tx.Insert("blob_chunk", Row{"blob": id, "pos": pos, "data": buf[:n]}); err != nil {
				return 0, "", err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return 0, "", err
		}
	}
	sum = hex.EncodeToString(h.Sum(nil))
	return size, sum, tx.Insert("blob", Row{"id": id, "size": size, "sha256": sum, "at": at})
}

// CopyBlob writes a blob to w, piece by piece, each in a look of its own: a slow reader at the other
// end holds nothing. What is read must have the sum it was kept with.
func (db *DB) CopyBlob(ctx context.Context, id string, w io.Writer) error {
	var row Row
	if err := db.Read(ctx, func(tx *Tx) (err error) { row, err = tx.Get("blob", id); return err }); err != nil {
		return err
	}
	h := sha256.New()
	size, _ := row["size"].(int64)
	for pos := int64(0); pos*blobChunk < size; pos++ {
		var rows []Row
		err := db.Read(ctx, func(tx *Tx) (err error) {
			rows, err = tx.Select(query.Select{Table: "blob_chunk", Alias: "c", Where: query.And(query.Eq("c", "blob", id), query.Eq("c", "pos", pos))})
			return err
		})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		data, _ := rows[0]["data"].([]byte)
		h.Write(data)
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	if hex.EncodeToString(h.Sum(nil)) != row["sha256"] {
		return fault.New(fault.Internal, "附件内容与登记的校验值不符", "The attachment is not what was kept")
	}
	return nil
}

// DropBlob removes a blob.
func (tx *Tx) DropBlob(id string) error {
	if _, err := tx.Delete("blob_chunk", query.Eq("c", "blob", id)); err != nil {
		return err
	}
	_, err := tx.Delete("blob", query.Eq("b", "id", id))
	return err
}
