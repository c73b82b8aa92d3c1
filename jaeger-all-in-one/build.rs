//! Puts the files of `page/` into the program: each as it is and, where that is smaller, compressed; with a version that
//! changes when any of them does. Cargo runs this again when a file of the page changes.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Kinds of files that browsers are given; others (package.json, which only Node reads) stay out.
const KINDS: [(&str, &str); 4] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("svg", "image/svg+xml"),
];

fn main() {
    let page = Path::new(&env("CARGO_MANIFEST_DIR")).join("page");
    let out = PathBuf::from(env("OUT_DIR"));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", page.display());

    let mut files = Vec::new();
    collect(&page, &page, &mut files);
    files.sort();
    let mut version = Fnv::new();
    for (path, bytes, _) in &files {
        version.write(path.as_bytes());
        version.write(bytes);
    }
    let version = format!("{:016x}", version.0);

    let mut table =
        format!("pub(super) const VERSION: &str = {version:?};\n\npub(super) static FILES: &[File] = &[\n");
    for (number, (path, bytes, kind)) in files.iter().enumerate() {
        let bytes = if path == "index.html" { index(bytes, &version, &files) } else { bytes.clone() };
        let plain = out.join(format!("page-{number}"));
        write(&plain, &bytes);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let packed = encoder.write_all(&bytes).and_then(|()| encoder.finish()).unwrap_or_default();
        let gzip = if !packed.is_empty() && packed.len() < bytes.len() {
            let gzip = out.join(format!("page-{number}.gz"));
            write(&gzip, &packed);
            format!("Some(include_bytes!({gzip:?}))")
        } else {
            "None".to_owned()
        };
        table.push_str(&format!(
            "    File {{ path: {path:?}, kind: {kind:?}, bytes: include_bytes!({plain:?}), gzip: {gzip} }},\n"
        ));
    }
    table.push_str("];\n");
    write(&out.join("page.rs"), table.as_bytes());
}

/// The page's text, with the version in every address, so that browsers may keep the files for ever, and with what the
/// first view needs named at once instead of one import after the other.
fn index(bytes: &[u8], version: &str, files: &[(String, Vec<u8>, &str)]) -> Vec<u8> {
    let first = |path: &&(String, Vec<u8>, &str)| {
        path.0.starts_with("js/lib/")
            || path.0.starts_with("js/model/trace")
            || path.0.starts_with("js/model/packed")
            || path.0 == "js/views/search.js"
    };
    let preload: String = files
        .iter()
        .filter(first)
        .map(|(path, ..)| format!("    <link rel=\"modulepreload\" href=\"/static/{path}\" />\n"))
        .collect();
    let text = String::from_utf8(bytes.to_vec()).expect("index.html is UTF-8");
    assert!(text.contains("  </head>"), "index.html has a line `  </head>`");
    text.replace("  </head>", &format!("{preload}  </head>"))
        .replace("/static/", &format!("/static/{version}/"))
        .into_bytes()
}

fn collect(top: &Path, directory: &Path, files: &mut Vec<(String, Vec<u8>, &'static str)>) {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    for entry in entries {
        let path = entry.expect("a directory entry can be read").path();
        if path.is_dir() {
            collect(top, &path, files);
            continue;
        }
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == extension) else { continue };
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path
            .strip_prefix(top)
            .expect("it lies below")
            .to_str()
            .expect("the page's file names are UTF-8")
            .replace('\\', "/");
        files.push((name, bytes, kind));
    }
}

fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|error| panic!("Cargo sets {name}: {error}"))
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// FNV-1a, 64 bits: enough to tell versions apart; nothing here is secret.
struct Fnv(u64);

impl Fnv {
    fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
