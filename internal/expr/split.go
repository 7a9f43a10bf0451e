package expr

import (
	"fmt"
	"math/big"
)

// splitRow is one share of a split amount.
type splitRow struct {
	item   Value
	amount Money
}

func (s splitRow) Object() string { return "split_row" }
func (s splitRow) ID() string     { return identity(s.item) }
func (s splitRow) Get(name string) (Value, error) {
	switch name {
	case "amount":
		return s.amount, nil
	case "item":
		return s.item, nil
	}
	return nil, fmt.Errorf("a share has no %s", name)
}

// splitBy divides an amount by weights, exact to the cent; what rounding leaves goes to the largest share.
// An unset weight gets nothing; with no weight at all there is nothing to divide by.
func splitBy(amount Value, list, weights []Value) (Value, error) {
	total, ok := amount.(Money)
	if !ok {
		return nil, nil
	}
	scale := 0
	for _, w := range weights {
		if d, ok := number(w); ok {
			scale = max(scale, d.Scale())
		}
	}
	parts, all := make([]*big.Int, len(list)), new(big.Int)
	largest := -1
	for i, w := range weights {
		d, ok := number(w)
		if !ok {
			continue
		}
		n, k := bigOf(d)
		parts[i] = n.Mul(n, power(scale-k))
		all.Add(all, parts[i])
		if largest < 0 || parts[i].Cmp(parts[largest]) > 0 {
			largest = i
		}
	}
	if all.Sign() == 0 {
		return nil, nil
	}
	sum, err := scaled(total.Decimal, 2)
	if err != nil {
		return nil, err
	}
	left := sum
	shares := make([]int64, len(list))
	for i, p := range parts {
		if p != nil {
			shares[i] = ratio(new(big.Int).Mul(big.NewInt(sum), p), all).Int64()
			left -= shares[i]
		}
	}
	shares[largest] += left
	out := make([]Value, len(list))
	for i, it := range list {
		out[i] = splitRow{it, Money{cents(shares[i])}}
	}
	return out, nil
}

// splitEven divides an amount into n equal shares; what is left over goes to the first.
func splitEven(a []Value) (Value, error) {
	total, ok := a[0].(Money)
	n, _ := a[1].(int64)
	if !ok || n <= 0 || n > 10000 {
		return nil, nil
	}
	sum, err := scaled(total.Decimal, 2)
	if err != nil {
		return nil, err
	}
	out := make([]Value, n)
	for i := range out {
		out[i] = Money{cents(sum / n)}
	}
	out[0] = Money{cents(sum/n + sum%n)}
	return out, nil
}

// shareOf is the share of one row.
func shareOf(list, item Value) (Value, error) {
	all, err := items(list)
	if err != nil {
		return nil, err
	}
	for _, x := range all {
		if s, ok := x.(splitRow); ok && equal(s.item, item) {
			return s.amount, nil
		}
	}
	return nil, nil
}
