//! The tracer's settings, and what the `JAEGER_…` variables say of them.
//!
//! Every field is optional, so that the builder can lay code over environment over defaults. The variables mean what they mean to Jaeger's other clients, and an empty one is as good as
//! unset; two differ: trace ids have 128 bits unless `JAEGER_TRACEID_128BIT` says false (Go's default of 64 is from the time before Jaeger could store more, and 64 bits are too few to be
//! unique over months of traffic), and `JAEGER_SAMPLER_TYPE=remote` is an error for now, also not the default. A bad value is an error that names the variable, the value and what is
//! expected. `JAEGER_ENDPOINT` and what goes with it would send the spans where this crate cannot: unless code says where they go, that is an error too, because whoever set it would look for
//! their spans there in vain. Other `JAEGER_` variables that are not read here are ignored, because other clients on the machine may need them. The environment is read through a function that tests replace;
//! it is never written.

mod duration;
mod parse;

use crate::error::Error;
use crate::sampler::Sampler;
use std::ffi::OsString;
use std::time::Duration;

/// Where an agent is when nobody says otherwise. Not `localhost`, which may turn out to be `::1`, where most agents do not listen.
const DEFAULT_AGENT_HOST: &str = "127.0.0.1";
/// The agent's port for Thrift compact.
const DEFAULT_AGENT_PORT: u16 = 6831;

/// How often to flush, at the most and at the least. Spans that wait for a day are lost to whoever looks for them.
pub(crate) const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);
pub(crate) const LONGEST_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// Variables that ask for another way to the backend than there is, and whether their values are secrets.
const ELSEWHERE: [(&str, bool); 4] = [
    ("JAEGER_ENDPOINT", false),
    ("JAEGER_AUTH_TOKEN", true),
    ("JAEGER_USER", false),
    ("JAEGER_PASSWORD", true),
];

/// What was set, by code or by the environment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Settings {
    pub(crate) service_name: Option<String>,
    pub(crate) disabled: Option<bool>,
    pub(crate) agent_host: Option<String>,
    pub(crate) agent_port: Option<u16>,
    pub(crate) sampler: Option<Sampler>,
    /// Tags of the process.
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) log_spans: Option<bool>,
    pub(crate) flush_interval: Option<Duration>,
    pub(crate) trace_id_128bit: Option<bool>,
    /// A variable that asks for another way to the backend than there is, and its value (not if it is a secret).
    pub(crate) elsewhere: Option<(&'static str, String)>,
}

impl Settings {
    /// What the environment of this process says.
    ///
    /// # Errors
    /// A variable has a value that cannot be.
    pub(crate) fn from_env() -> Result<Self, Error> {
        Self::from_lookup(&|name| std::env::var_os(name))
    }

    /// What an environment says: `lookup` gives a variable's value. If `JAEGER_DISABLED` is true, no other variable can be in the way of that.
    pub(crate) fn from_lookup(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let env = Env { lookup };
        let disabled = env.get("JAEGER_DISABLED", parse::boolean)?;
        match Self::enabled(&env) {
            Err(_) if disabled == Some(true) => Ok(Self { disabled, ..Self::default() }),
            rest => Ok(Self { disabled, ..rest? }),
        }
    }

    fn enabled(env: &Env<'_>) -> Result<Self, Error> {
        Ok(Self {
            service_name: env.text("JAEGER_SERVICE_NAME")?,
            disabled: None,
            agent_host: env.get("JAEGER_AGENT_HOST", parse::host)?,
            agent_port: env.get("JAEGER_AGENT_PORT", parse::port)?,
            sampler: env.sampler()?,
            tags: env.get("JAEGER_TAGS", |text| parse::tags(text, env.lookup))?.unwrap_or_default(),
            log_spans: env.get("JAEGER_REPORTER_LOG_SPANS", parse::boolean)?,
            flush_interval: env.get("JAEGER_REPORTER_FLUSH_INTERVAL", parse::interval)?,
            trace_id_128bit: env.get("JAEGER_TRACEID_128BIT", parse::boolean)?,
            elsewhere: env.elsewhere()?,
        })
    }

    /// These settings, and `weaker` where these say nothing. Tags are all kept, the weaker first, but of two with the same key ours.
    pub(crate) fn or(self, weaker: Self) -> Self {
        let mut tags = weaker.tags;
        tags.retain(|(key, _)| self.tags.iter().all(|(own, _)| own != key));
        tags.extend(self.tags);
        Self {
            service_name: self.service_name.or(weaker.service_name),
            disabled: self.disabled.or(weaker.disabled),
            agent_host: self.agent_host.or(weaker.agent_host),
            agent_port: self.agent_port.or(weaker.agent_port),
            sampler: self.sampler.or(weaker.sampler),
            tags,
            log_spans: self.log_spans.or(weaker.log_spans),
            flush_interval: self.flush_interval.or(weaker.flush_interval),
            trace_id_128bit: self.trace_id_128bit.or(weaker.trace_id_128bit),
            elsewhere: self.elsewhere.or(weaker.elsewhere),
        }
    }

    /// The agent as `host:port`, from the defaults where nothing was set.
    pub(crate) fn agent_address(&self) -> String {
        let host = self.agent_host.as_deref().unwrap_or(DEFAULT_AGENT_HOST);
        let port = self.agent_port.unwrap_or(DEFAULT_AGENT_PORT);
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// What a value may be and what to do, if it is something else.
type Wrong = (&'static str, &'static str);

/// An environment, with the rules that hold for all variables.
struct Env<'a> {
    lookup: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Env<'_> {
    /// The variable without space around it; `None` if it is unset or empty.
    fn text(&self, variable: &'static str) -> Result<Option<String>, Error> {
        let Some(value) = (self.lookup)(variable) else { return Ok(None) };
        match value.into_string() {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Err(raw) => Err(Error::variable(
                variable,
                &raw.to_string_lossy(),
                "text in UTF-8",
                "look for bytes in it that are no text",
            )),
        }
    }

    /// The variable's value as something else than text.
    fn get<T>(
        &self,
        variable: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Result<Option<T>, Error> {
        let Some(text) = self.text(variable)? else { return Ok(None) };
        match parse(&text) {
            Ok(value) => Ok(Some(value)),
            Err((expected, advice)) => Err(Error::variable(variable, &text, expected, advice)),
        }
    }

    /// The first of the variables that send spans where this crate cannot.
    fn elsewhere(&self) -> Result<Option<(&'static str, String)>, Error> {
        for (variable, secret) in ELSEWHERE {
            if let Some(value) = self.text(variable)? {
                return Ok(Some((variable, if secret { "[redacted]".into() } else { value })));
            }
        }
        Ok(None)
    }

    /// `JAEGER_SAMPLER_TYPE` and `JAEGER_SAMPLER_PARAM`, which mean something only together. Nothing is guessed: what the other clients take for a missing number differs between them.
    fn sampler(&self) -> Result<Option<Sampler>, Error> {
        const TYPE: &str = "JAEGER_SAMPLER_TYPE";
        const PARAM: &str = "JAEGER_SAMPLER_PARAM";
        const TYPES: &str = "const, probabilistic or ratelimiting";
        let (kind, param) = (self.text(TYPE)?, self.text(PARAM)?);
        let (kind, param) = match (kind, param) {
            (None, None) => return Ok(None),
            (None, Some(param)) => {
                let expected = "JAEGER_SAMPLER_TYPE beside it";
                let advice = "set that to const, probabilistic or ratelimiting, or unset this one";
                return Err(Error::variable(PARAM, &param, expected, advice));
            }
            (Some(kind), param) => (kind, param),
        };
        let make: fn(f64) -> Result<Sampler, Wrong> = match kind.to_ascii_lowercase().as_str() {
            "const" => |n| match n {
                1.0 => Ok(Sampler::Const(true)),
                0.0 => Ok(Sampler::Const(false)),
                _ => Err((
                    "1 or 0",
                    "1 keeps all traces and 0 none; a share of them is the type probabilistic",
                )),
            },
            "probabilistic" => |p| Ok(Sampler::Probabilistic(p)),
            "ratelimiting" => |n| Ok(Sampler::RateLimiting(n)),
            "remote" => {
                let advice = "samplers that ask the agent are not supported yet; choose one of these";
                return Err(Error::variable(TYPE, &kind, TYPES, advice));
            }
            _ => return Err(Error::variable(TYPE, &kind, TYPES, "choose one of these")),
        };
        let Some(param) = param else {
            let advice =
                "set that: 1 or 0 for const, a share for probabilistic, traces a second for ratelimiting";
            return Err(Error::variable(TYPE, &kind, "JAEGER_SAMPLER_PARAM beside it", advice));
        };
        let number = param.parse().map_err(|_| ("a number", "write it with a decimal point, such as 0.01"));
        let sampler = number.and_then(make).and_then(|sampler| sampler.check().map(|()| sampler));
        match sampler {
            Ok(sampler) => Ok(Some(sampler)),
            Err((expected, advice)) => Err(Error::variable(PARAM, &param, expected, advice)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, Error> {
        Settings::from_lookup(&|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }

    /// The message of a bad variable, which must begin with its name and show its value.
    fn refused(variables: &[(&str, &str)], variable: &str, value: &str) -> String {
        let message = read(variables).unwrap_err().to_string();
        let start = format!("{variable} is {value:?}, expected ");
        assert!(message.starts_with(&start), "{message:?} does not start with {start:?}");
        message
    }

    #[test]
    fn an_empty_environment_sets_nothing() {
        assert_eq!(read(&[]).unwrap(), Settings::default());
        let empty =
            ["SERVICE_NAME", "AGENT_HOST", "AGENT_PORT", "SAMPLER_TYPE", "SAMPLER_PARAM", "TAGS", "DISABLED"];
        let empty: Vec<_> = empty.iter().map(|name| (format!("JAEGER_{name}"), " ")).collect();
        let empty: Vec<_> = empty.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(read(&empty).unwrap(), Settings::default());
    }

    #[test]
    fn every_variable_has_its_effect_and_unknown_ones_none() {
        let settings = read(&[
            ("JAEGER_SERVICE_NAME", "shop"),
            ("JAEGER_DISABLED", "false"),
            ("JAEGER_AGENT_HOST", "agent.local"),
            ("JAEGER_AGENT_PORT", "16831"),
            ("JAEGER_SAMPLER_TYPE", "Probabilistic"),
            ("JAEGER_SAMPLER_PARAM", "0.25"),
            ("JAEGER_TAGS", "zone=b, build = 7"),
            ("JAEGER_REPORTER_LOG_SPANS", "T"),
            ("JAEGER_REPORTER_FLUSH_INTERVAL", "1m30s"),
            ("JAEGER_TRACEID_128BIT", "0"),
            ("JAEGER_RPC_METRICS", "what?"),
        ]);
        let expected = Settings {
            service_name: Some("shop".into()),
            disabled: Some(false),
            agent_host: Some("agent.local".into()),
            agent_port: Some(16831),
            sampler: Some(Sampler::Probabilistic(0.25)),
            tags: vec![("zone".into(), "b".into()), ("build".into(), "7".into())],
            log_spans: Some(true),
            flush_interval: Some(Duration::from_secs(90)),
            trace_id_128bit: Some(false),
            elsewhere: None,
        };
        assert_eq!(settings.unwrap(), expected);
    }

    #[test]
    fn samplers_by_type_and_param() {
        let sampler = |kind, param| {
            read(&[("JAEGER_SAMPLER_TYPE", kind), ("JAEGER_SAMPLER_PARAM", param)]).unwrap().sampler.unwrap()
        };
        assert_eq!(sampler("const", "1"), Sampler::Const(true));
        assert_eq!(sampler("const", "0.0"), Sampler::Const(false));
        assert_eq!(sampler("ratelimiting", "2.5"), Sampler::RateLimiting(2.5));
        assert_eq!(sampler("probabilistic", "1e-3"), Sampler::Probabilistic(0.001));
    }

    #[test]
    fn a_sampler_that_cannot_be_is_refused_with_the_variable_at_fault() {
        let sampler = |kind, param| [("JAEGER_SAMPLER_TYPE", kind), ("JAEGER_SAMPLER_PARAM", param)];
        let remote = refused(&sampler("remote", "0.1"), "JAEGER_SAMPLER_TYPE", "remote");
        assert!(remote.contains("not supported yet") && remote.contains("probabilistic"), "{remote}");
        refused(&sampler("adaptive", "1"), "JAEGER_SAMPLER_TYPE", "adaptive");
        refused(&sampler("const", "0.5"), "JAEGER_SAMPLER_PARAM", "0.5");
        refused(&sampler("probabilistic", "1.5"), "JAEGER_SAMPLER_PARAM", "1.5");
        refused(&sampler("probabilistic", "NaN"), "JAEGER_SAMPLER_PARAM", "NaN");
        refused(&sampler("probabilistic", "1,5"), "JAEGER_SAMPLER_PARAM", "1,5");
        refused(&sampler("ratelimiting", "-1"), "JAEGER_SAMPLER_PARAM", "-1");
        refused(&sampler("ratelimiting", "inf"), "JAEGER_SAMPLER_PARAM", "inf");
        // One without the other.
        let lone = refused(&[("JAEGER_SAMPLER_PARAM", "x")], "JAEGER_SAMPLER_PARAM", "x");
        assert!(lone.contains("JAEGER_SAMPLER_TYPE") && lone.contains("ratelimiting"), "{lone}");
        let lone = refused(&[("JAEGER_SAMPLER_TYPE", "const")], "JAEGER_SAMPLER_TYPE", "const");
        assert!(lone.contains("JAEGER_SAMPLER_PARAM") && lone.contains("1 or 0"), "{lone}");
    }

    #[test]
    fn a_bad_value_is_named_with_what_is_expected() {
        for (variable, value, part) in [
            ("JAEGER_DISABLED", "yes", "true or false"),
            ("JAEGER_REPORTER_LOG_SPANS", "2", "true or false"),
            ("JAEGER_TRACEID_128BIT", "tRUE", "true or false"),
            ("JAEGER_AGENT_PORT", "0", "1 to 65535"),
            ("JAEGER_AGENT_PORT", "+1", "1 to 65535"),
            ("JAEGER_AGENT_PORT", "65536", "1 to 65535"),
            ("JAEGER_AGENT_HOST", "agent:6831", "JAEGER_AGENT_PORT"),
            ("JAEGER_AGENT_HOST", "http://agent", "host name"),
            ("JAEGER_TAGS", "zone", "key=value"),
            ("JAEGER_REPORTER_FLUSH_INTERVAL", "5", "unit"),
            ("JAEGER_REPORTER_FLUSH_INTERVAL", "-5s", "at least 1ms"),
            ("JAEGER_REPORTER_FLUSH_INTERVAL", "0", "at least 1ms"),
            ("JAEGER_REPORTER_FLUSH_INTERVAL", "999us", "at least 1ms"),
            ("JAEGER_REPORTER_FLUSH_INTERVAL", "24h1ns", "at most 24h"),
            ("JAEGER_REPORTER_FLUSH_INTERVAL", "999999h", "at most 24h"),
            ("JAEGER_REPORTER_FLUSH_INTERVAL", "9999999999h", "at most 24h"),
        ] {
            let message = refused(&[(variable, value)], variable, value);
            assert!(message.contains(part), "{message:?} does not speak of {part:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_refused() {
        use std::os::unix::ffi::OsStringExt;
        let lookup =
            |name: &str| (name == "JAEGER_SERVICE_NAME").then(|| OsString::from_vec(vec![b'a', 0xff]));
        let message = Settings::from_lookup(&lookup).unwrap_err().to_string();
        assert!(
            message.starts_with("JAEGER_SERVICE_NAME is \"a\u{fffd}\", expected text in UTF-8"),
            "{message}"
        );
    }

    #[test]
    fn nothing_stands_in_the_way_of_disabling() {
        let settings = read(&[("JAEGER_DISABLED", "true"), ("JAEGER_SAMPLER_TYPE", "remote")]).unwrap();
        assert_eq!(settings, Settings { disabled: Some(true), ..Settings::default() });
        let settings = read(&[("JAEGER_DISABLED", "1"), ("JAEGER_SERVICE_NAME", "shop")]).unwrap();
        assert_eq!(settings.service_name.as_deref(), Some("shop"), "what is good is still read");
    }

    #[test]
    fn the_stronger_settings_win_field_by_field_and_tag_by_tag() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let code = Settings {
            service_name: Some("code".into()),
            log_spans: Some(false),
            tags: vec![pair("zone", "code"), pair("only", "code")],
            ..Settings::default()
        };
        let env = Settings {
            service_name: Some("env".into()),
            sampler: Some(Sampler::Const(false)),
            log_spans: Some(true),
            agent_port: Some(1),
            tags: vec![pair("build", "env"), pair("zone", "env")],
            ..Settings::default()
        };
        let both = code.clone().or(env.clone());
        assert_eq!((both.service_name.as_deref(), both.log_spans), (Some("code"), Some(false)));
        assert_eq!((both.sampler.clone(), both.agent_port), (Some(Sampler::Const(false)), Some(1)));
        assert_eq!(both.tags, [pair("build", "env"), pair("zone", "code"), pair("only", "code")]);
        let both = env.or(code);
        assert_eq!((both.service_name.as_deref(), both.log_spans), (Some("env"), Some(true)));
        assert_eq!(both.tags, [pair("only", "code"), pair("build", "env"), pair("zone", "env")]);
    }

    #[test]
    fn the_agents_address_from_host_port_and_defaults() {
        assert_eq!(Settings::default().agent_address(), "127.0.0.1:6831");
        assert_eq!(read(&[("JAEGER_AGENT_PORT", "5775")]).unwrap().agent_address(), "127.0.0.1:5775");
        assert_eq!(read(&[("JAEGER_AGENT_HOST", "jaeger")]).unwrap().agent_address(), "jaeger:6831");
        for host in ["::1", "[::1]"] {
            assert_eq!(read(&[("JAEGER_AGENT_HOST", host)]).unwrap().agent_address(), "[::1]:6831");
        }
    }
}
