//! Compares what the programs of both copies print, line by line.

/// An annotated async function's future may be so many bytes larger.
const MAY_GROW: u64 = 64;

/// What was found.
pub(crate) struct Found {
    pub(crate) differences: Vec<String>,
    /// Bytes by which futures grew, least and most.
    pub(crate) grown: Option<(u64, u64)>,
}

/// `size NAME BYTES` may grow by 64, every other line has to be the same.
pub(crate) fn compare(plain: &[String], other: &[String]) -> Found {
    let mut found = Found { differences: vec![], grown: None };
    if plain.len() != other.len() {
        found.differences.push(format!("{} lines instead of {}", other.len(), plain.len()));
    }
    for (before, after) in plain.iter().zip(other) {
        match (size(before), size(after)) {
            (Some((name, old)), Some((other, new))) if name == other => {
                let grown = new.saturating_sub(old);
                let (least, most) = found.grown.unwrap_or((grown, grown));
                found.grown = Some((least.min(grown), most.max(grown)));
                if grown > MAY_GROW {
                    found
                        .differences
                        .push(format!("{name}: {old} → {new} bytes, {grown} more; at most {MAY_GROW}"));
                }
            }
            _ if before != after => found.differences.push(format!("{before}\n        became {after}")),
            _ => {}
        }
    }
    found
}

fn size(line: &str) -> Option<(&str, u64)> {
    let (name, bytes) = line.strip_prefix("size ")?.rsplit_once(' ')?;
    Some((name, bytes.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_may_grow_by_so_much_and_nothing_else_may_change() {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let plain = lines(&["size f(a b) 16", "size g 8", "drops: a b"]);
        let found = compare(&plain, &lines(&["size f(a b) 80", "size g 73", "drops: b a"]));
        assert_eq!(found.grown, Some((64, 65)));
        assert_eq!(
            found.differences,
            ["g: 8 → 73 bytes, 65 more; at most 64", "drops: a b\n        became drops: b a"]
        );
        assert_eq!(compare(&plain, &plain[..2]).differences, ["2 lines instead of 3"]);
    }
}
