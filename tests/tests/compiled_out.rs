//! Without the feature `annotations`, `#[traced]` leaves every function as it was written: the assembly of an optimised crate is the same to the byte with the attribute and without it.
//!
//! Apart from the hashes in the names of symbols: rustc numbers the `impl` blocks of a crate, those that come out of a macro last, and hashes the number.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = include_str!("compiled_out/source.rs");

/// Builds the package with this source; the assembly.
fn assembly(package: &Path, target: &Path, source: &str) -> String {
    fs::write(package.join("src/lib.rs"), source).expect("the package was made just now");
    let emitted = package.join("out.s");
    let output = Command::new(env!("CARGO"))
        .current_dir(package)
        .args(["rustc", "--release", "--offline", "--quiet", "--lib", "--target-dir"])
        .arg(target)
        .args(["--", "-Ccodegen-units=1", "--emit"])
        .arg(format!("asm={}", emitted.display()))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    without_hashes(&fs::read_to_string(emitted).expect("rustc was told to write it"))
}

/// `…17h0123456789abcdefE` at the end of a symbol, and the hash in the names of constants.
fn without_hashes(assembly: &str) -> String {
    let mut clean = String::with_capacity(assembly.len());
    let mut rest = assembly;
    while let Some(at) = ["17h", ".Lanon."].iter().filter_map(|mark| rest.find(mark)).min() {
        let mark = if rest[at..].starts_with("17h") { 3 } else { 7 };
        clean.push_str(&rest[..at + mark]);
        rest = rest[at + mark..].trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    clean + rest
}

#[test]
fn an_annotated_function_is_the_plain_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let package = target.join("compiled-out");
    fs::create_dir_all(package.join("src")).expect("the target folder can be written");
    let runtime = root.join("jaeger-runtime").canonicalize().expect("a member of this workspace");
    let manifest = |features: &str| {
        format!(
            "[workspace]\n[package]\nname = \"compiled-out\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
             [dependencies]\njaeger-runtime = {{ path = {runtime:?}, default-features = false, features = [{features}] }}\n"
        )
    };
    fs::write(package.join("Cargo.toml"), manifest("")).expect("the folder is there");
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).expect("the workspace has a lock file");
    // Lines stay where they are, because panics name them.
    let blank = |line: &str| if line.contains("traced") { String::new() } else { line.to_owned() };
    let plain: Vec<String> = SOURCE.lines().map(blank).collect();
    assert!(plain.iter().filter(|line| line.is_empty()).count() > 10, "the source is annotated");
    let plain = assembly(&package, &target, &plain.join("\n"));
    let annotated = assembly(&package, &target, SOURCE);
    assert!(plain.contains("divide") && plain.len() > 5_000, "{} bytes of assembly", plain.len());
    assert!(plain == annotated, "the attribute changes the code although it is compiled out");
    // And it is this feature that does it.
    fs::write(package.join("Cargo.toml"), manifest("\"annotations\"")).expect("the folder is there");
    let recording = assembly(&package, &target, SOURCE);
    assert!(recording.contains("jaeger_runtime") && recording.len() > annotated.len());
}
