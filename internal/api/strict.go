package api

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"zhanggui/internal/fault"
)

// What a JSON body may be at most. Rows of a sheet come as files, so nothing here is long.
const (
	jsonDepth  = 32
	jsonValues = 50000
)

// strict refuses JSON that two readers could understand differently: a key given twice, bytes that are no text, half a
// character; and what is only made to be expensive.
func strict(b []byte) error {
	if !utf8.Valid(b) || halfCharacter(b) {
		return fault.New(fault.Invalid, "JSON 里有不成字的字符", "The JSON holds what is no character")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	type level struct {
		keys map[string]bool // nil in an array
		key  bool            // a key is next
	}
	var open []level
	for n := 0; ; n++ {
		tok, err := dec.Token()
		if err != nil {
			return nil // the end, or what the decoder proper will say better
		}
		if n > jsonValues {
			return fault.New(fault.Invalid, "JSON 里的值太多", "The JSON holds too many values")
		}
		at := len(open) - 1
		if d, ok := tok.(json.Delim); ok {
			if d == '}' || d == ']' {
				open = open[:at]
				continue
			}
			if at >= 0 {
				open[at].key = open[at].keys != nil
			}
			if len(open) == jsonDepth {
				return fault.New(fault.Invalid, "JSON 套得太深", "The JSON is nested too deeply")
			}
			if d == '{' {
				open = append(open, level{keys: map[string]bool{}, key: true})
			} else {
				open = append(open, level{})
			}
			continue
		}
		if at < 0 || open[at].keys == nil {
			continue
		}
		if s, ok := tok.(string); ok && open[at].key {
			if open[at].keys[s] {
				return fault.At(s, "“"+s+"”写了两次", s+" is given twice")
			}
			open[at].keys[s] = true
			open[at].key = false
			continue
		}
		open[at].key = true
	}
}

// halfCharacter finds an escaped NUL, which no text holds, and half of an escaped pair, which the decoder would quietly
// replace: what was judged would not be what was sent.
func halfCharacter(b []byte) bool {
	for i := 0; i+1 < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		if b[i+1] != 'u' {
			i++
			continue
		}
		switch v := unit(b, i); {
		case v == 0, v >= 0xdc00 && v < 0xe000:
			return true
		case v >= 0xd800 && v < 0xdc00:
			if low := unit(b, i+6); low < 0xdc00 || low >= 0xe000 {
				return true
			}
			i += 11
		default:
			i += 5
		}
	}
	return false
}

// unit reads the escape \uXXXX at i; -1 if there is none.
func unit(b []byte, i int) int64 {
	if i+6 > len(b) || b[i] != '\\' || b[i+1] != 'u' {
		return -1
	}
	v, err := strconv.ParseUint(string(b[i+2:i+6]), 16, 32)
	if err != nil {
		return -1
	}
	return int64(v)
}
