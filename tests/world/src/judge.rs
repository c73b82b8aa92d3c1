//! One crate: both copies built, linted and tested, and what differs between them.

use crate::argued;
use crate::cargo::{self, Built, Message};
use crate::catalogue::Crate;
use crate::copies::{Id, Off, Sources, Workspace, Written};
use crate::observations;
use crate::programs::{self, Outcomes};
use crate::rewrite::{Skip, Target};
use anyhow::{Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// An attribute that no crate has: the compiler names each live function that carries it.
const PROBE: &str = "#[world_probe] ";
const TRACED: &str = "#[::jaeger_runtime::traced] ";
const OFF: &str = "#[traced(off)] ";
/// Rounds of "build, and take the attribute from what was refused".
const ROUNDS: usize = 12;

/// What all crates share.
pub(crate) struct World {
    pub(crate) plain: Workspace,
    pub(crate) seen: Workspace,
    pub(crate) annotated: Workspace,
    pub(crate) target: PathBuf,
    pub(crate) what: Target,
    pub(crate) run_tests: bool,
    pub(crate) limit: Duration,
    pub(crate) pedantic: BTreeSet<String>,
}

/// A warning, by what identifies it in both copies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Warning {
    pub(crate) code: String,
    pub(crate) place: String,
    pub(crate) text: String,
}

impl Warning {
    /// By lint and item: the words may differ.
    fn key(&self) -> (String, String) {
        (self.code.clone(), self.place.clone())
    }
}

/// A warning that is no fault, and why.
pub(crate) type Argued = (Warning, &'static str);

/// Moves those that `why` has a reason for.
fn argue(found: &mut Vec<Warning>, to: &mut Vec<Argued>, why: impl Fn(&Warning) -> Option<&'static str>) {
    found.retain(|warning| match why(warning) {
        Some(why) => {
            // A file that is part of several programs tells each as often.
            if to.iter().all(|(known, _)| known.key() != warning.key()) {
                to.push((warning.clone(), why));
            }
            false
        }
        None => true,
    });
}

/// Warnings by lint and item, with how often each is told in one build.
#[derive(Default)]
struct Warnings(BTreeMap<(String, String), (usize, Warning)>);

impl Warnings {
    /// Takes another build's in. What both tell is told as often as in the one that tells it most.
    fn extend(&mut self, build: Vec<Warning>) {
        let mut told = BTreeMap::<_, (usize, Warning)>::new();
        for warning in build {
            told.entry(warning.key()).or_insert((0, warning)).0 += 1;
        }
        for (key, (count, warning)) in told {
            let known = self.0.entry(key).or_insert((0, warning));
            known.0 = known.0.max(count);
        }
    }

    /// Those that `other` does not have, or not as often.
    fn without(&self, other: &Warnings) -> impl Iterator<Item = Warning> {
        self.0.iter().flat_map(|(key, (count, warning))| {
            let known = other.0.get(key).map_or(0, |(count, _)| *count);
            std::iter::repeat_n(warning.clone(), count.saturating_sub(known))
        })
    }
}

/// What came of a crate.
#[derive(Default)]
pub(crate) struct Verdict {
    /// Functions that can carry the attribute.
    pub(crate) functions: usize,
    /// Of them those that the compiler sees with these features on this platform.
    pub(crate) compiled: usize,
    /// Function, and the compiler's message.
    pub(crate) refused: Vec<(String, String)>,
    pub(crate) skipped: BTreeMap<Skip, usize>,
    pub(crate) unread: Vec<String>,
    /// Of rustc and clippy's default set.
    pub(crate) new: Vec<Warning>,
    pub(crate) lost: Vec<Warning>,
    /// With the reason why it is no fault.
    pub(crate) argued: Vec<Argued>,
    /// Of clippy's pedantic group.
    pub(crate) new_pedantic: Vec<Warning>,
    pub(crate) lost_pedantic: Vec<Warning>,
    pub(crate) argued_pedantic: Vec<Argued>,
    /// Plain and annotated; absent if the plain copy's tests do not build, or none were asked for.
    pub(crate) tests: Option<(Outcomes, Outcomes)>,
    pub(crate) no_tests: String,
    /// They were asked for, and there is nothing to compare.
    pub(crate) untested: bool,
    /// Observations that differ.
    pub(crate) observed: Vec<String>,
    /// Bytes by which the futures grew, least and most.
    pub(crate) grown: Option<(u64, u64)>,
}

/// What is built, with which command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Clippy on library and programs.
    Lint,
    /// Clippy on their unit tests.
    LintTests,
    /// The test programs.
    Tests,
}

impl World {
    fn command(&self, workspace: &Workspace, one: &Crate, step: Step) -> Command {
        let mut command = cargo::cargo(&workspace.member(&one.name), &self.target);
        match step {
            Step::Lint => command.args(["clippy", "--lib", "--bins"]),
            Step::LintTests => command.args(["clippy", "--lib", "--bins", "--profile", "test"]),
            Step::Tests => command.args(["test", "--no-run", "--lib", "--bins"]),
        };
        command.args(["--message-format", "json"]);
        command.arg("--features").arg(one.features.join(","));
        if step != Step::Tests {
            command.args(["--", "--cap-lints", "warn", "-W", "clippy::pedantic"]);
        }
        command
    }

    fn build(&self, workspace: &Workspace, one: &Crate, step: Step) -> Result<Built> {
        cargo::build(&mut self.command(workspace, one, step), &one.name)
    }

    /// The crate as a whole.
    pub(crate) fn judge(&self, one: &Crate) -> Result<Verdict> {
        let sources = Sources::read(one, self.what)?;
        let mut verdict = Verdict {
            functions: sources.functions().count(),
            skipped: sources.skipped.clone(),
            unread: sources.unread.clone(),
            ..Verdict::default()
        };
        eprintln!("{}: the plain copy", one.name);
        let nowhere = sources.write(&self.plain, |_, _| vec![])?;
        let mut plain = Warnings::default();
        let mut steps = vec![];
        for step in [Step::Lint, Step::LintTests] {
            let built = self.build(&self.plain, one, step)?;
            if !built.succeeded {
                // What was published need not hold all that its tests need; then they are not run, which is told as a fault.
                ensure!(
                    step == Step::LintTests,
                    "the plain copy of {} does not build: {}",
                    one.name,
                    said(&built)
                );
                continue;
            }
            steps.push(step);
            plain.extend(warnings(&built, &sources, &nowhere));
        }
        let plain_tests =
            if self.run_tests { Some(self.build(&self.plain, one, Step::Tests)?) } else { None };

        eprintln!("{}: which functions are compiled", one.name);
        let live = self.live(one, &sources)?;
        verdict.compiled = live.len();

        eprintln!("{}: the annotated copy", one.name);
        let mut off = Off::new();
        let mut annotated = Warnings::default();
        for step in steps {
            let (built, written) = self.until_accepted(one, step, &sources, &live, &mut off, &mut verdict)?;
            annotated.extend(warnings(&built, &sources, &written));
        }
        let lint = |warning: &&Warning| self.pedantic.contains(&warning.code);
        (verdict.new_pedantic, verdict.new) = annotated.without(&plain).partition(|w| lint(&w));
        (verdict.lost_pedantic, verdict.lost) = plain.without(&annotated).partition(|w| lint(&w));
        for (found, to) in [
            (&mut verdict.new, &mut verdict.argued),
            (&mut verdict.new_pedantic, &mut verdict.argued_pedantic),
        ] {
            argue(found, to, |warning| argued::why_new(warning, self.what));
        }
        for (found, to) in [
            (&mut verdict.lost, &mut verdict.argued),
            (&mut verdict.lost_pedantic, &mut verdict.argued_pedantic),
        ] {
            argue(found, to, |warning| argued::why_lost(warning, self.what));
        }

        match plain_tests {
            None => verdict.no_tests = "not asked for".into(),
            Some(built) if !built.succeeded => {
                verdict.no_tests = format!("the plain copy's do not build: {}", said(&built));
                verdict.untested = true;
            }
            Some(plain_built) => {
                let (built, _) =
                    self.until_accepted(one, Step::Tests, &sources, &live, &mut off, &mut verdict)?;
                eprintln!("{}: its tests, plain and recorded", one.name);
                let run = |built, workspace: &Workspace, record| {
                    programs::run(built, &workspace.member(&one.name), &one.left_out, record, self.limit)
                };
                let plain = run(&plain_built, &self.plain, None)?;
                let counts = self.target.join("recorded");
                let recorded = run(&built, &self.annotated, Some(&counts))?;
                verdict.tests = Some((plain, recorded));
            }
        }
        if one.observed
            && let Err(error) = self.observe(one, &mut verdict)
        {
            verdict.observed.push(format!("{error:#}"));
        }
        Ok(verdict)
    }

    /// Runs the crate's program, plain, annotated, and annotated with a tracer, and compares what they print.
    fn observe(&self, one: &Crate, verdict: &mut Verdict) -> Result<()> {
        let lines = |workspace: &Workspace, record: bool| -> Result<Vec<String>> {
            let mut command = cargo::cargo(&workspace.member(&one.name), &self.target);
            command.args(["run", "--quiet"]);
            let counts = self.target.join("observed");
            if record {
                std::fs::create_dir_all(&counts)?;
                command.env("WORLD_RECORD", &counts);
            }
            let output = command.output()?;
            let errors = String::from_utf8_lossy(&output.stderr);
            // Its warnings are compared elsewhere.
            let errors = errors.find("\nerror").map_or(&*errors, |at| &errors[at..]);
            ensure!(
                output.status.success(),
                "the program of {} ended with {}: {errors}",
                one.name,
                output.status
            );
            // Places are told by the file, which stands in a folder of its kind.
            let here = format!("{}/{}/", workspace.kind, one.name);
            let text = String::from_utf8_lossy(&output.stdout).replace(&here, "");
            Ok(text.lines().map(str::to_owned).collect())
        };
        let plain = lines(&self.plain, false)?;
        for record in [false, true] {
            let found = observations::compare(&plain, &lines(&self.annotated, record)?);
            let how = if record { "recorded" } else { "no tracer" };
            verdict.observed.extend(found.differences.into_iter().map(|line| format!("{how}: {line}")));
            verdict.grown = found.grown;
        }
        Ok(())
    }

    /// The functions that the compiler sees: it cannot find the probe, and says so at each.
    fn live(&self, one: &Crate, sources: &Sources) -> Result<BTreeSet<Id>> {
        let mut live = BTreeSet::new();
        for profile in ["dev", "test"] {
            // Programs are not looked at before the library is free of errors, so what was seen in it loses the probe.
            loop {
                let written = sources.write(&self.seen, |id, function| match live.contains(id) {
                    true => vec![],
                    false => vec![(function.at, PROBE)],
                })?;
                let mut command = cargo::cargo(&self.seen.member(&one.name), &self.target);
                command.args(["check", "--lib", "--bins", "--message-format", "json"]);
                command.args(["--profile", profile, "--features", &one.features.join(",")]);
                let built = cargo::build(&mut command, &one.name)?;
                let before = live.len();
                for message in built.errors().filter(|message| message.text.contains("world_probe")) {
                    let place = &message.places[0];
                    live.extend(sources.around(&written, &place.file, place.byte, |_| true));
                }
                if built.succeeded || live.len() == before || !one.has_programs() {
                    break;
                }
            }
        }
        if live.is_empty() && sources.functions().next().is_some() {
            bail!("{}: the compiler saw none of its functions", one.name);
        }
        Ok(live)
    }

    fn annotate(&self, sources: &Sources, off: &Off) -> Result<Written> {
        sources.write(&self.annotated, |id, function| match function.block {
            Some(block) if self.what == Target::Blocks => {
                let mut texts = vec![(block, TRACED)];
                if off.contains(id) {
                    texts.push((function.at, OFF));
                }
                texts
            }
            _ if off.contains(id) => vec![],
            _ => vec![(function.at, TRACED)],
        })
    }

    /// Builds, and as long as functions are refused takes the attribute from them.
    fn until_accepted(
        &self,
        one: &Crate,
        step: Step,
        sources: &Sources,
        live: &BTreeSet<Id>,
        off: &mut Off,
        verdict: &mut Verdict,
    ) -> Result<(Built, Written)> {
        for _ in 0..ROUNDS {
            let written = self.annotate(sources, off)?;
            let built = self.build(&self.annotated, one, step)?;
            if built.succeeded {
                return Ok((built, written));
            }
            let before = off.len();
            for message in built.errors() {
                if let Some(id) = culprit(message, sources, &written, live, off) {
                    verdict.refused.push((sources.describe(&id), reason(message)));
                    off.insert(id);
                }
            }
            if off.len() == before {
                bail!("{}: an error that belongs to no annotated function: {}", one.name, said(&built));
            }
        }
        bail!("{}: still refused after {ROUNDS} rounds", one.name)
    }
}

/// The function that an error is about: the innermost annotated one around the first place that has any.
fn culprit(
    message: &Message,
    sources: &Sources,
    written: &Written,
    live: &BTreeSet<Id>,
    off: &Off,
) -> Option<Id> {
    let wanted = |id: &Id| live.contains(id) && !off.contains(id);
    message.places.iter().find_map(|place| sources.around(written, &place.file, place.byte, wanted))
}

/// The compiler's message, indented.
fn reason(message: &Message) -> String {
    message.rendered.trim_end().replace('\n', "\n        ")
}

/// Warnings of the build, by their place in the published file. Those of no place only count the others.
fn warnings(built: &Built, sources: &Sources, written: &Written) -> Vec<Warning> {
    let mut found = vec![];
    for message in built.messages.iter().filter(|message| !message.is_error) {
        let Some(place) = message.places.first() else { continue };
        let function = sources.around(written, &place.file, place.byte, |_| true);
        let item = function.map(|id| sources.describe(&id)).unwrap_or_default();
        let item = item.rsplit(' ').next().unwrap_or_default().to_owned();
        found.push(Warning {
            code: message.code.clone(),
            place: format!("{}:{} {item}", place.file, place.line),
            text: message.text.clone(),
        });
    }
    found
}

/// What a failed build says: its first errors, or cargo's own words.
fn said(built: &Built) -> String {
    let errors: Vec<&str> =
        built.messages.iter().filter(|m| m.is_error).map(|m| m.rendered.trim_end()).collect();
    match errors.is_empty() {
        true => built
            .stderr
            .lines()
            .rev()
            .take(12)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
            .join("\n"),
        false => errors[..errors.len().min(5)].join("\n"),
    }
}
