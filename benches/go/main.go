// jaeger-client-go, by hand as its users write it: the peer `go` (a reporter that only counts) and `go-udp` of the benches.
//
//	go run . run go|go-udp WORK ROUNDS BURSTS
//
// Prints the same line of JSON as the Rust peers: bursts of 2,000 spans with 2 ms between them, only the bursts timed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/opentracing/opentracing-go"
	"github.com/opentracing/opentracing-go/ext"
	"github.com/opentracing/opentracing-go/log"
	"github.com/uber/jaeger-client-go"
)

// Half as many of the long texts.
var burst = 2000

type counts struct{ spans atomic.Uint64 }

func (c *counts) Report(*jaeger.Span) { c.spans.Add(1) }
func (c *counts) Close()              {}

type order struct {
	ID    uint64
	Item  string
	Count uint32
}

var (
	anOrder  = order{1702, "seventeen nails", 17}
	longText = strings.Repeat("x", 1000)
	refused  = errors.New("the card was refused")
	sink     uint64
)

//go:noinline
func leaf(ctx context.Context) {
	span, _ := opentracing.StartSpanFromContext(ctx, "leaf")
	defer span.Finish()
	sink++
}

//go:noinline
func args(ctx context.Context, id uint64, request string) uint64 {
	span, _ := opentracing.StartSpanFromContext(ctx, "args")
	defer span.Finish()
	span.SetTag("id", id)
	span.SetTag("request", request)
	reply := id + uint64(len(request))
	span.SetTag("reply", reply)
	return reply
}

//go:noinline
func six(ctx context.Context, id uint64, delta int32, ratio float64, ok bool, name, note string) {
	span, _ := opentracing.StartSpanFromContext(ctx, "six")
	defer span.Finish()
	span.SetTag("id", id)
	span.SetTag("delta", delta)
	span.SetTag("ratio", ratio)
	span.SetTag("ok", ok)
	span.SetTag("name", name)
	span.SetTag("note", note)
}

//go:noinline
func debug(ctx context.Context, o *order) {
	span, _ := opentracing.StartSpanFromContext(ctx, "debug")
	defer span.Finish()
	span.SetTag("order", fmt.Sprintf("%+v", *o))
}

//go:noinline
func long(ctx context.Context, text string) {
	span, _ := opentracing.StartSpanFromContext(ctx, "long")
	defer span.Finish()
	span.SetTag("text", text)
}

//go:noinline
func deep(ctx context.Context, left int) {
	span, inner := opentracing.StartSpanFromContext(ctx, "deep")
	defer span.Finish()
	if left > 1 {
		deep(inner, left-1)
	}
}

//go:noinline
func fails(ctx context.Context) error {
	span, _ := opentracing.StartSpanFromContext(ctx, "fails")
	defer span.Finish()
	ext.LogError(span, refused)
	return refused
}

//go:noinline
func logs(ctx context.Context) {
	span, _ := opentracing.StartSpanFromContext(ctx, "logs")
	defer span.Finish()
	span.LogFields(log.String("event", "cache"), log.Bool("hit", true))
}

func work(name string, ctx context.Context, n int) {
	for i := 0; i < n; i++ {
		switch name {
		case "sync", "unsampled", "refused", "over-limit":
			leaf(ctx)
		case "sync-args":
			sink += args(ctx, 7, "Hello foo3")
		case "sync-six":
			six(ctx, 7, -3, 0.5, true, "Hello", "foo3 foo4 foo5")
		case "sync-debug":
			debug(ctx, &anOrder)
		case "sync-long":
			long(ctx, longText)
		case "depth-10":
			deep(ctx, 10)
			i += 9
		case "error":
			_ = fails(ctx)
		case "logged":
			logs(ctx)
		case "root-child":
			root, inner := opentracing.StartSpanFromContext(context.Background(), "root")
			leaf(inner)
			root.Finish()
			i++
		}
	}
}

func cpu() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func resident() *float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil
	}
	for _, line := range strings.Split(string(status), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmHWM:" {
			if kib, err := strconv.ParseFloat(fields[1], 64); err == nil {
				mib := kib / 1024
				return &mib
			}
		}
	}
	return nil
}

func run() error {
	if len(os.Args) != 6 {
		return errors.New("run PEER WORK ROUNDS BURSTS")
	}
	peer, name := os.Args[2], os.Args[3]
	rounds, err := strconv.Atoi(os.Args[4])
	if err != nil {
		return err
	}
	bursts, err := strconv.Atoi(os.Args[5])
	if err != nil {
		return err
	}
	known := " sync sync-args sync-six sync-debug sync-long root-child depth-10 unsampled refused over-limit error logged "
	if !strings.Contains(known, " "+name+" ") {
		// As the Rust peers say it: there are no figures, and nothing failed.
		fmt.Println("null")
		return nil
	}
	if name == "sync-long" {
		burst = 1000
	}
	counted := &counts{}
	var reporter jaeger.Reporter = counted
	if peer == "go-udp" {
		transport, err := jaeger.NewUDPTransport(os.Getenv("BENCHES_RECEIVER"), 0)
		if err != nil {
			return err
		}
		// The default queue of 100 spans would drop most of a burst; what is measured is recording, not dropping.
		reporter = jaeger.NewRemoteReporter(transport, jaeger.ReporterOptions.QueueSize(1<<16))
	}
	var closer io.Closer
	var tracer opentracing.Tracer
	var sampler jaeger.Sampler = jaeger.NewConstSampler(name != "unsampled")
	switch name {
	case "refused":
		if sampler, err = jaeger.NewProbabilisticSampler(0.001); err != nil {
			return err
		}
	case "over-limit":
		sampler = jaeger.NewRateLimitingSampler(0.001)
	}
	tracer, closer = jaeger.NewTracer("bench", sampler, reporter)
	opentracing.SetGlobalTracer(tracer)
	var made uint64
	once := func() time.Duration {
		start := time.Now()
		if name == "root-child" || name == "refused" || name == "over-limit" {
			work(name, context.Background(), burst)
		} else {
			root, ctx := opentracing.StartSpanFromContext(context.Background(), "root")
			work(name, ctx, burst)
			root.Finish()
		}
		took := time.Since(start)
		switch name {
		case "unsampled", "refused", "over-limit":
		case "root-child":
			made += uint64(burst)
		default:
			made += uint64(burst) + 1
		}
		time.Sleep(2 * time.Millisecond)
		return took
	}
	for i := 0; i < bursts/2; i++ {
		once()
	}
	// What waits of the warm-up is sent before anything is counted; the client has no flush to wait for.
	time.Sleep(500 * time.Millisecond)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpuBefore := cpu()
	var caller []float64
	for i := 0; i < rounds; i++ {
		var took time.Duration
		for j := 0; j < bursts; j++ {
			took += once()
		}
		caller = append(caller, float64(took.Nanoseconds())/float64(bursts*burst))
	}
	if err := closer.Close(); err != nil {
		return err
	}
	spans := float64(rounds * bursts * burst)
	cpuSpan := float64((cpu() - cpuBefore).Nanoseconds()) / spans
	runtime.ReadMemStats(&after)
	sort.Float64s(caller)
	mallocs := float64(after.Mallocs-before.Mallocs) / spans
	figures := map[string]any{
		"peer": peer, "caller": caller, "cpu": cpuSpan, "allocations": []float64{mallocs, mallocs}, "made": made,
		"work": name, "received": nil, "resident": resident(),
	}
	if peer == "go" {
		figures["received"] = counted.spans.Load()
	}
	return json.NewEncoder(os.Stdout).Encode(figures)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
