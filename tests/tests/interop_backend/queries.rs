//! What both programs are asked: good questions, wrong ones, odd ones.

use crate::sides::percent;
use crate::thrift::{MS, SHOP};

/// A question.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: String,
}

fn get(path: impl Into<String>) -> Question {
    Question { method: "GET", path: path.into(), body: String::new() }
}

/// All of them. `at` is when the spans begin, µs since 1970; `services` are those that have sent any.
pub(crate) fn all(at: i64, services: &[String]) -> Vec<Question> {
    let mut all = Vec::new();
    names(services, &mut all);
    searches(at, services, &mut all);
    wrong(&mut all);
    by_id(at, &mut all);
    dependencies(at, &mut all);
    metrics(at, &mut all);
    transform(at, &mut all);
    elsewhere(&mut all);
    // Last, for Jaeger changes what it holds while it answers these.
    v3(at, services, &mut all);
    all
}

fn names(services: &[String], all: &mut Vec<Question>) {
    all.push(get("/api/services"));
    all.push(get("/api/services?prettyPrint=true"));
    for service in services.iter().map(|service| percent(service)) {
        all.push(get(format!("/api/services/{service}/operations")));
        all.push(get(format!("/api/operations?service={service}")));
    }
    for path in [
        "/api/services/nobody/operations",
        "/api/services/SHOP/operations",
        "/api/services/sh%6fp/operations",
        "/api/services/%zz/operations",
        "/api/operations",
        "/api/operations?service=",
        "/api/operations?service=nobody",
        "/api/operations?service=statuses&spanKind=server",
        "/api/operations?service=statuses&spanKind=",
        "/api/operations?service=statuses&spanKind=SERVER",
        "/api/operations?service=statuses&spanKind=nothing",
        "/api/operations?service=shop&service=stock",
    ] {
        all.push(get(path));
    }
}

fn searches(at: i64, services: &[String], all: &mut Vec<Question>) {
    for service in services.iter().map(|service| percent(service)) {
        all.push(get(format!("/api/traces?service={service}&start=-9000000000000000&limit=1000")));
        all.push(get(format!("/api/traces?service={service}&start=-9000000000000000&limit=1000&raw=true")));
        all.push(get(format!("/api/traces?service={service}")));
    }
    let (first, last) = (at + MS, at + 7 * MS);
    for query in [
        "service=shop&operation=op1".to_owned(),
        "service=shop&operation=OP1".to_owned(),
        "service=shop&operation=".to_owned(),
        "service=SHOP".to_owned(),
        "service=nobody".to_owned(),
        "service=nobody&service=shop".to_owned(),
        "service=shop&unknown=x&lookback=custom".to_owned(),
        "service=shop&raw=T".to_owned(),
        "service=shop&raw=0&prettyPrint=1".to_owned(),
        "service=shop&prettyPrint=false".to_owned(),
        // One span must satisfy all.
        "service=stock&operation=op1".to_owned(),
        "service=shop&tag=db.rows:17".to_owned(),
        "service=stock&tag=db.rows:17".to_owned(),
        "service=stock&tag=db.rows:17&operation=op3".to_owned(),
        "service=stock&tag=db.rows:17&operation=op4".to_owned(),
        // Times and durations, inclusive.
        format!("service=shop&start={first}&end={first}"),
        format!("service=shop&start={}&end={}", first - 2, first - 1),
        format!("service=shop&start={}&end={last}", last - 1),
        "service=durations&minDuration=1ms&maxDuration=1ms".to_owned(),
        "service=durations&minDuration=1.001ms".to_owned(),
        "service=durations&minDuration=1000500ns".to_owned(),
        "service=durations&maxDuration=999us".to_owned(),
        "service=durations&maxDuration=1.0005ms".to_owned(),
        "service=durations&minDuration=1h".to_owned(),
        "service=durations&minDuration=59m59s&maxDuration=1h".to_owned(),
        "service=durations&minDuration=0&maxDuration=0".to_owned(),
        "service=durations&minDuration=-1s".to_owned(),
        "service=durations&maxDuration=-1s".to_owned(),
        "service=durations&minDuration=1%C2%B5s&maxDuration=999%CE%BCs".to_owned(),
        "service=durations&limit=7".to_owned(),
        "service=durations&limit=100000".to_owned(),
        "service=durations&limit=%2B7".to_owned(),
        // Tags as text.
        "service=values&tag=z.text:plain".to_owned(),
        "service=values&tag=z.text:Plain".to_owned(),
        "service=values&tag=Z.text:plain".to_owned(),
        "service=values&tag=empty:".to_owned(),
        "service=values&tag=yes:true".to_owned(),
        "service=values&tag=yes:1".to_owned(),
        "service=values&tag=small:-7".to_owned(),
        "service=values&tag=least:-9223372036854775808".to_owned(),
        "service=values&tag=whole:5".to_owned(),
        "service=values&tag=whole:5.0".to_owned(),
        "service=values&tag=part:0.1".to_owned(),
        "service=values&tag=huge:1e%2B21".to_owned(),
        "service=values&tag=tiny:-1e-7".to_owned(),
        "service=values&tag=bytes:AP8B".to_owned(),
        "service=values&tag=twice:1".to_owned(),
        "service=values&tag=twice:two".to_owned(),
        "service=values&tag=colon:a:b".to_owned(),
        "service=values&tag=process.tag:p".to_owned(),
        "service=values&tag=a:1.5".to_owned(),
        "service=values&tag=a:1.5&tag=z.text:plain".to_owned(),
        "service=values&tag=a:1.5&tag=z.text:other".to_owned(),
        "service=values&tag=z.text:other&tag=z.text:plain".to_owned(),
        format!("service=values&tag=small:1&tags={}", percent(r#"{"small":"-7"}"#)),
        format!("service=values&tags={}", percent(r#"{"small":"-7","yes":"true"}"#)),
        format!(
            "service=values&tags={}&tags={}",
            percent(r#"{"small":"-7"}"#),
            percent(r#"{"yes":"false"}"#)
        ),
        format!("service=values&tags={}", percent(r#"{"empty":null}"#)),
        format!("service=values&tags={}", percent(r#" { "z.text" : "plain" } "#)),
        "service=values&tags=null".to_owned(),
        "service=values&tags=%7B%7D".to_owned(),
        "service=another&tag=b:1".to_owned(),
        "service=renamed&tag=b:1".to_owned(),
        "service=process&tag=host.name:box".to_owned(),
        "service=process&tag=hostname:box".to_owned(),
        "service=process&tag=jaeger.version:Go-2.30.0".to_owned(),
        "service=process&tag=opencensus.exporterversion:Jaeger-Go-2.30.0".to_owned(),
        "service=process&tag=repeated:2".to_owned(),
        "service=shop&tag=service.name:shop".to_owned(),
        "service=shop&tag=service.name:stock".to_owned(),
        "service=logs&tag=level:info".to_owned(),
        "service=logs&tag=event:first".to_owned(),
        "service=logs&tag=b:2".to_owned(),
        "service=addresses&tag=peer.ipv4:2130706433".to_owned(),
        "service=addresses&tag=peer.ipv4:127.0.0.1".to_owned(),
        "service=http&tag=error:true".to_owned(),
        "service=http&tag=error:false".to_owned(),
        "service=statuses&tag=error:true".to_owned(),
        "service=statuses&tag=error:false".to_owned(),
        "service=statuses&tag=span.kind:server".to_owned(),
        "service=statuses&tag=otel.status_code:OK".to_owned(),
        "service=statuses&tag=otel.scope.name:lib".to_owned(),
        "service=http&tag=http.status_code:404".to_owned(),
        "service=http&tag=http.status_code:404&tag=http.status_message:said".to_owned(),
        "service=http&tag=http.status_code:404&tag=http.status_message:unsaid".to_owned(),
        // What came as OTLP and as Zipkin.
        "service=otlp-values&tag=list:%5B%22a%3Cb%22,1,2,true,%22AQI=%22,null,%5B%5D,%7B%22k%22:1%7D%5D"
            .to_owned(),
        "service=otlp-values&tag=int.text:9007199254740993".to_owned(),
        "service=otlp-values&tag=double.whole:5".to_owned(),
        "service=otlp-values&tag=k:v".to_owned(),
        "service=otlp-kinds&tag=hostname:kept".to_owned(),
        "service=otlp-statuses&tag=otel.status_description:boom".to_owned(),
        "service=zipkin-front&tag=http.path:/".to_owned(),
        "service=zipkin-back&tag=n:5".to_owned(),
        "service=zipkin-front&tag=net.peer.ip:192.0.2.7".to_owned(),
        // By ids.
        format!("traceID={SHOP:x}"),
        format!("traceID={SHOP:032X}&traceID=100"),
        "traceID=100&traceID=1234&service=nobody&minDuration=9h&limit=0".to_owned(),
        "traceID=1234".to_owned(),
        "traceID=0".to_owned(),
        "traceID=100&raw=true".to_owned(),
        "service=shop&traceID=100".to_owned(),
    ] {
        all.push(get(format!("/api/traces?{query}")));
    }
}

fn wrong(all: &mut Vec<Question>) {
    for query in [
        "",
        "service=",
        "limit=5",
        "service=shop&start=x",
        "service=shop&start=1.5",
        "service=shop&start=9223372036854775808",
        "service=shop&end=now",
        "start=x&end=y&limit=z",
        "service=shop&limit=x",
        "service=shop&limit=0",
        "service=shop&limit=-1",
        "service=shop&limit=100001",
        "service=shop&limit=2147483648",
        "service=shop&minDuration=1",
        "service=shop&minDuration=abc",
        "service=shop&minDuration=1x",
        "service=shop&minDuration=1.5.5s",
        "service=shop&maxDuration=1",
        "service=shop&maxDuration=9999999h",
        "service=shop&minDuration=2s&maxDuration=1s",
        "service=shop&tag=a",
        "service=shop&tag=",
        "service=shop&tag=a:b&tag=c",
        "service=shop&tags=",
        "service=shop&tags=x",
        "service=shop&tags=[]",
        "service=shop&tags=%7B%22a%22:1%7D",
        "service=shop&tags=%7B%22a%22:%22b%22",
        "service=shop&raw=yes",
        "service=shop&raw=TRUEE",
        "traceID=xyz",
        "traceID=",
        "traceID=%2B1",
        "traceID=0x1",
        "traceID=100&traceID=xyz",
        "traceID=111111111111111111111111111111111",
        "traceID=100&minDuration=1",
        "service=sh%zzop",
        "service=shop;limit=x",
    ] {
        all.push(get(format!("/api/traces?{query}")));
    }
}

fn by_id(at: i64, all: &mut Vec<Question>) {
    for path in [
        format!("{SHOP:x}"),
        format!("{SHOP:X}"),
        format!("{SHOP:032x}"),
        format!("{SHOP:x}?raw=true"),
        format!("{SHOP:x}?raw=false&prettyPrint=yes"),
        format!("{SHOP:x}?start={at}&end=5"),
        "100".to_owned(),
        "0000000000000100".to_owned(),
        "00000000000000000000000000000100".to_owned(),
        "ffffffffffffffffffffffffffffffff".to_owned(),
        "10000000000000000".to_owned(),
        "0".to_owned(),
        "1234".to_owned(),
        "1234?raw=x".to_owned(),
        "xyz".to_owned(),
        "+1".to_owned(),
        "-1".to_owned(),
        "0x1".to_owned(),
        "1_0".to_owned(),
        "000000000000000000000000000000100".to_owned(),
        "100?start=x".to_owned(),
        "100?end=x".to_owned(),
        "100?raw=x".to_owned(),
        "xyz?raw=x".to_owned(),
    ] {
        all.push(get(format!("/api/traces/{path}")));
    }
    for id in ["100", "1234", "xyz", "100?start=x"] {
        all.push(Question { method: "POST", path: format!("/api/archive/{id}"), body: String::new() });
    }
}

fn dependencies(at: i64, all: &mut Vec<Question>) {
    let end = at / 1_000 + 3_600_000;
    for query in [
        format!("endTs={end}&lookback=7200000"),
        format!("endTs={end}&lookback=7200000&service=shop"),
        format!("endTs={end}&lookback=7200000&service=stock"),
        format!("endTs={end}&lookback=7200000&service=nobody"),
        format!("endTs={}&lookback=5", at / 1_000),
        format!("endTs={end}&lookback=0"),
        format!("endTs={end}&lookback=-1"),
        "endTs=0".to_owned(),
        "endTs=x".to_owned(),
        "lookback=1h".to_owned(),
        "endTs=x&lookback=y".to_owned(),
        "lookback=9223372036854775808".to_owned(),
    ] {
        all.push(get(format!("/api/dependencies?{query}")));
    }
    all.push(get("/api/dependencies"));
}

fn metrics(at: i64, all: &mut Vec<Question>) {
    let end = at / 1_000 + 60_000;
    for query in [
        format!("calls?service=shop&endTs={end}&lookback=60000&step=1000&ratePer=60000"),
        format!(
            "errors?service=stock&endTs={end}&lookback=60000&step=1000&spanKind=server&spanKind=unspecified"
        ),
        format!("latencies?service=shop&quantile=0.95&endTs={end}&groupByOperation=true"),
        "minstep".to_owned(),
        "calls".to_owned(),
        "errors?service=a&groupByOperation=maybe".to_owned(),
        "calls?service=a&spanKind=odd".to_owned(),
        "calls?service=a&endTs=x".to_owned(),
        "calls?service=a&lookback=1h".to_owned(),
        "calls?service=a&step=x".to_owned(),
        "calls?service=a&ratePer=x".to_owned(),
        "latencies?service=a".to_owned(),
        "latencies?service=a&quantile=x".to_owned(),
        "latencies?quantile=0.5".to_owned(),
    ] {
        all.push(get(format!("/api/metrics/{query}")));
    }
}

fn transform(at: i64, all: &mut Vec<Question>) {
    let post = |body: String| Question { method: "POST", path: "/api/transform".to_owned(), body };
    // Those whose resources name a service: a transformed one is given no name.
    let whole = |request: &crate::otlp::Request| !request.services.contains(&"empty-service-name");
    all.extend(
        crate::otlp::all(at).iter().filter(|one| whole(one)).map(|request| post(request.body.to_string())),
    );
    for body in ["", "{", "[]", "x", "{}", r#"{"resourceSpans":[]}"#, r#"{"resourceSpans":5}"#] {
        all.push(post(body.to_owned()));
    }
}

fn v3(at: i64, services: &[String], all: &mut Vec<Question>) {
    let when = "query.start_time_min=1960-01-01T00:00:00Z&query.start_time_max=2100-01-01T00:00:00%2B01:00";
    all.push(get("/api/v3/services"));
    for service in services.iter().map(|service| percent(service)) {
        all.push(get(format!("/api/v3/operations?service={service}")));
        all.push(get(format!(
            "/api/v3/traces?query.service_name={service}&{when}&query.num_traces=1000&query.raw_traces=true"
        )));
    }
    all.push(get(format!("/api/v3/traces/{SHOP:032X}?raw_traces=true")));
    for service in services.iter().map(|service| percent(service)) {
        all.push(get(format!("/api/v3/traces?query.service_name={service}&{when}&query.num_traces=1000")));
    }
    let second = at / 1_000_000;
    for query in [
        "operations".to_owned(),
        "operations?service=nobody".to_owned(),
        "operations?service=statuses&span_kind=server".to_owned(),
        format!("traces/{SHOP:x}"),
        format!("traces/{SHOP:032X}?raw_traces=false"),
        format!("traces/{SHOP:x}?start_time=2020-01-01T00:00:00Z&end_time=2020-01-01T00:00:00.5Z"),
        "traces/1234".to_owned(),
        "traces/0".to_owned(),
        "traces/xyz".to_owned(),
        "traces/000000000000000000000000000000100".to_owned(),
        "traces/100?start_time=x".to_owned(),
        "traces/100?end_time=1700000000".to_owned(),
        "traces/100?raw_traces=x".to_owned(),
        "traces".to_owned(),
        "traces?query.service_name=shop".to_owned(),
        "traces?query.start_time_min=x&query.start_time_max=y".to_owned(),
        "traces?query.start_time_min=2020-01-01T00:00:00Z&query.start_time_max=y".to_owned(),
        format!("traces?{when}"),
        format!("traces?{when}&query.num_traces=0"),
        format!("traces?{when}&query.num_traces=x"),
        format!("traces?{when}&query.num_traces=100001"),
        format!("traces?{when}&query.num_traces=5&query.duration_min=1"),
        format!("traces?{when}&query.num_traces=5&query.duration_max=x"),
        format!("traces?{when}&query.num_traces=5&query.raw_traces=x"),
        format!("traces?{when}&query.num_traces=5&query.service_name=nobody"),
        format!(
            "traces?{when}&query.num_traces=100&query.service_name=durations&query.duration_min=1ms&query.duration_max=1500us"
        ),
        format!(
            "traces?{when}&query.num_traces=100&query.service_name=durations&query.duration_min=2s&query.duration_max=1s"
        ),
        format!("traces?{when}&query.num_traces=100&query.service_name=shop&query.operation_name=op2"),
        format!("traces?{when}&query.num_traces=100&query.service_name=shop&query.operation_name=op3"),
    ] {
        all.push(get(format!("/api/v3/{query}")));
    }
    // A second that none of the spans is in.
    let empty = "query.start_time_min=2001-01-01T00:00:00Z&query.start_time_max=2001-01-01T00:00:01Z";
    assert_ne!(second, 978_307_200, "the spans are of today");
    all.push(get(format!("/api/v3/traces?{empty}&query.num_traces=5")));
}

fn elsewhere(all: &mut Vec<Question>) {
    for path in
        ["/api", "/api/nothing", "/api/traces/", "/api/v3/nothing", "/api/v4/services", "/nothing/at/all"]
    {
        all.push(get(path));
    }
    for (method, path) in [
        ("POST", "/api/services"),
        ("DELETE", "/api/traces/100"),
        ("PUT", "/api/traces"),
        ("POST", "/api/v3/services"),
        ("GET", "/api/archive/100"),
        ("GET", "/api/transform"),
    ] {
        all.push(Question { method, path: path.to_owned(), body: String::new() });
    }
}
