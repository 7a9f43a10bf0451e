package rulebook

import "bytes"

// What a rulebook file may be at most. The longest that is shipped has forty kilobytes; beyond these bounds a text is made
// to cost the decoder, which would take minutes and gigabytes over it before it said anything.
const (
	fileBytes  = 1 << 20
	fileLines  = 10000
	fileDepth  = 64  // of brackets
	fileIndent = 256 // columns
)

// bounded looks at a file before it is decoded.
func bounded(r *reporter, file string, data []byte) bool {
	at := Pos{File: file, Line: 1, Col: 1}
	if len(data) > fileBytes {
		r.errorf(at, "the file has %d bytes; %d at most", len(data), fileBytes)
		return false
	}
	depth := 0
	for line := range bytes.Lines(data) {
		if at.Line > fileLines {
			r.errorf(at, "the file has more than %d lines; divide it", fileLines)
			return false
		}
		if len(line)-len(bytes.TrimLeft(line, " ")) > fileIndent {
			r.errorf(at, "the line stands too far to the right")
			return false
		}
		for i, c := range line {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			}
			if depth > fileDepth {
				r.errorf(Pos{File: file, Line: at.Line, Col: i + 1}, "brackets are nested more than %d deep", fileDepth)
				return false
			}
		}
		at.Line++
	}
	return true
}
