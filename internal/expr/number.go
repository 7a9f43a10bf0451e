package expr

import (
	"fmt"
	"math"
	"math/big"

	"github.com/govalues/decimal"

	"zhanggui/internal/calendar"
)

var hundred = decimal.Hundred

func numbers(a, b Value) (decimal.Decimal, decimal.Decimal, bool) {
	x, ok1 := number(a)
	y, ok2 := number(b)
	return x, y, ok1 && ok2
}

func number(v Value) (decimal.Decimal, bool) {
	switch x := v.(type) {
	case int64:
		d, err := decimal.New(x, 0)
		return d, err == nil
	case Money:
		return x.Decimal, true
	case Decimal:
		return x.Decimal, true
	}
	return decimal.Decimal{}, false
}

func cents(n int64) decimal.Decimal { return decimal.MustNew(n, 2) }

// HalfUp rounds a decimal to a scale, halves away from zero, as Chinese invoices expect.
func HalfUp(d decimal.Decimal, scale int) decimal.Decimal {
	if scale < 0 || d.Scale() <= scale {
		return d
	}
	cut := d.Trunc(scale)
	rest, err := d.Sub(cut)
	if err != nil {
		return d.Round(scale)
	}
	if rest.Abs().Cmp(decimal.MustNew(5, scale+1)) < 0 {
		return cut
	}
	step := decimal.MustNew(1, scale)
	if d.IsNeg() {
		step = step.Neg()
	}
	up, err := cut.Add(step)
	if err != nil {
		return d.Round(scale)
	}
	return up.Round(scale)
}

// scaled is a decimal as a whole number of its last digit.
func scaled(d decimal.Decimal, scale int) (int64, error) {
	n, k := bigOf(HalfUp(d, scale))
	n.Mul(n, power(scale-k))
	if !n.IsInt64() {
		return 0, fmt.Errorf("%s is too large", d)
	}
	return n.Int64(), nil
}

func power(k int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(k, 0))), nil)
}

func bigOf(d decimal.Decimal) (*big.Int, int) {
	n := new(big.Int).SetUint64(d.Coef())
	if d.IsNeg() {
		n.Neg(n)
	}
	return n, d.Scale()
}

// ratio is a ÷ b rounded half away from zero.
func ratio(a, b *big.Int) *big.Int {
	neg := a.Sign()*b.Sign() < 0
	x, y := new(big.Int).Abs(a), new(big.Int).Abs(b)
	x.Lsh(x, 1).Add(x, y).Quo(x, y.Lsh(y, 1))
	if neg {
		x.Neg(x)
	}
	return x
}

// exactMoney is a × b or a ÷ b rounded once, to the cent: a product of nineteen digits must not be rounded twice.
func exactMoney(op string, a, b decimal.Decimal) (Value, error) {
	x, i := bigOf(a)
	y, j := bigOf(b)
	var n *big.Int
	if op == "_*_" {
		n = ratio(x.Mul(x, y).Mul(x, big.NewInt(100)), power(i+j))
	} else {
		n = ratio(x.Mul(x, power(j+2)), y.Mul(y, power(i)))
	}
	if !n.IsInt64() {
		return nil, fmt.Errorf("the amount is too large: %s %s %s", a, operatorWord[op], b)
	}
	return Money{cents(n.Int64())}, nil
}

// Plus adds two numbers of one kind; a sum that cannot be formed is unset.
func Plus(a, b Value) Value {
	if a == nil {
		return b
	}
	v, err := arithmetic("_+_", a, b)
	if err != nil {
		return nil
	}
	return v
}

// arithmetic on numbers and lengths. Division by nothing is unset; money stays money unless divided by money.
func arithmetic(op string, a, b Value) (Value, error) {
	if s, ok := a.(calendar.Span); ok {
		return spanArithmetic(op, s, b)
	}
	if s, ok := b.(calendar.Span); ok {
		return spanArithmetic(op, s, a)
	}
	i, int1 := a.(int64)
	j, int2 := b.(int64)
	if int1 && int2 && op != "_/_" {
		return whole(op, i, j)
	}
	x, y, ok := numbers(a, b)
	if !ok {
		return nil, fmt.Errorf("%T and %T cannot be reckoned with", a, b)
	}
	_, m1 := a.(Money)
	_, m2 := b.(Money)
	var r decimal.Decimal
	var err error
	switch op {
	case "_+_":
		r, err = x.Add(y)
	case "_-_":
		r, err = x.Sub(y)
	case "_*_":
		if m1 || m2 {
			return exactMoney(op, x, y)
		}
		r, err = x.Mul(y)
	case "_/_":
		if y.IsZero() {
			return nil, nil
		}
		if m1 && !m2 {
			return exactMoney(op, x, y)
		}
		r, err = x.Quo(y)
	}
	if err != nil {
		return nil, err
	}
	if (m1 || m2) && op != "_/_" { // 0 - balance is money too
		return Money{HalfUp(r, 2)}, nil
	}
	return Decimal{r}, nil
}

// whole is arithmetic of whole numbers; one that leaves 64 bits is an error, never a wrong number.
func whole(op string, x, y int64) (Value, error) {
	r, ok := int64(0), true
	switch op {
	case "_+_":
		r = x + y
		ok = (r > x) == (y > 0)
	case "_-_":
		r = x - y
		ok = (r < x) == (y > 0)
	case "_*_":
		r = x * y
		ok = x == 0 || r/x == y && !(x == -1 && y == math.MinInt64)
	case "_%_":
		if y == 0 {
			return nil, nil
		}
		if y != -1 {
			r = x % y
		}
	}
	if !ok {
		return nil, fmt.Errorf("%d %s %d is too large", x, operatorWord[op], y)
	}
	return r, nil
}

// numeric answers the functions of numbers.
func numeric(fn string, a []Value) (Value, bool, error) {
	switch fn {
	case "dec", "money", "pct":
		v, err := convert(fn, a[0])
		return v, true, err
	case "split":
		v, err := splitEven(a)
		return v, true, err
	case "floor", "ceil", "round", "abs":
	default:
		return nil, false, nil
	}
	d, ok := number(a[0])
	if !ok {
		return nil, true, nil
	}
	switch {
	case fn == "abs":
		switch x := a[0].(type) {
		case int64:
			return max(x, -x), true, nil
		case Money:
			return Money{d.Abs()}, true, nil
		}
		return Decimal{d.Abs()}, true, nil
	case len(a) == 2:
		k, _ := a[1].(int64)
		if k < 0 || k > 12 {
			return nil, true, fmt.Errorf("round(…, %d): the digits are from 0 to 12", k)
		}
		r := HalfUp(d, int(k))
		if _, ok := a[0].(Money); ok {
			return Money{r.Pad(2)}, true, nil
		}
		return Decimal{r}, true, nil
	case fn == "floor":
		d = d.Floor(0)
	case fn == "ceil":
		d = d.Ceil(0)
	default:
		d = HalfUp(d, 0)
	}
	n, _, ok := d.Int64(0)
	if !ok {
		return nil, true, fmt.Errorf("%s is too large", d)
	}
	return n, true, nil
}

// convert makes a number of a text or another number; a text that is none is unset.
func convert(fn string, v Value) (Value, error) {
	d, ok := number(v)
	if !ok {
		s, _ := v.(string)
		var err error
		if d, err = decimal.Parse(s); err != nil {
			return nil, nil
		}
	}
	switch fn {
	case "money":
		return Money{HalfUp(d, 2).Pad(2)}, nil
	case "pct":
		r, err := d.Quo(hundred)
		return Decimal{r}, err
	}
	return Decimal{d}, nil
}

// rangeSize is how many numbers a segment holds.
func rangeSize(r Range) int64 { return digits(r.Last) - digits(r.First) + 1 }

// digits is the number that a document's number ends with.
func digits(s string) int64 {
	n, f := int64(0), int64(1)
	for i := len(s) - 1; i >= 0 && s[i] >= '0' && s[i] <= '9' && f < 1e18; i-- {
		n += int64(s[i]-'0') * f
		f *= 10
	}
	return n
}
