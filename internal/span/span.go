// Package span follows one request on its way through the house: request, act, transaction, commit. Where no collector is set
// nothing is followed, and a span costs a look into the context. Attributes are names of the program and of rulebooks, counts
// and kinds of error: no values, ids, addresses or texts of errors, which may repeat what somebody wrote.
// It knows nothing of the house.
package span

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

const scope = "zhanggui"

// Tracer begins ways at the doors of the house. The nil Tracer follows nothing.
type Tracer struct {
	provider *trace.TracerProvider
	tracer   api.Tracer
}

// Open sends what is followed to a collector that speaks OTLP over HTTP, such as https://collector:4318/v1/traces, in lots and
// apart from the requests: a collector that is away costs the spans, nothing else. One of oneIn ways is followed.
// What the collector asks for of who sends to it is in OTEL_EXPORTER_OTLP_HEADERS, as OpenTelemetry says.
func Open(ctx context.Context, address, version, node string, oneIn int, log *slog.Logger) (*Tracer, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("traces: an address is expected like https://collector:4318/v1/traces")
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces were not sent", "err", err) }))
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(address), otlptracehttp.WithTimeout(5*time.Second))
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	p := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithSampler(every(max(oneIn, 1))),
		trace.WithResource(resource.NewSchemaless(attribute.String("service.name", "zhanggui"), attribute.String("service.version", version),
			attribute.String("service.instance.id", node))))
	return &Tracer{provider: p, tracer: p.Tracer(scope)}, nil
}

// Close sends what is left.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Root begins a way at a door. Where it came from is not believed: whoever asks cannot choose what is followed.
func (t *Tracer) Root(ctx context.Context, name string) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	ctx, s := t.tracer.Start(ctx, name, api.WithNewRoot())
	if !s.IsRecording() {
		return ctx, nil
	}
	return ctx, &Span{s}
}

// Span is a part of a way. The nil Span is of a way that is not followed.
type Span struct{ s api.Span }

// Begin begins a part of the way that ctx is on.
func Begin(ctx context.Context, name string) (context.Context, *Span) {
	parent := api.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, nil
	}
	ctx, s := parent.TracerProvider().Tracer(scope).Start(ctx, name)
	return ctx, &Span{s}
}

// Name gives the span another name, of a door that was found late.
func (s *Span) Name(name string) {
	if s != nil {
		s.s.SetName(name)
	}
}

// Set notes a name of the program or of a rulebook.
func (s *Span) Set(key, value string) {
	if s != nil && value != "" {
		s.s.SetAttributes(attribute.String(key, value))
	}
}

// Count notes a number.
func (s *Span) Count(key string, n int) {
	if s != nil {
		s.s.SetAttributes(attribute.Int(key, n))
	}
}

// Fail marks it as failed, by the kind of the failure alone.
func (s *Span) Fail(kind string) {
	if s != nil {
		s.s.SetStatus(codes.Error, kind)
	}
}

// End ends it.
func (s *Span) End() {
	if s != nil {
		s.s.End()
	}
}

// every follows one way of so many, whole: its parts go where their way went.
func every(n int) trace.Sampler {
	if n == 1 {
		return trace.ParentBased(trace.AlwaysSample())
	}
	return trace.ParentBased(trace.TraceIDRatioBased(1 / float64(n)))
}
