// The peer of the benchmark: a PocketBase with one collection as wide as the form that is measured, no rules, its
// ordinary synchronous setting.
package main

import (
	"log"

	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/core"
)

func main() {
	app := pocketbase.New()
	app.OnBootstrap().BindFunc(func(e *core.BootstrapEvent) error {
		if err := e.Next(); err != nil {
			return err
		}
		if _, err := app.FindCollectionByNameOrId("things"); err == nil {
			return nil
		}
		open := ""
		c := core.NewBaseCollection("things")
		c.CreateRule, c.ListRule, c.ViewRule = &open, &open, &open
		for _, name := range []string{"customer", "product", "salesperson", "reason", "contact", "detail", "state", "note"} {
			c.Fields.Add(&core.TextField{Name: name})
		}
		c.Fields.Add(&core.NumberField{Name: "quantity"}, &core.NumberField{Name: "defective"}, &core.BoolField{Name: "overseas"}, &core.DateField{Name: "shipped"})
		return app.Save(c)
	})
	if err := app.Start(); err != nil {
		log.Fatal(err)
	}
}
