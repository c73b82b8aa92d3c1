//! One attempt by HTTP: Thrift to a collector, or OTLP. A whole exchange has a deadline, and of an answer little is read.

use std::time::{Duration, SystemTime};

use axum::http::header;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;

use super::sender::Outcome;
use super::{Loss, Target, Way};
use crate::receive::otlp::http::Status;

/// A whole exchange, from connecting to the end of the answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// What is read of an answer, so that the connection can be used again.
const ANSWER: u64 = 64 << 10;

pub(super) struct Http {
    agent: ureq::Agent,
    way: Way,
    url: String,
    authorization: Option<String>,
}

impl Http {
    pub(super) fn new(target: &Target) -> Http {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(DEADLINE))
            .http_status_as_error(false)
            // A redirect turns the request into another one.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .build()
            .into();
        Http { agent, way: target.way, url: target.url(), authorization: target.authorization.clone() }
    }

    pub(super) fn attempt(&self, body: &[u8]) -> Outcome {
        let kind = match self.way {
            Way::Otlp => "application/x-protobuf",
            _ => "application/x-thrift",
        };
        let mut request = self.agent.post(&self.url).header(header::CONTENT_TYPE, kind);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let mut answer = match request.send(body) {
            Ok(answer) => answer,
            Err(error) => {
                let error = plain(&error);
                return Outcome::Later(format!("{error} (is a collector running there?)"), None);
            }
        };
        let status = answer.status().as_u16();
        let asked =
            answer.headers().get(header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?));
        // A query port answers anything with its page.
        let page = answer
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        // What does not come in time, or is too long, costs the connection and nothing else.
        let text = answer.body_mut().with_config().limit(ANSWER).read_to_vec().unwrap_or_default();
        match status {
            200..=299 if page => {
                Outcome::Never(Loss::Refused, format!("it answers with a page{}", self.hint()))
            }
            200..=299 if self.way == Way::Otlp => partial(&text),
            200..=299 => Outcome::Taken(0, String::new()),
            429 | 502 | 503 | 504 => Outcome::Later(format!("it answers {status}"), asked),
            _ => Outcome::Never(Loss::Refused, self.refused(status, &text)),
        }
    }

    /// What the address should be.
    fn hint(&self) -> &'static str {
        match self.way {
            Way::Otlp => " (is this OTLP over HTTP? Usually it is http://HOST:4318/v1/traces)",
            _ => " (is this Thrift over HTTP? Usually it is http://HOST:14268/api/traces)",
        }
    }

    /// A final answer, with its reason and what to do.
    fn refused(&self, status: u16, text: &[u8]) -> String {
        let told = match Status::decode(text) {
            Ok(told) if self.way == Way::Otlp && !told.message.is_empty() => told.message,
            _ => String::from_utf8_lossy(text).into_owned(),
        };
        let line = first_line(&told);
        let hint = match status {
            401 | 403 => " (name and password go into the address: http://NAME:PASSWORD@HOST)",
            301..=308 | 404 | 405 | 415 => self.hint(),
            _ => "",
        };
        format!("it answers {status} {line:?}{hint}")
    }
}

/// Why there was no answer. The library's text for an address has the address in it, which may have secrets.
fn plain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::BadUri(_) => "the address is not understood".to_owned(),
        other => other.to_string(),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}

/// The answer to a request that was taken, but maybe not all of its spans. Whatever is not understood means that they were.
fn partial(answer: &[u8]) -> Outcome {
    let told = ExportTraceServiceResponse::decode(answer).unwrap_or_default().partial_success;
    let told = told.unwrap_or_default();
    let rejected = u64::try_from(told.rejected_spans).unwrap_or(0);
    Outcome::Taken(rejected, format!("it refuses some of them: {:?}", first_line(&told.error_message)))
}

/// The header's value: seconds, or a date.
fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = time::OffsetDateTime::parse(value, &time::format_description::well_known::Rfc2822).ok()?;
    Some(SystemTime::from(date).duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::GIVE_UP;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO), "it is past");
        assert!(retry_after("Wed, 21 Oct 2995 07:28:00 GMT").is_some_and(|wait| wait > GIVE_UP));
        assert_eq!(retry_after("soon"), None);
    }
}
