// Package gauge keeps the figures an operator watches, in the form Prometheus reads. Labels are names of the program and of
// rulebooks, so that there are only so many of them, and nothing personal. It knows nothing of the house.
package gauge

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Gauges are those of one process. The nil Gauges keep nothing.
type Gauges struct {
	reg      *prometheus.Registry
	acts     *prometheus.CounterVec
	refusals *prometheus.CounterVec
	answers  *prometheus.HistogramVec
	underway prometheus.Gauge
	lines    *prometheus.CounterVec
}

// New has the figures of the process itself, and what it is told from now on.
func New(version string) *Gauges {
	g := &Gauges{
		reg: prometheus.NewRegistry(),
		acts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "zhanggui_acts_total",
			Help: "Acts that were asked for, and what fell due, by what became of them."}, []string{"form", "action", "outcome"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "zhanggui_refusals_total",
			Help: "Clauses that refused an act, by kind of rule; an act may be refused by several."}, []string{"group", "clause"}),
		answers: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "zhanggui_http_request_seconds",
			Help:    "How long answers took, by route and first digit of the status.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}}, []string{"route", "status"}),
		underway: prometheus.NewGauge(prometheus.GaugeOpts{Name: "zhanggui_http_requests_under_way", Help: "Requests at work now, live pages among them."}),
		lines: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "zhanggui_log_lines_total",
			Help: "Lines of the log by level; alarm are those that begin with alarm:."}, []string{"level"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "zhanggui_build_info", Help: "1.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	for _, level := range []string{"warn", "error", "alarm"} {
		g.lines.WithLabelValues(level)
	}
	g.reg.MustRegister(g.acts, g.refusals, g.answers, g.underway, g.lines, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return g
}

// Act counts an act by names of the library.
func (g *Gauges) Act(form, action, outcome string) {
	if g != nil {
		g.acts.WithLabelValues(form, action, outcome).Inc()
	}
}

// Refused counts the clauses that said no; "" stands for rules of the house without one.
func (g *Gauges) Refused(group string, clauses []string) {
	if g == nil {
		return
	}
	if len(clauses) == 0 {
		clauses = []string{""}
	}
	for _, c := range clauses {
		g.refusals.WithLabelValues(group, c).Inc()
	}
}

// Asked counts a request that begins; the function is called at its end with its route. Of streams, which end when their
// reader goes, no time is kept.
func (g *Gauges) Asked() (answered func(route string, status int, took time.Duration, stream bool)) {
	if g == nil {
		return func(string, int, time.Duration, bool) {}
	}
	g.underway.Inc()
	return func(route string, status int, took time.Duration, stream bool) {
		g.underway.Dec()
		if !stream {
			g.answers.WithLabelValues(route, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
		}
	}
}

// Figure is one that is looked up when somebody reads.
type Figure struct {
	Name, Help string
	Labels     map[string]string
	Value      float64
	Counter    bool           // it only grows
	Buckets    map[int]uint64 // of a histogram: how many are at most so much
	Count      uint64         // of a histogram: how many there are
	Sum        float64        // of a histogram: what they come to
}

// Watch asks for figures whenever somebody reads.
func (g *Gauges) Watch(ask func(context.Context) []Figure) { g.reg.MustRegister(watch(ask)) }

type watch func(context.Context) []Figure

// Describe tells nothing beforehand.
func (w watch) Describe(chan<- *prometheus.Desc) {}

// asking is how long a reading may take.
const asking = 5 * time.Second

// Collect asks.
func (w watch) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), asking)
	defer cancel()
	for _, f := range w(ctx) {
		d := prometheus.NewDesc(f.Name, f.Help, nil, f.Labels)
		kind := prometheus.GaugeValue
		if f.Counter {
			kind = prometheus.CounterValue
		}
		if f.Buckets == nil {
			out <- prometheus.MustNewConstMetric(d, kind, f.Value)
			continue
		}
		buckets := map[float64]uint64{}
		for most, n := range f.Buckets {
			buckets[float64(most)] = n
		}
		out <- prometheus.MustNewConstHistogram(d, f.Count, f.Sum, buckets)
	}
}

// Handler answers a reading.
func (g *Gauges) Handler() http.Handler {
	return promhttp.HandlerFor(g.reg, promhttp.HandlerOpts{MaxRequestsInFlight: 3})
}

// Log counts the lines of a log.
func (g *Gauges) Log(h slog.Handler) slog.Handler { return counted{h, g} }

type counted struct {
	slog.Handler
	g *Gauges
}

func (c counted) Handle(ctx context.Context, r slog.Record) error {
	switch {
	case strings.HasPrefix(r.Message, "alarm:"):
		c.g.lines.WithLabelValues("alarm").Inc()
	case r.Level >= slog.LevelError:
		c.g.lines.WithLabelValues("error").Inc()
	case r.Level >= slog.LevelWarn:
		c.g.lines.WithLabelValues("warn").Inc()
	}
	return c.Handler.Handle(ctx, r)
}

func (c counted) WithAttrs(a []slog.Attr) slog.Handler { return counted{c.Handler.WithAttrs(a), c.g} }
func (c counted) WithGroup(n string) slog.Handler      { return counted{c.Handler.WithGroup(n), c.g} }
