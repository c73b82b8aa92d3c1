// Command interop sends three spans with the Go Jaeger client to HOST PORT and prints their ids as JSON on stdout.
//
// The same scenario as client.py and client.js; tests/tests/interop_clients.rs asserts every value.
// Times are given, not measured, so that they can be asserted.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"github.com/opentracing/opentracing-go"
	otlog "github.com/opentracing/opentracing-go/log"
	"github.com/uber/jaeger-client-go"
	"github.com/uber/jaeger-client-go/config"
)

type ids struct {
	Trace   string            `json:"trace"`
	Span    string            `json:"span"`
	Baggage map[string]string `json:"baggage"`
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: interop HOST PORT")
	}
	configuration := config.Configuration{
		ServiceName: "interop-go",
		Sampler:     &config.SamplerConfig{Type: "const", Param: 1},
		Reporter:    &config.ReporterConfig{LocalAgentHostPort: net.JoinHostPort(os.Args[1], os.Args[2])},
		Tags:        []opentracing.Tag{{Key: "proc.tag", Value: "pv"}, {Key: "proc.number", Value: 7}},
		Gen128Bit:   true,
	}
	tracer, closer, err := configuration.NewTracer()
	if err != nil {
		log.Fatal(err)
	}

	start := time.Unix(1_600_000_000, 0)
	at := func(milliseconds int) time.Time { return start.Add(time.Duration(milliseconds) * time.Millisecond) }
	finish := func(span opentracing.Span, milliseconds int) {
		span.FinishWithOptions(opentracing.FinishOptions{FinishTime: at(milliseconds)})
	}

	root := tracer.StartSpan("root-op", opentracing.StartTime(at(0)))
	child := tracer.StartSpan("child-op", opentracing.ChildOf(root.Context()), opentracing.StartTime(at(250)))
	child.SetTag("str", "héllo")
	child.SetTag("empty", "")
	child.SetTag("int", 42)
	child.SetTag("neg", -1)
	child.SetTag("large", int64(1)<<62)
	child.SetTag("float", 1.5)
	child.SetTag("yes", true)
	child.SetTag("no", false)
	child.SetTag("bytes", []byte{0, 1, 0xfe, 0xff})
	child.SetTag("span.kind", "server")
	child.SetBaggageItem("tenant", "acme")
	child.FinishWithOptions(opentracing.FinishOptions{
		FinishTime: at(750),
		LogRecords: []opentracing.LogRecord{{
			Timestamp: at(500),
			Fields: []otlog.Field{
				otlog.String("event", "hit"),
				otlog.Int("n", 7),
				otlog.Float64("ratio", 0.5),
				otlog.Bool("ok", true),
			},
		}},
	})
	follower := tracer.StartSpan("follow-op",
		opentracing.FollowsFrom(child.Context()),
		opentracing.ChildOf(root.Context()),
		opentracing.StartTime(at(1000)))
	finish(follower, 1250)
	finish(root, 2000)

	all := map[string]ids{}
	for name, span := range map[string]opentracing.Span{"root-op": root, "child-op": child, "follow-op": follower} {
		context := span.Context().(jaeger.SpanContext)
		entry := ids{
			Trace:   fmt.Sprintf("%016x%016x", context.TraceID().High, context.TraceID().Low),
			Span:    fmt.Sprintf("%016x", uint64(context.SpanID())),
			Baggage: map[string]string{},
		}
		context.ForeachBaggageItem(func(key, value string) bool {
			entry.Baggage[key] = value
			return true
		})
		all[name] = entry
	}
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		log.Fatal(err)
	}
	// Drains the reporter.
	if err := closer.Close(); err != nil {
		log.Fatal(err)
	}
}
