//! Which crates: what `crates/Cargo.toml` names, fetched by cargo, each with its sources' place, features, and the tests that are left out; and before them our own `equivalence` package, once
//! for each edition.

use crate::cargo;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A published crate.
#[derive(Clone, Debug)]
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) sources: PathBuf,
    pub(crate) features: Vec<String>,
    /// Whether `--quick` takes it.
    pub(crate) quick: bool,
    /// Tests that are run in neither copy, and why.
    pub(crate) left_out: Vec<(String, String)>,
    /// What its manifest says, and what the copy's says instead.
    pub(crate) edits: Vec<(&'static str, String)>,
    /// Whether it has a program that prints what can be observed of it.
    pub(crate) observed: bool,
}

impl Crate {
    /// Whether it has programs beside or instead of a library.
    pub(crate) fn has_programs(&self) -> bool {
        ["src/main.rs", "src/bin"].iter().any(|path| self.sources.join(path).exists())
    }
}

/// Our own package, in each edition.
pub(crate) fn own(sources: &Path) -> Vec<Crate> {
    let of = |edition: &str| Crate {
        name: format!("equivalence-{edition}"),
        version: String::new(),
        sources: sources.into(),
        features: vec![],
        quick: true,
        left_out: vec![],
        edits: vec![
            ("[workspace]\n", String::new()),
            ("name = \"equivalence\"", format!("name = \"equivalence-{edition}\"")),
            ("edition = \"2024\"", format!("edition = \"{edition}\"")),
        ],
        observed: true,
    };
    ["2018", "2021", "2024"].map(of).into()
}

/// Fetches and lists them; the lock file's checksums are cargo's to check.
pub(crate) fn read(manifest: &Path, target: &Path) -> Result<Vec<Crate>> {
    let directory = manifest.parent().context("a manifest stands in a directory")?;
    let metadata = cargo::metadata(cargo::cargo(directory, target).arg("--locked"))?;
    let packages = metadata["packages"].as_array().context("packages")?;
    let root = packages.iter().find(|package| package["source"].is_null()).context("the catalogue itself")?;
    let world = &root["metadata"]["world"];
    let mut crates = vec![];
    for dependency in root["dependencies"].as_array().into_iter().flatten() {
        let name = dependency["name"].as_str().context("a dependency's name")?;
        let version = dependency["req"].as_str().and_then(|req| req.strip_prefix('='));
        let Some(version) = version else { bail!("{name}: pin it, as in \"=1.2.3\"") };
        let package =
            packages.iter().find(|package| package["name"] == name && package["version"] == version);
        let manifest = package.and_then(|package| package["manifest_path"].as_str());
        let manifest = manifest.with_context(|| format!("{name} {version} was not fetched"))?;
        let strings = |value: &Value| -> Vec<String> {
            value
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|word| word.as_str().map(str::to_owned))
                .collect()
        };
        let left_out = world["skip"][name].as_object().into_iter().flatten();
        crates.push(Crate {
            name: name.into(),
            version: version.into(),
            sources: Path::new(manifest).parent().context("a manifest stands in a directory")?.into(),
            features: [&dependency["features"], &world["features"][name]].map(strings).concat(),
            quick: strings(&world["quick"]).iter().any(|quick| quick == name),
            left_out: left_out
                .map(|(test, why)| (test.clone(), why.as_str().unwrap_or_default().into()))
                .collect(),
            edits: vec![],
            observed: false,
        });
    }
    ensure!(!crates.is_empty(), "{} names no crate", manifest.display());
    Ok(crates)
}
