package journal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// appendValue writes v in canonical JSON. What JSON cannot say without doubt becomes text: a number
// with a fraction or an exponent (two machines may round it differently), bytes (base64), a time.
func appendValue(b []byte, v any) []byte {
	switch x := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, x)
	case string:
		return appendString(b, x)
	case int:
		return strconv.AppendInt(b, int64(x), 10)
	case int64:
		return strconv.AppendInt(b, x, 10)
	case float64:
		return appendFloat(b, x)
	case json.Number:
		return appendNumber(b, x.String())
	case time.Time:
		return appendString(b, instant(x))
	case []byte:
		return appendString(b, base64.StdEncoding.EncodeToString(x))
	case []string:
		b = append(b, '[')
		for i, s := range x {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, s)
		}
		return append(b, ']')
	case []any:
		b = append(b, '[')
		for i, s := range x {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, s)
		}
		return append(b, ']')
	case []Change: // written down key by key, in their order: an entry has dozens
		b = append(b, '[')
		for i, c := range x {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(append(b, `{"field":`...), c.Field)
			b = appendString(append(b, `,"form":`...), c.Form)
			b = appendString(append(b, `,"new":`...), c.New)
			b = appendString(append(b, `,"old":`...), c.Old)
			b = appendString(append(b, `,"record":`...), c.Record)
			b = append(b, '}')
		}
		return append(b, ']')
	case []Row:
		b = append(b, '[')
		for i := range x {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendRow(b, &x[i])
		}
		return append(b, ']')
	case map[string]string:
		return appendMap(b, x, appendString)
	case map[string]any:
		return appendMap(b, x, appendValue)
	case fmt.Stringer:
		return appendString(b, x.String())
	}
	return appendOther(b, v)
}

// appendRow writes the keys in their order, without a map between: an entry repeats whole rows.
func appendRow(b []byte, r *Row) []byte {
	b = append(b, '{')
	if r.Gone {
		b = append(b, `"gone":true,`...)
	}
	b = appendString(append(b, `"k":`...), r.Key)
	if r.New {
		b = append(b, `,"new":true`...)
	}
	if len(r.Set) > 0 {
		b = appendMap(append(b, `,"set":`...), r.Set, appendCell)
	}
	b = appendString(append(b, `,"t":`...), r.Table)
	return append(b, '}')
}

// appendCell writes one value of a row. A digest is told from a text by being an object.
func appendCell(b []byte, v any) []byte {
	if d, ok := v.(Digest); ok {
		return append(appendString(append(b, `{"#":`...), string(d)), '}')
	}
	return appendValue(b, v)
}

// appendMap writes keys in the order of their bytes. Two keys that differ only in invalid bytes
// would become one; the caller's keys are field ids, which cannot.
func appendMap[V any](b []byte, m map[string]V, write func([]byte, V) []byte) []byte {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, k)
		b = append(b, ':')
		b = write(b, m[k])
	}
	return append(b, '}')
}

// appendOther takes the way through encoding/json for shapes that are not spelled out above.
func appendOther(b []byte, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return appendString(b, fmt.Sprint(v))
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var plain any
	if err := dec.Decode(&plain); err != nil {
		return appendString(b, string(data))
	}
	return appendValue(b, plain)
}

func appendFloat(b []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.AppendInt(b, int64(f), 10)
	}
	return appendString(b, strconv.FormatFloat(f, 'f', -1, 64))
}

// appendNumber keeps a whole number as it is and writes anything else as text.
func appendNumber(b []byte, s string) []byte {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s {
		return appendString(b, s)
	}
	return append(b, s...)
}

const hexDigits = "0123456789abcdef"

// appendString escapes only what JSON demands, so that the rule fits in one line for an auditor who
// writes his own verifier: quote, backslash, and everything below U+0020.
func appendString(b []byte, s string) []byte {
	s = strings.ToValidUTF8(s, "\uFFFD")
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
