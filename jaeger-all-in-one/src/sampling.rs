//! What clients' remote samplers ask, 5778: `/sampling` (also `/` and `/api/sampling`) from a file of strategies such as Jaeger's, and `/baggageRestrictions`, of which there are none.
//!
//! The file is read when the program starts, and again when it has changed ([`Strategies::reload`]); a file that cannot be read then keeps what there was, and
//! is told. Without a file everything is sampled.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::values::Query;

/// Used where a file names no default: everything, as Jaeger does since version 2 (before, it was one of a thousand).
const UNNAMED: f64 = 1.0;

/// What each service shall sample, ready to be answered.
#[derive(Debug)]
pub struct Strategies {
    file: Option<PathBuf>,
    known: RwLock<Known>,
}

#[derive(Debug)]
struct Known {
    read: Option<SystemTime>,
    services: HashMap<String, Value>,
    default: Value,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    default_strategy: Option<Service>,
    #[serde(default)]
    service_strategies: Option<Vec<Service>>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(default)]
    service: String,
    #[serde(flatten)]
    strategy: Strategy,
    #[serde(default)]
    operation_strategies: Option<Vec<Operation>>,
}

#[derive(Deserialize)]
struct Operation {
    operation: String,
    #[serde(flatten)]
    strategy: Strategy,
}

#[derive(Deserialize)]
struct Strategy {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    param: f64,
}

impl Strategies {
    /// Reads a file; without one everything is sampled.
    ///
    /// # Errors
    /// If the file cannot be read or is not of the form; the text names it.
    pub fn new(file: Option<&Path>) -> Result<Strategies, String> {
        let all = json!({"strategyType": 0, "probabilisticSampling": {"samplingRate": 1}});
        let strategies = Strategies {
            file: file.map(Path::to_owned),
            known: RwLock::new(Known { read: None, services: HashMap::new(), default: all }),
        };
        strategies.reload()?;
        Ok(strategies)
    }

    /// Reads the file again if it has changed; whether it had.
    ///
    /// # Errors
    /// If it cannot be read or is not of the form. What was known stays.
    pub fn reload(&self) -> Result<bool, String> {
        let Some(file) = &self.file else { return Ok(false) };
        let name = file.display();
        let changed = std::fs::metadata(file).and_then(|meta| meta.modified());
        let changed = changed.map_err(|error| format!("sampling strategies {name}: {error}"))?;
        let known = || self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known().read == Some(changed) {
            return Ok(false);
        }
        let text = std::fs::read(file).map_err(|error| format!("sampling strategies {name}: {error}"))?;
        let Parsed { default, services, warnings } =
            parse(&text).map_err(|error| format!("sampling strategies {name}: {error}"))?;
        for warning in warnings {
            eprintln!(
                "jaeger-all-in-one: sampling strategies {name}: {warning}; everything is sampled there"
            );
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) =
            Known { read: Some(changed), services, default };
        Ok(true)
    }

    /// The answer for a service.
    pub fn of(&self, service: &str) -> Value {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.services.get(service).unwrap_or(&known.default).clone()
    }
}

/// What a file says.
#[derive(Debug)]
struct Parsed {
    default: Value,
    services: HashMap<String, Value>,
    /// Strategies of no type that is known: they are as if nothing was said, as with Jaeger.
    warnings: Vec<String>,
}

/// With all keys in lower case, for Jaeger, which is written in Go, takes them in any.
fn in_lower_case(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), in_lower_case(value))).collect(),
        ),
        Value::Array(list) => Value::Array(list.into_iter().map(in_lower_case).collect()),
        other => other,
    }
}

fn parse(text: &[u8]) -> Result<Parsed, String> {
    let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let lower = in_lower_case(value.clone());
    // As it is written, an error says where.
    let file: Result<File, _> =
        if lower == value { serde_json::from_slice(text) } else { serde_json::from_value(lower) };
    let file = file.map_err(|error| error.to_string())?;
    let mut warnings = Vec::new();
    let default = match &file.default_strategy {
        Some(default) => answer(default, "the default", &mut warnings)?,
        None => probability(UNNAMED),
    };
    let mut services = HashMap::new();
    for service in file.service_strategies.unwrap_or_default() {
        let whose = format!("service {:?}", service.service);
        let mut own = answer(&service, &whose, &mut warnings).map_err(|error| format!("{whose}: {error}"))?;
        inherit(&mut own, &default);
        services.insert(service.service, own);
    }
    Ok(Parsed { default, services, warnings })
}

fn probability(rate: f64) -> Value {
    json!({"strategyType": 0, "probabilisticSampling": {"samplingRate": rate}})
}

fn strategy(strategy: &Strategy, whose: &str, warnings: &mut Vec<String>) -> Result<Value, String> {
    let param = strategy.param;
    match &*strategy.kind {
        "probabilistic" if (0.0..=1.0).contains(&param) => Ok(probability(param)),
        "probabilistic" => Err(format!("a probability of {param} is not within 0 and 1")),
        "ratelimiting" if (0.0..=f64::from(i16::MAX)).contains(&param) => {
            Ok(json!({"strategyType": 1, "rateLimitingSampling": {"maxTracesPerSecond": param as i64}}))
        }
        "ratelimiting" => Err(format!("{param} traces a second are not within 0 and {}", i16::MAX)),
        other => {
            warnings.push(format!("{whose}: type {other:?} is none of probabilistic, ratelimiting"));
            Ok(probability(UNNAMED))
        }
    }
}

fn answer(service: &Service, whose: &str, warnings: &mut Vec<String>) -> Result<Value, String> {
    let mut answer = strategy(&service.strategy, whose, warnings)?;
    let operations = service.operation_strategies.as_deref().unwrap_or_default();
    if operations.is_empty() {
        return Ok(answer);
    }
    let mut list = Vec::new();
    for operation in operations {
        let which = format!("operation {:?}", operation.operation);
        let strategy = strategy(&operation.strategy, &format!("{whose}, {which}"), warnings)
            .map_err(|error| format!("{which}: {error}"))?;
        // Only a probability can be said of an operation; Jaeger passes over the other kind, too.
        if let Some(probability) = strategy.get("probabilisticSampling") {
            list.push(json!({"operation": operation.operation, "probabilisticSampling": probability}));
        }
    }
    let rate = answer.pointer("/probabilisticSampling/samplingRate").cloned().unwrap_or(json!(UNNAMED));
    answer["operationSampling"] = json!({
        "defaultSamplingProbability": rate,
        "defaultLowerBoundTracesPerSecond": 0,
        "defaultUpperBoundTracesPerSecond": 0,
        "perOperationStrategies": list,
    });
    Ok(answer)
}

/// Gives a service the default's operations that it does not name itself.
fn inherit(own: &mut Value, default: &Value) {
    const LIST: &str = "perOperationStrategies";
    let Some(shared) = default.get("operationSampling") else { return };
    let Some(operations) = own.get_mut("operationSampling") else {
        let mut shared = shared.clone();
        if let Some(rate) = own.pointer("/probabilisticSampling/samplingRate") {
            shared["defaultSamplingProbability"] = rate.clone();
        }
        own["operationSampling"] = shared;
        return;
    };
    let (Some(list), Some(shared)) = (operations[LIST].as_array_mut(), shared[LIST].as_array()) else {
        return;
    };
    for other in shared {
        if list.iter().all(|one| one["operation"] != other["operation"]) {
            list.push(other.clone());
        }
    }
}

/// The port's routes.
pub fn router(strategies: Arc<Strategies>) -> Router {
    Router::new()
        .route("/sampling", get(sampling))
        // As Jaeger's Java client asks, and as its collector is asked.
        .route("/", get(sampling))
        .route("/api/sampling", get(sampling))
        .route("/baggageRestrictions", get(baggage))
        .with_state(strategies)
}

/// The one parameter `service`.
fn service(query: Option<&str>) -> Result<String, (StatusCode, &'static str)> {
    let query = Query::parse(query.unwrap_or_default());
    let mut named = query.all("service");
    match (named.next(), named.next()) {
        (Some(service), None) => Ok(service.to_owned()),
        _ => Err((StatusCode::BAD_REQUEST, "'service' parameter must be provided once\n")),
    }
}

async fn sampling(State(strategies): State<Arc<Strategies>>, RawQuery(query): RawQuery) -> Response {
    match service(query.as_deref()) {
        Ok(service) => Json(strategies.of(&service)).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn baggage(RawQuery(query): RawQuery) -> Response {
    match service(query.as_deref()) {
        Ok(_) => ([(header::CONTENT_TYPE, "application/json")], "[]").into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{
        "default_strategy": {"type": "probabilistic", "param": 0.5,
            "operation_strategies": [{"operation": "/health", "type": "probabilistic", "param": 0.0},
                {"operation": "/x", "type": "probabilistic", "param": 0.9}]},
        "service_strategies": [
            {"service": "a", "type": "ratelimiting", "param": 5.7},
            {"service": "b", "type": "probabilistic", "param": 0.8, "operation_strategies": [
                {"operation": "/x", "type": "probabilistic", "param": 0.1},
                {"operation": "/y", "type": "ratelimiting", "param": 1}]}]}"#;

    #[test]
    fn services_inherit_the_defaults_operations() {
        let Parsed { default, services, .. } = parse(FILE.as_bytes()).unwrap();
        assert_eq!(default["operationSampling"]["perOperationStrategies"][1]["operation"], "/x");
        let a = &services["a"];
        assert_eq!(
            (&a["strategyType"], &a["rateLimitingSampling"]["maxTracesPerSecond"]),
            (&json!(1), &json!(5))
        );
        assert_eq!(a["operationSampling"], default["operationSampling"]);
        let b = &services["b"]["operationSampling"];
        assert_eq!(b["defaultSamplingProbability"], json!(0.8));
        let rates = json!([
            {"operation": "/x", "probabilisticSampling": {"samplingRate": 0.1}},
            {"operation": "/health", "probabilisticSampling": {"samplingRate": 0.0}}
        ]);
        assert_eq!(b["perOperationStrategies"], rates);
    }

    #[test]
    fn keys_may_be_written_in_any_case() {
        let mut other = FILE.to_owned();
        for key in [
            "default_strategy",
            "type",
            "param",
            "operation_strategies",
            "operation",
            "service_strategies",
            "service",
        ] {
            other = other.replace(&format!("\"{key}\":"), &format!("\"{}\":", key.to_ascii_uppercase()));
        }
        let (one, other) = (parse(FILE.as_bytes()).unwrap(), parse(other.as_bytes()).unwrap());
        assert_eq!((one.default, one.services), (other.default, other.services));
        assert!(parse(br#"{"Default_Strategy": 1}"#).is_err());
    }

    #[test]
    fn a_wrong_file_is_told_with_its_place() {
        let fault = |text: &str| parse(text.as_bytes()).unwrap_err();
        let wrong = r#"{"service_strategies": [{"service": "s", "type": "probabilistic", "param": 2}]}"#;
        assert_eq!(fault(wrong), "service \"s\": a probability of 2 is not within 0 and 1");
        assert!(fault("{").contains("line 1"));
        let Parsed { default, services, warnings } = parse(b"{}").unwrap();
        assert_eq!((default, services.len(), warnings.len()), (probability(1.0), 0, 0));
    }

    #[test]
    fn a_strategy_of_no_known_type_is_told_and_samples_everything() {
        let text = r#"{"default_strategy": {"type": "adaptive", "param": 0.1}, "service_strategies": [
            {"service": "s", "param": 0.5, "operation_strategies": [{"operation": "/x", "type": "y", "param": 0.2}]}]}"#;
        let Parsed { default, services, warnings } = parse(text.as_bytes()).unwrap();
        assert_eq!(
            (&default, services["s"]["probabilisticSampling"]["samplingRate"].as_f64()),
            (&probability(1.0), Some(1.0))
        );
        assert_eq!(
            warnings,
            [
                r#"the default: type "adaptive" is none of probabilistic, ratelimiting"#,
                r#"service "s": type "" is none of probabilistic, ratelimiting"#,
                r#"service "s", operation "/x": type "y" is none of probabilistic, ratelimiting"#,
            ]
        );
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_broken_one_changes_nothing() {
        let file = std::env::temp_dir().join(format!("jaeger-strategies-{}.json", std::process::id()));
        std::fs::write(&file, FILE).unwrap();
        let strategies = Strategies::new(Some(&file)).unwrap();
        assert_eq!(strategies.reload(), Ok(false));
        let later = |seconds| {
            let time = SystemTime::now() + std::time::Duration::from_secs(seconds);
            std::fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        };
        std::fs::write(&file, "{").unwrap();
        later(10);
        assert!(strategies.reload().unwrap_err().contains("jaeger-strategies"));
        assert_eq!(strategies.of("none")["probabilisticSampling"]["samplingRate"], json!(0.5));
        std::fs::write(&file, "{}").unwrap();
        later(20);
        assert_eq!(strategies.reload(), Ok(true));
        assert_eq!(strategies.of("none"), probability(1.0));
        std::fs::remove_file(&file).unwrap();
        assert!(Strategies::new(Some(&file)).unwrap_err().contains("jaeger-strategies"));
    }
}
