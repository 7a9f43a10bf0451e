package store

import (
	"fmt"
	"math"
)

// normal is a value as rows carry it: nil, string, int64, bool or []byte. There is no float on
// purpose: money and decimals are scaled ints.
func normal(v any) (any, error) {
	switch x := v.(type) {
	case nil, string, int64, bool:
		return v, nil
	case []byte:
		if x == nil {
			return nil, nil
		}
		return v, nil
	case int:
		return int64(x), nil
	case int32:
		return int64(x), nil
	}
	return nil, fmt.Errorf("a %T cannot be stored", v)
}

// answer turns what a driver gave into the kind a column has.
func answer(v any, kind Kind) (any, error) {
	switch x := v.(type) {
	case nil, string, bool:
		return v, nil
	case int64:
		if kind == Bool { // SQLite knows no bool
			return x != 0, nil
		}
		return v, nil
	case []byte:
		return v, nil
	case int32:
		return int64(x), nil
	case int16:
		return int64(x), nil
	case float64:
		// SQLite turns an int that overflows into a float; PostgreSQL refuses. We refuse on both.
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return int64(x), nil
		}
		return nil, fmt.Errorf("store: the number %v is out of range", x)
	}
	return nil, fmt.Errorf("store: the database answered a %T", v)
}
