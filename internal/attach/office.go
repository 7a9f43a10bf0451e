package attach

import (
	"archive/zip"
	"io"
	"path"
	"slices"
	"strings"
)

// An office file is an archive. What else is one in disguise: it holds what nobody was asked about, or unfolds without end at
// whoever opens it.
const (
	officeParts = 10_000
	officeWhole = 1 << 30 // unpacked
)

// mainParts are how the part begins without which a container is not the office file that its ending says. Programs differ in
// what follows: document.xml, document2.xml.
var mainParts = map[string]string{"docx": "word/document", "xlsx": "xl/workbook", "pptx": "ppt/presentation", "ofd": "ofd.xml", "wps": "word/document", "et": "xl/workbook"}

// inOffice are endings of programs that office files have all the same: their own text, and drawings.
var inOffice = []string{"xml", "svg"}

// packed are endings of archives, which hide what is in them.
var packed = []string{"zip", "rar", "7z", "tar", "gz", "tgz", "bz2", "xz", "zst", "cab", "iso", "img"}

// office tells whether a container holds what its ending says and nothing that runs. Nothing is unpacked: names and sizes are
// read from its directory. Macros are no part of the endings that are taken.
func office(ending string, f io.ReadSeeker) bool {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false
	}
	z, err := zip.NewReader(readerAt{f}, size)
	if err != nil || len(z.File) > officeParts {
		return false
	}
	whole, main := uint64(0), false
	for _, part := range z.File {
		name := strings.TrimPrefix(strings.ToLower(strings.ReplaceAll(part.Name, `\`, "/")), "/")
		kind := strings.TrimPrefix(path.Ext(name), ".")
		if part.Flags&1 != 0 || slices.Contains(strings.Split(name, "/"), "..") || path.Base(name) == "vbaproject.bin" || slices.Contains(packed, kind) || slices.Contains(running, kind) && !slices.Contains(inOffice, kind) {
			return false
		}
		if whole += part.UncompressedSize64; part.UncompressedSize64 > officeWhole || whole > officeWhole {
			return false
		}
		main = main || strings.HasPrefix(name, mainParts[ending])
	}
	return main
}

// readerAt reads a file at a place; what it is asked is asked by one alone.
type readerAt struct{ io.ReadSeeker }

func (r readerAt) ReadAt(b []byte, at int64) (int, error) {
	if _, err := r.Seek(at, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(r, b)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}
