package testkit

import "zhanggui/internal/query"

func eq(column string, value any) query.Expr {
	if column == "" {
		return nil
	}
	return query.Eq("t", column, value)
}
