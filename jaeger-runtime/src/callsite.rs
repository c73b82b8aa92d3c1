//! `Callsite`: everything about an annotated function that does not change from call to call.
//!
//! One `static` per function; an event of the log holds its address and nothing else of it. Built by `const` functions only,
//! so that a callsite costs no start-up and no registration.

/// Name, place and keys of an annotated function. Made by `#[traced]`; public only for generated code and for reporters to read.
#[derive(Debug)]
pub struct Callsite {
    name: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
    args: &'static [&'static str],
    reply: &'static str,
    kind: &'static str,
    max_len: u32,
}

impl Callsite {
    /// `args` are the tags' keys, in the order in which the values are passed when a span opens.
    pub const fn new(
        name: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
        args: &'static [&'static str],
    ) -> Self {
        Self { name, module, file, line, args, reply: "reply", kind: "", max_len: 0 }
    }
    /// The key of the return value's tag.
    pub const fn with_reply(mut self, key: &'static str) -> Self {
        self.reply = key;
        self
    }
    /// The value of the tag `span.kind`; `""` for none.
    pub const fn with_kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }
    /// Bound on one recorded value in bytes; 0 for the tracer's.
    pub const fn with_max_len(mut self, bytes: u32) -> Self {
        self.max_len = bytes;
        self
    }

    /// The span's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
    /// `module_path!()` of the function.
    pub const fn module(&self) -> &'static str {
        self.module
    }
    /// `file!()` of the function.
    pub const fn file(&self) -> &'static str {
        self.file
    }
    /// `line!()` of the attribute.
    pub const fn line(&self) -> u32 {
        self.line
    }
    /// The keys of the arguments' tags.
    pub const fn args(&self) -> &'static [&'static str] {
        self.args
    }
    /// The key of the return value's tag.
    pub const fn reply(&self) -> &'static str {
        self.reply
    }
    /// The value of the tag `span.kind`, or `""`.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }
    /// Bound on one recorded value in bytes; 0 for the tracer's.
    pub const fn max_len(&self) -> u32 {
        self.max_len
    }
}
