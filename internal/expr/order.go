package expr

import (
	"strings"
	"time"

	"zhanggui/internal/calendar"
)

// Compare orders two values of one kind; unset comes first. Values that cannot be ordered are equal.
func Compare(a, b Value) int {
	if a == nil || b == nil {
		switch {
		case a == nil && b == nil:
			return 0
		case a == nil:
			return -1
		}
		return 1
	}
	if x, y, ok := numbers(a, b); ok {
		return x.Cmp(y)
	}
	switch x := a.(type) {
	case bool:
		if y, ok := b.(bool); ok && x != y {
			if x {
				return 1
			}
			return -1
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y)
		}
	case calendar.Date:
		switch y := b.(type) {
		case calendar.Date:
			return x.Compare(y)
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y)
		}
	case TimeOfDay:
		if y, ok := b.(TimeOfDay); ok {
			return int(x) - int(y)
		}
	case calendar.Span:
		if y, ok := b.(calendar.Span); ok {
			d := spanMinutes(x) - spanMinutes(y)
			switch {
			case d < 0:
				return -1
			case d > 0:
				return 1
			}
		}
	}
	return 0
}
