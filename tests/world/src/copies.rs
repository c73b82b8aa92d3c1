//! Copies of the crates in one workspace, as published or with the attribute put in.
//!
//! Both kinds have the same manifests, with the same added dependency, so that the attribute is the only difference. A file is written only if that changes it, so that cargo builds again
//! only what differs from the last run.

use crate::catalogue::Crate;
use crate::rewrite::{self, Function, Insertions, Skip, Target};
use anyhow::{Context as _, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Not sources, or of another workspace.
const LEFT: [&str; 5] = [".cargo-ok", "Cargo.toml.orig", ".cargo_vcs_info.json", "Cargo.lock", "target"];

/// A workspace of copies, in a folder of its own kind below its root: cargo names what it builds by the path from there, and all kinds are built in one place, so that what they depend on
/// is built once.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) kind: &'static str,
}

impl Workspace {
    /// Lays the manifests and all files; those under `src` are [`Sources::write`]'s from then on.
    pub(crate) fn lay(
        world: &Path,
        kind: &'static str,
        crates: &[Crate],
        lock: &Path,
        recorder: &Path,
    ) -> Result<Self> {
        let root = world.join(kind);
        let members: Vec<String> = crates.iter().map(|one| format!("{kind}/{}", one.name)).collect();
        let manifest = format!(
            "[workspace]\nresolver = \"2\"\nmembers = {members:?}\n\n[profile.dev]\ndebug = false\n\n[profile.dev.package.\"*\"]\nopt-level = 1\n"
        );
        write_if_changed(&root.join("Cargo.toml"), manifest.as_bytes())?;
        if lock.exists() {
            write_if_changed(&root.join("Cargo.lock"), &fs::read(lock)?)?;
        }
        for one in crates {
            let to = root.join(kind).join(&one.name);
            for file in files(&one.sources)? {
                // Laid once, so that cargo finds a target in every member.
                if is_annotatable(&file) && to.join(&file).exists() {
                    continue;
                }
                let mut bytes = fs::read(one.sources.join(&file))?;
                if file == Path::new("Cargo.toml") {
                    for (from, to) in &one.edits {
                        bytes = String::from_utf8(bytes)?.replace(from, to).into_bytes();
                    }
                    let dependency = format!(
                        "\n\n[dependencies.jaeger-runtime]\npackage = \"world-recorder\"\npath = {recorder:?}\n"
                    );
                    bytes.extend(dependency.bytes());
                }
                write_if_changed(&to.join(&file), &bytes)?;
            }
        }
        Ok(Self { root, kind })
    }

    /// Where the copy of a crate, or a file named from there, stands.
    pub(crate) fn member(&self, name: &str) -> PathBuf {
        self.root.join(self.kind).join(name)
    }
}

fn is_annotatable(file: &Path) -> bool {
    file.starts_with("src") && file.extension().is_some_and(|extension| extension == "rs")
}

/// All files below, by their paths from there.
fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![];
    let mut todo = vec![PathBuf::new()];
    while let Some(directory) = todo.pop() {
        let entries = fs::read_dir(root.join(&directory))
            .with_context(|| root.join(&directory).display().to_string())?;
        for entry in entries {
            let entry = entry?;
            if LEFT.iter().any(|left| entry.file_name() == *left) {
                continue;
            }
            let path = directory.join(entry.file_name());
            if entry.file_type()?.is_dir() { todo.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, bytes).with_context(|| path.display().to_string())
}

/// A crate's Rust files, read once.
pub(crate) struct Sources {
    /// By path from the folder of the copies: `hyper/src/lib.rs`.
    files: BTreeMap<String, File>,
    pub(crate) skipped: BTreeMap<Skip, usize>,
    /// Files that do not parse, and why.
    pub(crate) unread: Vec<String>,
}

struct File {
    text: String,
    functions: Vec<Function>,
}

/// Which function: its file, and its place in that.
pub(crate) type Id = (String, usize);

impl Sources {
    pub(crate) fn read(one: &Crate, target: Target) -> Result<Self> {
        let mut sources = Self { files: BTreeMap::new(), skipped: BTreeMap::new(), unread: vec![] };
        for file in files(&one.sources)?.into_iter().filter(|file| is_annotatable(file)) {
            let text = fs::read_to_string(one.sources.join(&file))?;
            let name = format!("{}/{}", one.name, file.display());
            let functions = match rewrite::scan(&text, target) {
                Ok(scan) => {
                    scan.skipped
                        .into_iter()
                        .for_each(|(why, n)| *sources.skipped.entry(why).or_default() += n);
                    scan.functions
                }
                Err(error) => {
                    sources.unread.push(format!("{name}: {error}"));
                    vec![]
                }
            };
            sources.files.insert(name, File { text, functions });
        }
        Ok(sources)
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = (Id, &Function)> {
        let of = |(name, file): (&'_ String, &'_ File)| (name.clone(), file.functions.len());
        let ids: Vec<_> = self.files.iter().map(of).collect();
        ids.into_iter().flat_map(move |(name, count)| {
            let functions = &self.files[&name].functions;
            (0..count).map(move |i| ((name.clone(), i), &functions[i]))
        })
    }

    /// Writes the files, with what `put` says put in front of each function.
    pub(crate) fn write<'a>(
        &self,
        workspace: &Workspace,
        put: impl Fn(&Id, &Function) -> Vec<(usize, &'a str)>,
    ) -> Result<Written> {
        let mut written = Written::default();
        for (name, file) in &self.files {
            let texts = file.functions.iter().enumerate();
            let texts = texts.flat_map(|(i, function)| put(&(name.clone(), i), function)).collect();
            let (text, insertions) = rewrite::insert(&file.text, texts);
            write_if_changed(&workspace.member(name), text.as_bytes())?;
            written.0.insert(name.clone(), insertions);
        }
        Ok(written)
    }

    /// The innermost function around a place of the written files, of those that `wanted` accepts.
    pub(crate) fn around(
        &self,
        written: &Written,
        file: &str,
        byte: usize,
        wanted: impl Fn(&Id) -> bool,
    ) -> Option<Id> {
        let byte = written.0.get(file)?.back(byte);
        let functions = self.files.get(file)?.functions.iter().enumerate();
        let around = functions.filter(|(_, function)| function.range.contains(&byte));
        let ids = around
            .map(|(i, function)| ((file.to_owned(), i), function.range.len()))
            .filter(|(id, _)| wanted(id));
        ids.min_by_key(|(_, length)| *length).map(|(id, _)| id)
    }

    /// `hyper/src/body.rs:12 poll_frame`.
    pub(crate) fn describe(&self, id: &Id) -> String {
        let function = &self.files[&id.0].functions[id.1];
        let mut text = String::new();
        let _ = write!(text, "{}:{} {}", id.0, function.line, function.name);
        text
    }
}

/// Where text was put in, by file.
#[derive(Default)]
pub(crate) struct Written(BTreeMap<String, Insertions>);

/// Functions that are to be left as they are.
pub(crate) type Off = BTreeSet<Id>;
